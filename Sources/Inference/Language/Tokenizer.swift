/// A token's number in its model's vocabulary.
package typealias TokenID = Int32

/// A stretch of a prompt, and whether the text of special tokens in it becomes those tokens.
///
/// What a person typed never does: it cannot end a turn or begin another.
package struct PromptPiece: Sendable, Equatable {
  package var text: String
  package var parsesSpecial: Bool

  package init(_ text: String, parsesSpecial: Bool) {
    self.text = text
    self.parsesSpecial = parsesSpecial
  }
}

/// Text to token ids and back.
///
/// `Inference` itself never sees a string; the protocol stands here because both the models that implement it and the
/// runtime that calls it import this module.
package protocol Tokenizer: Sendable {
  var vocabularySize: Int { get }
  /// Put before a text where `addsBOS`; nil where the model has none.
  var bos: TokenID? { get }
  var addsBOS: Bool { get }
  /// Tokens that end an answer (end of text, end of turn).
  var endTokens: Set<TokenID> { get }

  /// Ids of `text`, without BOS or EOS.
  ///
  /// - Parameter parsesSpecial: whether the text of special tokens such as `<|im_end|>` becomes that token; otherwise
  ///   it is ordinary text.
  func encode(_ text: String, parsesSpecial: Bool) -> [TokenID]
  /// Ids of the pieces as one text: words and merges may cross from piece to piece, special tokens may not.
  func encode(_ pieces: [PromptPiece]) -> [TokenID]
  /// The bytes a token stands for. Those of a special (control) token only where `special`.
  func bytes(of token: TokenID, special: Bool) -> [UInt8]
  /// Whether the token is a control token, never part of the visible text.
  func isSpecial(_ token: TokenID) -> Bool
  /// The token that `text` names exactly, special ones included.
  func token(named text: String) -> TokenID?
  /// Whether encoding puts a space before a text, which whole texts lose again when they are decoded.
  var addsSpacePrefix: Bool { get }
}

extension Tokenizer {
  package var addsSpacePrefix: Bool { false }

  package func encode(_ pieces: [PromptPiece]) -> [TokenID] {
    pieces.flatMap { encode($0.text, parsesSpecial: $0.parsesSpecial) }
  }

  /// The text of all tokens, without the space that encoding put before it.
  package func text(of tokens: [TokenID], special: Bool) -> String {
    var bytes: [UInt8] = []
    for (index, token) in tokens.enumerated() {
      let piece = self.bytes(of: token, special: special)
      let dropsSpace = index == 0 && addsSpacePrefix && piece.first == 0x20
      bytes += dropsSpace ? piece.dropFirst() : piece[...]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// Turns a stream of token bytes into text that never holds half a character.
package struct IncrementalDetokenizer: Sendable {
  private var pending: [UInt8] = []

  package init() {}

  /// Text that is complete once `bytes` have come; invalid bytes become U+FFFD.
  package mutating func append(_ bytes: [UInt8]) -> String {
    pending += bytes
    let complete = pending.count - Self.incompleteSuffix(of: pending)
    let text = String(decoding: pending[..<complete], as: UTF8.self)
    pending.removeFirst(complete)
    return text
  }

  /// What is left at the end of the stream, with U+FFFD for a character that never became whole.
  package mutating func finish() -> String {
    defer { pending = [] }
    return String(decoding: pending, as: UTF8.self)
  }

  /// Length of a suffix that begins a well-formed character but does not finish it (0...3 bytes).
  private static func incompleteSuffix(of bytes: [UInt8]) -> Int {
    for back in 1...3 where back <= bytes.count {
      let byte = bytes[bytes.count - back]
      if byte & 0xC0 == 0x80 { continue }
      let needed =
        switch byte {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 1
        }
      return needed > back ? back : 0
    }
    return 0
  }
}
