/// The tokens that a small model chooses from: the frequent ones, and those of the text with their neighbours.
///
/// Vocabularies of byte pairs are numbered in the order their merges were learned, the most frequent first, so the
/// frequent tokens are the first ones. The small model's output matrix is the largest part of what a pass reads.
package final class DraftShortlist {
  /// Whether each block of `LogitBlocks.length` tokens is on the list.
  private var isListed: [Bool]
  private let vocabulary: Int
  /// Tokens of the text that were looked at.
  private var seen = 0
  private var ranges: [Range<Int>] = []

  /// - Parameter thousands: of frequent tokens.
  /// - Returns: nil where that is none, or all.
  package convenience init?(thousands: Int, vocabulary: Int) {
    guard thousands > 0, thousands * 1024 < vocabulary else { return nil }
    self.init(frequent: thousands * 1024, vocabulary: vocabulary)
  }

  package init(frequent: Int, vocabulary: Int) {
    self.vocabulary = vocabulary
    let blocks = (vocabulary + LogitBlocks.length - 1) / LogitBlocks.length
    isListed = (0..<blocks).map { $0 * LogitBlocks.length < frequent }
    rebuild()
  }

  /// Another text follows; what is on the list stays.
  package func restart() { seen = 0 }

  /// The list as `TokenBatch.headRows`, with what is new in the text.
  package func rows(with text: [TokenID]) -> [Range<Int>] {
    if seen > text.count { seen = 0 }
    var isNew = false
    for token in text[seen...] where token >= 0 && Int(token) < vocabulary {
      let block = Int(token) / LogitBlocks.length
      if !isListed[block] {
        isListed[block] = true
        isNew = true
      }
    }
    seen = text.count
    if isNew { rebuild() }
    return ranges
  }

  private func rebuild() {
    ranges = []
    for (block, listed) in isListed.enumerated() where listed {
      let start = block * LogitBlocks.length
      let end = min(start + LogitBlocks.length, vocabulary)
      if let last = ranges.last, last.upperBound == start {
        ranges[ranges.count - 1] = last.lowerBound..<end
      } else {
        ranges.append(start..<end)
      }
    }
  }
}
