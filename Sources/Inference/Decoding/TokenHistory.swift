/// The tokens of one sequence: the prompt, then what was generated.
package struct TokenHistory: Sendable {
  package private(set) var tokens: [TokenID]
  package let promptCount: Int

  package init(prompt: [TokenID]) {
    tokens = prompt
    promptCount = prompt.count
  }

  package var count: Int { tokens.count }
  package var generatedCount: Int { tokens.count - promptCount }
  package mutating func append(_ token: TokenID) { tokens.append(token) }
}

extension ArraySlice<TokenID> {
  /// FNV-1a over the tokens: to know a run of them again.
  package var fingerprint: UInt64 {
    reduce(0xCBF2_9CE4_8422_2325) {
      ($0 ^ UInt64(UInt32(bitPattern: $1))) &* 0x100_0000_01B3
    }
  }
}
