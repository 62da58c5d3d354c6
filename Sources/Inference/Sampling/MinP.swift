import Glibc

extension Candidates {
  /// Drops tokens whose probability is below `share` of the best one's.
  ///
  /// Source: Nguyen et al., "Turning up the heat: min-p sampling", arXiv:2407.01082, section 3.
  func minP(_ share: Double) -> Bool {
    let before = count
    keep(atLeast: maximum + Float(log(share)))
    return count < before
  }
}
