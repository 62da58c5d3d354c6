/// Tokens of the vocabulary as ascending ranges, numbered through.
struct TokenRanges {
  private let parts: [Range<Int>]
  /// For each part how many tokens come before it.
  private let starts: [Int]
  let count: Int

  /// - Parameter ranges: ascending, none overlapping another.
  init(_ ranges: [Range<Int>]) {
    parts = ranges.filter { !$0.isEmpty }
    var starts: [Int] = []
    var count = 0
    for part in parts {
      starts.append(count)
      count += part.count
    }
    self.starts = starts
    self.count = count
  }

  func clamped(to range: Range<Int>) -> TokenRanges {
    if parts.count == 1, parts[0] == range { return self }
    return TokenRanges(parts.map { $0.clamped(to: range) })
  }

  /// What of `range` is in none of the parts.
  func gaps(in range: Range<Int>) -> [Range<Int>] {
    var gaps: [Range<Int>] = []
    var place = range.lowerBound
    for part in parts where part.overlaps(range) {
      if part.lowerBound > place { gaps.append(place..<part.lowerBound) }
      place = max(place, part.upperBound)
    }
    if place < range.upperBound { gaps.append(place..<range.upperBound) }
    return gaps
  }

  /// The token of a number; the end of the last part for the number after the last.
  func token(_ number: Int) -> Int {
    guard let index = starts.lastIndex(where: { $0 <= number }) else { return 0 }
    return parts[index].lowerBound + number - starts[index]
  }

  /// The tokens of consecutive numbers.
  func ranges(_ numbers: Range<Int>) -> [Range<Int>] {
    if parts.count == 1 {
      let base = parts[0].lowerBound
      return [base + numbers.lowerBound..<base + numbers.upperBound]
    }
    return zip(parts, starts).compactMap { part, start in
      let own = numbers.clamped(to: start..<start + part.count)
      let base = part.lowerBound - start
      return own.isEmpty ? nil : base + own.lowerBound..<base + own.upperBound
    }
  }
}
