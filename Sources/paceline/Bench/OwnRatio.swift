/// A ratio between figures of one and the same program, taken within each round.
package struct OwnRatio: Codable, Equatable, Sendable {
  /// What is divided by what.
  package var name: String
  package var rounds: [Double]
  package var median: Double
  package var low: Double
  package var high: Double
  package var target: Double?
  /// Whether the target is the most that is allowed, and not the least.
  package var isLimit: Bool

  /// - Parameters:
  ///   - figures: what is divided, by round; and what by.
  /// - Returns: nil where no round has both.
  package init?(
    _ name: String, _ figures: [Int: Double], over others: [Int: Double], target: Double?,
    isLimit: Bool = false
  ) {
    rounds = figures.keys.sorted().compactMap { round in
      guard let figure = figures[round], let other = others[round], other > 0 else { return nil }
      return figure / other
    }
    guard !rounds.isEmpty else { return nil }
    self.name = name
    median = Statistics.median(rounds)
    low = Statistics.percentile(10, of: rounds)
    high = Statistics.percentile(90, of: rounds)
    self.target = target
    self.isLimit = isLimit
  }

  /// Nil where nothing is aimed at.
  package var isMet: Bool? { target.map { isLimit ? median <= $0 : median >= $0 } }

  package var verdict: String {
    guard let target, let isMet else { return "-" }
    return isMet ? "met" : "missed by \(fixed(abs(median / target - 1) * 100, 0)) %"
  }

  package var targetText: String {
    target.map { (isLimit ? "<= " : ">= ") + fixed($0, 2) } ?? "-"
  }
}
