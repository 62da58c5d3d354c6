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
    // The list's weights may be relative to another logit than the row's.
    let wanted = share * mass.total * exp(Double(mass.shift) - Double(self.mass.shift))
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
    let shift = mass.shift
    listTail { least, _ in
      let distance = logTotal - Double(least - shift) - entropy
      let most = min(Double(maximum), Double(shift) + logTotal - entropy + distance)
      var held = 0.0
      let tokens = kernels.indices(of: row, range, atLeast: least)
      row.withSpan(range) { span in
        for token in tokens where Double(span[Int(token)]) <= most {
          held += Double(Self.weight(span[Int(token)] - shift))
        }
      }
      return distance > 0 && held > share * mass.total * 1.000_01
    }
  }
}
