import Compute
import Inference

/// Tokens of scored pieces, merged best score first, with bytes where no piece fits (Gemma, Llama 2).
package struct SentencePieceTokenizer: Tokenizer {
  let vocabulary: Vocabulary
  private let scores: Scores
  package let addsSpacePrefix: Bool
  /// Token of each byte value, -1 where there is none.
  private let byteTokens: [TokenID]

  /// Reads the tokenizer of a `llama` type vocabulary.
  package init(from gguf: GGUF) throws(InferenceError) {
    vocabulary = try Vocabulary(
      from: gguf, defaults: (bos: 1, eos: 2, unknown: 0), addsBOS: true)
    scores = try Scores(from: gguf, count: vocabulary.count)
    addsSpacePrefix = gguf.metadata.boolean("tokenizer.ggml.add_space_prefix") ?? true
    byteTokens = Self.byteTokens(vocabulary)
  }

  package var vocabularySize: Int { vocabulary.count }
  package var bos: TokenID? { vocabulary.bos }
  package var addsBOS: Bool { vocabulary.addsBOS }
  package var endTokens: Set<TokenID> { vocabulary.endTokens }
  package func token(named text: String) -> TokenID? { vocabulary.token(named: text) }
  package func isSpecial(_ token: TokenID) -> Bool {
    vocabulary.attributes(of: token).isSpecial
  }

  package func encode(_ text: String, parsesSpecial: Bool) -> [TokenID] {
    encode([PromptPiece(text, parsesSpecial: parsesSpecial)])
  }

  package func encode(_ pieces: [PromptPiece]) -> [TokenID] {
    let (bytes, fragments) = vocabulary.specials.partition(pieces)
    var tokens: [TokenID] = []
    var merger = PairMerger()
    var followsSpecial = true
    for fragment in fragments {
      switch fragment {
      case .token(let token):
        tokens.append(token)
        followsSpecial = true
      case .text(let range):
        let prefix = addsSpacePrefix && followsSpecial
        append(Self.escape(bytes[range], prefix: prefix), to: &tokens, merger: &merger)
        followsSpecial = false
      }
    }
    return tokens
  }

  package func bytes(of token: TokenID, special: Bool) -> [UInt8] {
    let attributes = vocabulary.attributes(of: token)
    if attributes.isSpecial && !special { return [] }
    let spelling = vocabulary.spelling(of: token)
    if attributes.isMatchedWhole { return spelling }
    if attributes.contains(.normal) { return Self.unescape(spelling) }
    if attributes.contains(.byte) { return Self.byteValue(spelling).map { [$0] } ?? [] }
    return []
  }

  private func append(_ text: [UInt8], to tokens: inout [TokenID], merger: inout PairMerger) {
    merger.reset()
    var start = 0
    while start < text.count {
      let end = min(start + Self.length(ofCharacterAt: text[start]), text.count)
      merger.append(start..<end)
      start = end
    }
    let bytes = text.span
    vocabulary.file.withBytes { file in
      merger.merge(by: self, text: bytes, file: file) { range in
        if let token = findPiece(range, of: text.span, in: file) {
          tokens.append(TokenID(token))
          return
        }
        for offset in range {
          let token = byteTokens[Int(text[offset])]
          if token >= 0 {
            tokens.append(token)
          } else if let unknown = vocabulary.unknown {
            tokens.append(unknown)
          }
        }
      }
    }
  }

  /// The piece with those bytes.
  ///
  /// Control tokens never come from plain text, whatever it spells.
  private func findPiece(_ range: Range<Int>, of text: Span<UInt8>, in file: RawSpan) -> Int? {
    guard let index = vocabulary.index.find(range, of: text, in: file),
      !vocabulary.attributes[index].isOutOfReach
    else { return nil }
    return index
  }

  /// U+2581, which stands for a space.
  private static let spaceMark: [UInt8] = [0xE2, 0x96, 0x81]

  private static func escape(_ text: ArraySlice<UInt8>, prefix: Bool) -> [UInt8] {
    var escaped = prefix ? spaceMark : []
    escaped.reserveCapacity(text.count * 2)
    for byte in text {
      if byte == 0x20 { escaped += spaceMark } else { escaped.append(byte) }
    }
    return escaped
  }

  private static func unescape(_ spelling: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    var offset = 0
    while offset < spelling.count {
      if spelling[offset...].starts(with: spaceMark) {
        bytes.append(0x20)
        offset += 3
      } else {
        bytes.append(spelling[offset])
        offset += 1
      }
    }
    return bytes
  }

  /// Bytes of the character that begins with `byte`, judged by that byte alone.
  private static func length(ofCharacterAt byte: UInt8) -> Int {
    switch byte {
    case 0xC0...0xDF: 2
    case 0xE0...0xEF: 3
    case 0xF0...0xFF: 4
    default: 1
    }
  }

  private static func byteTokens(_ vocabulary: Vocabulary) -> [TokenID] {
    let digits = Array("0123456789ABCDEF".utf8)
    return vocabulary.file.withBytes { file in
      (0..<256).map { value in
        let name = Array("<0x".utf8) + [digits[value >> 4], digits[value & 15]] + Array(">".utf8)
        let token =
          vocabulary.index.find(name.indices, of: name.span, in: file)
          ?? vocabulary.index.find(0..<1, of: [UInt8(value)].span, in: file)
        return token.map(TokenID.init) ?? -1
      }
    }
  }

  /// The byte that a name such as `<0x0A>` stands for.
  private static func byteValue(_ spelling: [UInt8]) -> UInt8? {
    guard spelling.count == 6, spelling.starts(with: Array("<0x".utf8)), spelling[5] == 0x3E else {
      return nil
    }
    return UInt8(String(decoding: spelling[3..<5], as: UTF8.self), radix: 16)
  }
}

extension SentencePieceTokenizer: MergeRule {
  func order(
    of left: Range<Int>, _ right: Range<Int>, in text: Span<UInt8>, file: RawSpan
  ) -> Double? {
    findPiece(left.lowerBound..<right.upperBound, of: text, in: file)
      .map { -scores.score(of: $0, in: file) }
  }
}

/// The scores of pieces, read from the mapped file where they are needed.
private struct Scores: Sendable {
  private enum Storage {
    case none
    case floats(Int)
    case integers(Int)
  }
  private let storage: Storage

  init(from gguf: GGUF, count: Int) throws(InferenceError) {
    let key = "tokenizer.ggml.scores"
    guard let type = gguf.metadata.type(of: key) else {
      storage = .none
      return
    }
    let length: Int
    switch type.element {
    case .float32:
      let array = gguf.metadata.floats(key)
      (storage, length) = (.floats(array?.offset ?? 0), array?.count ?? 0)
    case .int32:
      let array = gguf.metadata.integers(key)
      (storage, length) = (.integers(array?.offset ?? 0), array?.count ?? 0)
    default:
      throw InferenceError(.modelFile, "\(gguf.file.path): \(key): not an array of numbers")
    }
    guard length >= count else {
      throw InferenceError(
        .modelFile, "\(gguf.file.path): \(key): \(length) entries for \(count) tokens")
    }
  }

  func score(of token: Int, in file: RawSpan) -> Double {
    switch storage {
    case .none: 0
    case .floats(let offset):
      Double(Float(bitPattern: file.integer(UInt32.self, at: offset + 4 * token)))
    case .integers(let offset):
      Double(Float(file.integer(Int32.self, at: offset + 4 * token)))
    }
  }
}
