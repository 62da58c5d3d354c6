/// Times from keys to what they painted, and what is said of them.
package struct Latencies: Equatable, Sendable {
  /// Milliseconds, ascending.
  package private(set) var sorted: [Double]

  package init(_ milliseconds: [Double]) { sorted = milliseconds.sorted() }

  package var count: Int { sorted.count }
  package var greatest: Double { sorted.last ?? 0 }

  /// The smallest time that at least `percent` of all times do not exceed; 0 where there are none.
  package func percentile(_ percent: Double) -> Double {
    guard !sorted.isEmpty else { return 0 }
    let rank = Int((percent / 100 * Double(sorted.count)).rounded(.up))
    return sorted[min(max(1, rank), sorted.count) - 1]
  }
}
