import Compute
import FoundationEssentials
import Inference

/// Captions with their vectors: what can be painted without an encoder of sentences.
package struct CaptionBook: Sendable {
  private let numbers: [String: Int]
  private let vectors: Tensor
  /// Words of the longest caption.
  private let longest: Int

  /// - Throws: `modelFile`.
  package init(path: String) throws(InferenceError) {
    let gguf = try GGUF(path: path)
    guard let texts = gguf.metadata.strings("captions.texts"), !texts.isEmpty else {
      throw InferenceError(.modelFile, "\(path): the header has no list captions.texts")
    }
    vectors = try gguf.require("captions.vectors", rows: texts.count, columns: TextVector.count)
    var numbers: [String: Int] = [:]
    for (number, text) in texts.enumerated() {
      let plain = Self.plain(text)
      if !plain.isEmpty, numbers[plain] == nil { numbers[plain] = number }
    }
    self.numbers = numbers
    longest = numbers.keys.map { $0.split(separator: " ").count }.max() ?? 1
  }

  package var count: Int { numbers.count }

  /// What a description was taken for.
  package struct Reading: Sendable, Equatable {
    package var vector: TextVector
    /// Words that no caption holds, in their order.
    package var unknown: [String]
    /// Whether the whole description is one caption.
    package var isCaption: Bool
  }

  /// Finds a description as a caption or, word by word, as the mean of the longest captions in it.
  ///
  /// - Returns: nil where none of its words is known.
  package func read(_ description: String) -> Reading? {
    let words = Self.plain(description).split(separator: " ").map(String.init)
    if let vector = vector(words) {
      return Reading(vector: vector, unknown: [], isCaption: true)
    }
    var found: [TextVector] = []
    var unknown: [String] = []
    var place = 0
    while place < words.count {
      let most = min(longest, words.count - place)
      let match = (1...most).reversed().lazy.compactMap { length in
        vector(Array(words[place..<place + length])).map { ($0, length) }
      }.first
      if let (vector, length) = match {
        found.append(vector)
        place += length
      } else {
        if !Self.small.contains(words[place]) { unknown.append(words[place]) }
        place += 1
      }
    }
    return TextVector.mean(found).map {
      Reading(vector: $0, unknown: unknown, isCaption: false)
    }
  }

  /// The captions that hold a word, in alphabetical order.
  package func captions(with word: String) -> [String] {
    numbers.keys.filter { $0.split(separator: " ").contains(Substring(word)) }.sorted()
  }

  private func vector(_ words: [String]) -> TextVector? {
    guard let number = numbers[words.joined(separator: " ")] else { return nil }
    return TextVector(vectors.row(number)).flatMap { TextVector.mean([$0]) }
  }

  /// Words that may be missing without a word about it.
  private static let small: Set<String> = [
    "a", "an", "the", "of", "with", "and", "in", "on", "at", "some", "please", "draw", "paint",
  ]

  /// Lower case, no punctuation, and no article in front.
  private static func plain(_ text: String) -> String {
    var words = text.lowercased().split { !($0.isLetter || $0.isNumber || $0 == "-") }
    while let first = words.first, ["a", "an", "the"].contains(first), words.count > 1 {
      words.removeFirst()
    }
    return words.joined(separator: " ")
  }
}
