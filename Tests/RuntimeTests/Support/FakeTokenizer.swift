import Inference
import Runtime

/// A tokenizer of 256 byte tokens, some longer pieces and some special tokens; text takes the longest piece each time.
struct FakeTokenizer: Tokenizer {
  static let bosID: TokenID = 256
  static let endID: TokenID = 257
  static let startID: TokenID = 258
  static let firstPieceID: TokenID = 300

  var pieces: [String] = ["hel", "lo", "hello", " world", "user\n", "assistant\n"]
  var addsBOS = false

  let bos: TokenID? = bosID
  let endTokens: Set<TokenID> = [endID]
  private let specials: [(name: String, id: TokenID)] = [
    ("<bos>", bosID), ("<end>", endID), ("<start>", startID),
  ]

  var vocabularySize: Int { 500 }

  func encode(_ text: String, parsesSpecial: Bool) -> [TokenID] {
    var rest = Array(text.utf8)[...]
    var tokens: [TokenID] = []
    while let byte = rest.first {
      if parsesSpecial, let special = specials.first(where: { rest.starts(with: $0.name.utf8) }) {
        tokens.append(special.id)
        rest = rest.dropFirst(special.name.utf8.count)
        continue
      }
      let fitting = pieces.indices.filter { rest.starts(with: pieces[$0].utf8) }
      if let best = fitting.max(by: { pieces[$0].utf8.count < pieces[$1].utf8.count }) {
        tokens.append(Self.firstPieceID + TokenID(best))
        rest = rest.dropFirst(pieces[best].utf8.count)
      } else {
        tokens.append(TokenID(byte))
        rest = rest.dropFirst()
      }
    }
    return tokens
  }

  func bytes(of token: TokenID, special: Bool) -> [UInt8] {
    if let name = specials.first(where: { $0.id == token })?.name {
      return special ? Array(name.utf8) : []
    }
    if token < 256 { return [UInt8(token)] }
    let piece = Int(token - Self.firstPieceID)
    return pieces.indices.contains(piece) ? Array(pieces[piece].utf8) : []
  }

  func isSpecial(_ token: TokenID) -> Bool { specials.contains { $0.id == token } }
  func token(named text: String) -> TokenID? { specials.first { $0.name == text }?.id }

  /// A template in the manner of ChatML; a last answer stays open.
  static func render(_ turns: [ChatTurn]) -> [PromptPiece] {
    var pieces: [PromptPiece] = []
    for (index, turn) in turns.enumerated() {
      pieces.append(PromptPiece("<start>\(turn.role)\n", parsesSpecial: true))
      pieces.append(PromptPiece(turn.text, parsesSpecial: false))
      if turn.role == .assistant, index == turns.count - 1 { return pieces }
      pieces.append(PromptPiece("<end>\n", parsesSpecial: true))
    }
    return pieces + [PromptPiece("<start>assistant\n", parsesSpecial: true)]
  }
}
