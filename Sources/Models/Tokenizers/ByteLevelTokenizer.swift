import Compute
import Inference

/// Byte-pair encoding over bytes spelled as visible characters (GPT-2, Llama 3, Qwen, SmolLM).
package struct ByteLevelTokenizer: Tokenizer {
  let vocabulary: Vocabulary
  private let merges: StringIndex
  private let splitter: TextSplitter
  /// Takes a word that is a token as that token, whatever the merges say.
  private let prefersWholeWords: Bool

  /// Reads the tokenizer of a `gpt2` type vocabulary.
  package init(from gguf: GGUF) throws(InferenceError) {
    let name = gguf.metadata.string("tokenizer.ggml.pre") ?? "default"
    guard let splitter = TextSplitter(named: name) else {
      throw InferenceError(
        .unsupportedModel,
        "\(gguf.file.path): tokenizer.ggml.pre: the pre-tokenizer \"\(name)\" is not known "
          + "(known are \(TextSplitter.names.joined(separator: ", ")))")
    }
    self.splitter = splitter
    prefersWholeWords = splitter == .llama3
    vocabulary = try Vocabulary(
      from: gguf, defaults: (bos: nil, eos: nil, unknown: nil), addsBOS: splitter == .llama3)
    guard let merges = gguf.metadata.strings("tokenizer.ggml.merges") else {
      throw InferenceError(
        .modelFile, "\(gguf.file.path): tokenizer.ggml.merges: the file has no list of merges")
    }
    self.merges = StringIndex(merges)
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
    var word: [UInt8] = []
    for fragment in fragments {
      switch fragment {
      case .token(let token): tokens.append(token)
      case .text(let range):
        splitter.split(bytes, range) { wordRange in
          word.removeAll(keepingCapacity: true)
          merger.reset()
          for byte in bytes[wordRange] {
            let start = word.count
            word += ByteSpelling.spellings[Int(byte)]
            merger.append(start..<word.count)
          }
          append(word, to: &tokens, merger: &merger)
        }
      }
    }
    return tokens
  }

  package func bytes(of token: TokenID, special: Bool) -> [UInt8] {
    let attributes = vocabulary.attributes(of: token)
    if attributes.isSpecial && !special { return [] }
    let spelling = vocabulary.spelling(of: token)
    if attributes.isMatchedWhole { return spelling }
    return attributes.contains(.normal) ? ByteSpelling.bytes(of: spelling) : []
  }

  private func append(_ word: [UInt8], to tokens: inout [TokenID], merger: inout PairMerger) {
    vocabulary.file.withBytes { file in
      let text = word.span
      if prefersWholeWords, let token = findToken(word.indices, of: text, in: file) {
        tokens.append(token)
        return
      }
      merger.merge(by: self, text: text, file: file) { range in
        // What no token spells has no place in this vocabulary and is left out, as llama.cpp does.
        if let token = findToken(range, of: word.span, in: file) { tokens.append(token) }
      }
    }
  }

  /// The token with those bytes.
  ///
  /// Control tokens never come from plain text, whatever it spells.
  private func findToken(_ range: Range<Int>, of text: Span<UInt8>, in file: RawSpan) -> TokenID? {
    guard let index = vocabulary.index.find(range, of: text, in: file),
      !vocabulary.attributes[index].isOutOfReach
    else { return nil }
    return TokenID(index)
  }
}

extension ByteLevelTokenizer: MergeRule {
  func order(
    of left: Range<Int>, _ right: Range<Int>, in text: Span<UInt8>, file: RawSpan
  ) -> Double? {
    merges.find(pair: left, right, of: text, in: file).map(Double.init)
  }
}

/// The visible characters that stand for bytes in byte-level vocabularies.
package enum ByteSpelling {
  /// UTF-8 of the character for each byte.
  package static let spellings: [[UInt8]] = scalars.map { Array(String($0).utf8) }

  /// Printable Latin-1 stands for itself; the rest follows from U+0100 on, in order.
  private static let scalars: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (0..<256).map { (byte: UInt32) in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: break
      default:
        next += 1
        return Unicode.Scalar(next - 1) ?? " "
      }
      return Unicode.Scalar(byte) ?? " "
    }
  }()

  private static let values: [Unicode.Scalar: UInt8] = Dictionary(
    uniqueKeysWithValues: scalars.enumerated().map { ($0.element, UInt8($0.offset)) })

  /// The bytes that a spelling stands for; characters that stand for none are kept as they are.
  static func bytes(of spelling: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    for scalar in String(decoding: spelling, as: UTF8.self).unicodeScalars {
      if let value = values[scalar] {
        bytes.append(value)
      } else {
        bytes += Array(String(scalar).utf8)
      }
    }
    return bytes
  }
}
