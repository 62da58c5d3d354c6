import Inference

/// Cuts text into the word pieces of a BERT vocabulary, all in lower case and without accents.
///
/// Words are parted at blanks and around punctuation; of each word the longest known beginning is taken, then the longest
/// known continuation (`##...`), and so on. A word that cannot be spelled is unknown as a whole. Source: Devlin et al.,
/// "BERT", arXiv:1810.04805, and Wu et al., arXiv:1609.08144, for the pieces.
package struct WordPieceTokenizer: Sendable {
  private let ids: [String: Int32]
  private let first: Int32
  private let last: Int32
  private let unknown: Int32

  /// Letters of a word beyond which it counts as unknown, as in the vocabulary's own tokenizer.
  private static let wordLimit = 100

  /// - Parameter vocabulary: one piece a line.
  /// - Throws: `modelFile` where the vocabulary lacks `[CLS]`, `[SEP]` or `[UNK]`.
  package init(vocabulary: String) throws(InferenceError) {
    var ids: [String: Int32] = [:]
    for (number, line) in vocabulary.split(separator: "\n", omittingEmptySubsequences: false)
      .enumerated() where !line.isEmpty
    {
      ids[String(line)] = Int32(number)
    }
    guard let first = ids["[CLS]"], let last = ids["[SEP]"], let unknown = ids["[UNK]"] else {
      throw InferenceError(.modelFile, "the vocabulary has no [CLS], [SEP] or [UNK]")
    }
    (self.ids, self.first, self.last, self.unknown) = (ids, first, last, unknown)
  }

  package var count: Int { ids.count }

  /// The text between `[CLS]` and `[SEP]`, at most `limit` tokens in all.
  ///
  /// - Parameter text: letters and their accents apart (in normal form D), so that accents can be left out.
  package func encode(_ text: String, limit: Int) -> [Int32] {
    var tokens = [first]
    for word in Self.words(text) {
      guard tokens.count < limit - 1 else { break }
      tokens += pieces(word)
    }
    return tokens.prefix(max(1, limit - 1)) + [last]
  }

  /// Whether a word is spelled without the unknown piece.
  package func knows(_ word: String) -> Bool {
    !Self.words(word).contains { pieces($0) == [unknown] }
  }

  private func pieces(_ word: String) -> [Int32] {
    let letters = Array(word.unicodeScalars)
    guard letters.count <= Self.wordLimit else { return [unknown] }
    var found: [Int32] = []
    var start = 0
    while start < letters.count {
      var end = letters.count
      var piece: Int32?
      while end > start, piece == nil {
        var text = String(String.UnicodeScalarView(letters[start..<end]))
        if start > 0 { text = "##" + text }
        piece = ids[text]
        if piece == nil { end -= 1 }
      }
      guard let piece else { return [unknown] }
      found.append(piece)
      start = end
    }
    return found
  }

  /// Words in lower case without accents, punctuation and Chinese characters each by itself.
  static func words(_ text: String) -> [String] {
    var words: [String] = []
    var word = String.UnicodeScalarView()
    func close() {
      if !word.isEmpty { words.append(String(word)) }
      word = String.UnicodeScalarView()
    }
    for scalar in text.unicodeScalars {
      let category = scalar.properties.generalCategory
      switch category {
      case .nonspacingMark: continue
      case .control where scalar != "\t" && scalar != "\n" && scalar != "\r": continue
      case .format, .surrogate, .privateUse, .unassigned: continue
      default: break
      }
      if scalar.properties.isWhitespace {
        close()
      } else if scalar.standsAlone {
        close()
        words.append(String(scalar))
      } else {
        word.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
      }
    }
    close()
    return words
  }
}

extension Unicode.Scalar {
  /// Whether it is a word by itself: punctuation, signs of ASCII, and Chinese characters.
  fileprivate var standsAlone: Bool {
    switch value {
    case 33...47, 58...64, 91...96, 123...126: return true
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0xF900...0xFAFF, 0x20000...0x2CEAF, 0x2F800...0x2FA1F:
      return true
    default: break
    }
    switch properties.generalCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      return true
    default: return false
    }
  }
}
