import Glibc

/// Pearson's test of counts against a distribution.
package struct ChiSquare {
  package private(set) var statistic = 0.0
  /// Cells compared, less one.
  package let degrees: Int

  /// Outcomes that are expected less than five times are counted together.
  ///
  /// - Parameters:
  ///   - counts: of each outcome how often it came.
  ///   - probabilities: of the same outcomes; their sum is 1.
  package init(counts: [Int], probabilities: [Double]) {
    precondition(counts.count == probabilities.count)
    let total = Double(counts.reduce(0, +))
    var rare = (count: 0.0, expected: 0.0)
    var cells = 0
    for (count, probability) in zip(counts, probabilities) {
      let expected = probability * total
      if expected < 5 {
        rare.count += Double(count)
        rare.expected += expected
      } else {
        statistic += (Double(count) - expected) * (Double(count) - expected) / expected
        cells += 1
      }
    }
    if rare.expected >= 1 {
      statistic += (rare.count - rare.expected) * (rare.count - rare.expected) / rare.expected
      cells += 1
    } else if rare.count > 20 {
      statistic = .infinity
    }
    degrees = max(1, cells - 1)
  }

  /// How many standard deviations the statistic lies above what chance gives.
  ///
  /// Source: Wilson and Hilferty, "The distribution of chi-square", PNAS 17, 1931.
  package var deviation: Double {
    let spread = 2 / (9 * Double(degrees))
    return (cbrt(statistic / Double(degrees)) - (1 - spread)) / spread.squareRoot()
  }

  /// Whether chance gives as much or more in one case of a hundred.
  package var isPlausible: Bool { deviation < 2.326 }
}
