import Compute
import Glibc

/// The tokens that may still come: the whole row of logits at first, a list once a stage has cut it down.
///
/// One object serves every token of a chain, so that nothing of the vocabulary's size is allocated per token. The row
/// given is never changed; a stage that edits logits gets a copy.
final class Candidates {
  struct Entry {
    var token: TokenID
    var logit: Float
    /// `exp(logit - shift)`; valid while `hasWeights`.
    var weight: Float = 0
  }

  /// The sum of all weights, `exp(logit - shift)`, and of `(logit - shift) * weight`.
  struct Mass {
    var shift: Float
    var total: Double
    var moment: Double

    /// In nats.
    var entropy: Double { total > 0 ? max(0, log(total) - moment / total) : 0 }
  }

  /// Tokens of a dense row whose mass is kept as one sum.
  static let massBlock = 2048
  /// Logits are kept within this, so that no later step overflows.
  static let limit: Float = 1e30

  let kernels: Kernels
  /// Whether the candidates are all tokens of `row`; otherwise they are `entries`.
  var isDense = true
  /// Candidates left.
  var count = 0
  /// Ascending by token.
  var entries: [Entry] = []
  var row = Buffer(count: 0)
  var range = 0..<0
  private var ownsRow = false
  private var copy = Buffer(count: 0)
  var hasWeights = false
  var shift: Float = 0
  var knownMass: Mass?
  var knownMaximum: Float?
  var blockMasses: [Double] = []
  /// Total when `blockMasses` was last summed anew; edits to much less than that lose digits.
  var freshTotal = 0.0
  /// Working memory of `Penalties` and `DRY`.
  var occurrences: [Int32] = []
  var repeatLengths: [Int32] = []

  init(kernels: Kernels) { self.kernels = kernels }

  /// Starts over with a row of logits and returns `log(sum(exp(x)))` of it.
  ///
  /// NaN becomes -infinity. A row without any finite logit leaves token 0 alone.
  func load(_ logits: Buffer, _ range: Range<Int>) -> Float {
    row = logits
    self.range = range
    isDense = true
    ownsRow = false
    count = range.count
    entries.removeAll(keepingCapacity: true)
    forgetSums()
    let logTotal = kernels.logSumExp(logits, range)
    if logTotal.isFinite, abs(logTotal) < Self.limit { return logTotal }
    return clean()
  }

  /// Replaces what no arithmetic bears, and returns `log(sum(exp(x)))`.
  private func clean() -> Float {
    own()
    row.withMutableSpan(range) { span in
      for index in 0..<span.count { span[index] = Self.bounded(span[index]) }
    }
    guard maximum > -.infinity else { return 0 }
    return Float(Double(mass.shift) + log(mass.total))
  }

  static func bounded(_ logit: Float) -> Float {
    if logit.isNaN || logit < -limit { return -.infinity }
    return min(logit, limit)
  }

  /// The greatest logit.
  ///
  /// Where none is finite, token 0 becomes the only candidate.
  var maximum: Float {
    if let knownMaximum { return knownMaximum }
    var top = -Float.infinity
    if isDense {
      top = kernels.maximum(row, range)
      if !(top > -.infinity) { collapse(to: Entry(token: 0, logit: 0)) }
    } else {
      for entry in entries { top = max(top, entry.logit) }
    }
    if !isDense, entries.count == 1 { top = entries[0].logit }
    knownMaximum = top
    return top
  }

  /// Sums over the candidates; for a list it also fills in the weights.
  var mass: Mass {
    if let knownMass { return knownMass }
    let top = maximum
    let mass = isDense ? denseMass(shift: top) : listMass(shift: top)
    knownMass = mass
    return mass
  }

  /// Candidates that are not impossible: a row as given counts its logits of -infinity in `count`.
  var possibleCount: Int {
    guard isDense else { return count }
    return row.withSpan(range) { span in
      var count = 0
      for index in 0..<span.count where span[index] > -.infinity { count += 1 }
      return count
    }
  }

  /// In bits.
  var entropy: Float { count > 1 ? Float(mass.entropy / M_LN2) : 0 }

  private func denseMass(shift: Float) -> Mass {
    var mass = Mass(shift: shift, total: 0, moment: 0)
    blockMasses.removeAll(keepingCapacity: true)
    for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.massBlock) {
      let block = start..<min(start + Self.massBlock, range.upperBound)
      let sums = row.withSpan(block) { LogitSums.exponentials($0, shift: shift) }
      blockMasses.append(sums.total)
      mass.total += sums.total
      mass.moment += sums.moment
    }
    freshTotal = mass.total
    return mass
  }

  private func listMass(shift top: Float) -> Mass {
    // A local array: each access to a class's property costs a check.
    var list: [Entry] = []
    swap(&list, &entries)
    if !hasWeights {
      shift = top
      for index in list.indices { list[index].weight = Self.weight(list[index].logit - top) }
      hasWeights = true
    }
    let base = shift
    var mass = Mass(shift: base, total: 0, moment: 0)
    for entry in list where entry.weight > 0 {
      mass.total += Double(entry.weight)
      mass.moment += Double(entry.weight) * Double(entry.logit - base)
    }
    swap(&list, &entries)
    return mass
  }

  /// `exp` that answers 0 for NaN.
  static func weight(_ distance: Float) -> Float {
    let weight = exp(distance)
    return weight > 0 ? weight : 0
  }

  func forgetSums() {
    hasWeights = false
    knownMass = nil
    knownMaximum = nil
  }

  /// Makes the row one that may be written.
  func own() {
    guard !ownsRow else { return }
    if copy.count < range.count { copy = Buffer(count: range.count) }
    copy.copy(from: row, range, to: 0)
    row = copy
    range = 0..<range.count
    ownsRow = true
  }
}
