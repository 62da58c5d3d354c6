import Compute

extension Candidates {
  /// Keeps logits within `multiple` standard deviations of the greatest.
  ///
  /// Source: Tang et al., "Top-n-sigma: not all logits are you need", arXiv:2411.07641, algorithm 1.
  func topNSigma(_ multiple: Double) -> Bool {
    let before = count
    guard before > 1 else { return false }
    let top = maximum
    let deviation: Double
    if isDense {
      deviation = row.withSpan(range) { LogitSums.spread($0).deviation }
    } else {
      let logits = entries.map(\.logit)
      deviation = LogitSums.spread(logits.span).deviation
    }
    keep(atLeast: Float(Double(top) - multiple * deviation))
    return count < before
  }
}
