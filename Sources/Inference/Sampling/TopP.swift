extension Candidates {
  /// Keeps the smallest set of tokens that holds `share` of the probability.
  ///
  /// Source: Holtzman et al., "The curious case of neural text degeneration", arXiv:1904.09751, section 3.1.
  func topP(_ share: Double) -> Bool {
    let before = count
    keepBest(mass: share)
    return count < before
  }
}
