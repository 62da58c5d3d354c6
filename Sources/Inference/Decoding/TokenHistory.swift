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
