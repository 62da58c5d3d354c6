import Glibc

extension Candidates {
  /// Keeps the tokens whose surprise is nearest the entropy until they hold more than `share` of the probability.
  ///
  /// Source: Meister et al., "Locally typical sampling", arXiv:2202.00666, section 4.
  func typical(_ share: Double) -> Bool {
    listAll()
    let before = count
    guard before > 1 else { return false }
    let mass = mass
    let entropy = mass.entropy
    let logTotal = log(mass.total)
    keepSmallest(until: .massAbove(share * mass.total)) { entry in
      Float(abs(logTotal - Double(entry.logit - mass.shift) - entropy))
    }
    return count < before
  }
}
