import Compute
import Glibc

extension Candidates {
  /// Keeps the tokens whose surprise is nearest the entropy until they hold more than `share` of the probability.
  ///
  /// Source: Meister et al., "Locally typical sampling", arXiv:2202.00666, section 4.
  func typical(_ share: Double) -> Bool {
    let before = count
    guard before > 1 else { return false }
    let mass = mass
    let entropy = mass.entropy
    let logTotal = log(mass.total)
    if isDense { listTypical(share, logTotal: logTotal, entropy: entropy) }
    let wanted = share * mass.total
    keepSmallest(until: .massAbove(wanted)) { entry in
      Float(abs(logTotal - Double(entry.logit - mass.shift) - entropy))
    }
    return count < before
  }

  /// Lists the tokens of a dense row among which the typical ones are.
  ///
  /// A token less probable than all listed ones is further from the entropy than any listed one within the distance
  /// that the least listed one has; so where those hold enough, the others need not be looked at.
  private func listTypical(_ share: Double, logTotal: Double, entropy: Double) {
    let mass = mass
    listTail(holding: share * mass.total) { least in
      let distance = logTotal - Double(least - mass.shift) - entropy
      let most = Double(mass.shift) + logTotal - entropy + distance
      var held = 0.0
      for entry in entries where Double(entry.logit) <= most { held += Double(entry.weight) }
      return distance > 0 && held > share * mass.total * 1.000_01
    }
  }
}
