import Compute

/// Says which neighbours may be merged and in which order.
protocol MergeRule {
  /// The place of a merge in the order of merges, least first; nil where the two may not be merged.
  ///
  /// - Parameters:
  ///   - left: where the left symbol lies in `text`; the right one follows it directly.
  ///   - file: the bytes of the model file.
  func order(of left: Range<Int>, _ right: Range<Int>, in text: Span<UInt8>, file: RawSpan)
    -> Double?
}

/// Merges neighbouring symbols of a text until no merge is left, always the one that comes first in order.
///
/// Of merges equal in order the leftmost goes first. Kept between texts for its memory.
struct PairMerger {
  /// A run of bytes, linked to its neighbours by index (-1 at the ends).
  private struct Symbol {
    var start: Int
    var count: Int
    var previous: Int
    var next: Int

    var range: Range<Int> { start..<start + count }
  }

  private struct Candidate {
    var order: Double
    var left: Int
    var right: Int
    /// Bytes of both symbols; other sizes later mean that the candidate is out of date.
    var count: Int

    func precedes(_ other: Candidate) -> Bool {
      order < other.order || order == other.order && left < other.left
    }
  }

  private var symbols: [Symbol] = []
  private var heap: [Candidate] = []

  /// Forgets the symbols of the last text.
  mutating func reset() {
    symbols.removeAll(keepingCapacity: true)
    heap.removeAll(keepingCapacity: true)
  }

  /// Adds the next symbol; symbols cover the text without gaps.
  mutating func append(_ range: Range<Int>) {
    if let last = symbols.indices.last { symbols[last].next = last + 1 }
    symbols.append(
      Symbol(start: range.lowerBound, count: range.count, previous: symbols.count - 1, next: -1))
  }

  /// Merges all that can be merged and gives each remaining symbol's range, in order.
  mutating func merge(
    by rule: some MergeRule, text: Span<UInt8>, file: RawSpan, _ body: (Range<Int>) -> Void
  ) {
    for right in symbols.indices.dropFirst() {
      propose(right - 1, right, rule, text, file)
    }
    while let candidate = popFirst() {
      let left = symbols[candidate.left]
      let right = symbols[candidate.right]
      guard left.count > 0, right.count > 0, left.count + right.count == candidate.count else {
        continue
      }
      symbols[candidate.left].count += right.count
      symbols[candidate.right].count = 0
      symbols[candidate.left].next = right.next
      if right.next >= 0 { symbols[right.next].previous = candidate.left }
      propose(left.previous, candidate.left, rule, text, file)
      propose(candidate.left, right.next, rule, text, file)
    }
    var position = symbols.isEmpty ? -1 : 0
    while position >= 0 {
      body(symbols[position].range)
      position = symbols[position].next
    }
  }

  private mutating func propose(
    _ left: Int, _ right: Int, _ rule: some MergeRule, _ text: Span<UInt8>, _ file: RawSpan
  ) {
    guard left >= 0, right >= 0 else { return }
    let (first, second) = (symbols[left].range, symbols[right].range)
    guard let order = rule.order(of: first, second, in: text, file: file) else { return }
    push(Candidate(order: order, left: left, right: right, count: first.count + second.count))
  }

  private mutating func push(_ candidate: Candidate) {
    heap.append(candidate)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].precedes(heap[parent]) else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func popFirst() -> Candidate? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    guard !heap.isEmpty else { return first }
    heap[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in 2 * parent + 1...2 * parent + 2
      where child < heap.count && heap[child].precedes(heap[least]) {
        least = child
      }
      guard least != parent else { return first }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
