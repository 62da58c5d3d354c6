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
  private(set) var isDense = true
  /// Candidates left.
  private(set) var count = 0
  /// Ascending by token.
  var entries: [Entry] = []
  private(set) var row = Buffer(count: 0)
  private(set) var range = 0..<0
  private var ownsRow = false
  private var copy = Buffer(count: 0)
  private var hasWeights = false
  private var shift: Float = 0
  private var knownMass: Mass?
  private var knownMaximum: Float?
  private var blockMasses: [Double] = []
  /// Total when `blockMasses` was last summed anew; edits to much less than that lose digits.
  private var freshTotal = 0.0
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

  /// The greatest logit. Where none is finite, token 0 becomes the only candidate.
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
    if !hasWeights {
      shift = top
      for index in entries.indices {
        entries[index].weight = Self.weight(entries[index].logit - top)
      }
      hasWeights = true
    }
    var mass = Mass(shift: shift, total: 0, moment: 0)
    for entry in entries where entry.weight > 0 {
      mass.total += Double(entry.weight)
      mass.moment += Double(entry.weight) * Double(entry.logit - shift)
    }
    return mass
  }

  /// `exp` that answers 0 for NaN.
  static func weight(_ distance: Float) -> Float {
    let weight = exp(distance)
    return weight > 0 ? weight : 0
  }

  private func forgetSums() {
    hasWeights = false
    knownMass = nil
    knownMaximum = nil
  }

  /// Makes the row one that may be written.
  private func own() {
    guard !ownsRow else { return }
    if copy.count < range.count { copy = Buffer(count: range.count) }
    copy.copy(from: row, range, to: 0)
    row = copy
    range = 0..<range.count
    ownsRow = true
  }
}

// MARK: Edits

extension Candidates {
  /// The logit of a token, nil where it is no candidate.
  func logit(of token: TokenID) -> Float? {
    if isDense {
      guard token >= 0, Int(token) < range.count else { return nil }
      let logit = row[range.lowerBound + Int(token)]
      return logit > -.infinity ? logit : nil
    }
    return position(of: token).map { entries[$0].logit }
  }

  /// Gives a candidate another logit; -infinity removes it unless it is the last one.
  ///
  /// - Returns: whether that changed anything.
  @discardableResult
  func edit(_ token: TokenID, to value: Float) -> Bool {
    guard let old = logit(of: token) else { return false }
    let new = Self.bounded(value)
    guard new != old else { return false }
    if isDense {
      own()
      row[range.lowerBound + Int(token)] = new
      if new == -.infinity { count -= 1 }
      update(token: Int(token), from: old, to: new)
    } else if let position = position(of: token) {
      if new > -.infinity {
        entries[position].logit = new
      } else if entries.count > 1 {
        entries.remove(at: position)
        count = entries.count
      } else {
        return false
      }
      forgetSums()
    }
    return true
  }

  /// Divides the distance of every logit from the greatest by `temperature`.
  func divide(by temperature: Float) {
    if isDense {
      own()
      kernels.scale(row, at: range.lowerBound, count: range.count, by: 1 / temperature)
    } else {
      let top = maximum
      for index in entries.indices {
        entries[index].logit = max((entries[index].logit - top) / temperature, -Self.limit)
      }
    }
    forgetSums()
  }

  private func position(of token: TokenID) -> Int? {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].token < token { low = middle + 1 } else { high = middle }
    }
    return low < entries.count && entries[low].token == token ? low : nil
  }

  /// Follows one edit of a dense row in the sums, as long as that loses no digits.
  private func update(token: Int, from old: Float, to new: Float) {
    if let known = knownMaximum { knownMaximum = old < known ? max(known, new) : nil }
    guard var mass = knownMass else { return }
    let before = Double(Self.weight(old - mass.shift))
    let after = Double(Self.weight(new - mass.shift))
    mass.total += after - before
    if before > 0 { mass.moment -= before * Double(old - mass.shift) }
    if after > 0 { mass.moment += after * Double(new - mass.shift) }
    blockMasses[token / Self.massBlock] += after - before
    let isSound = new <= mass.shift + 10 && mass.total > freshTotal * 0.25
    knownMass = isSound ? mass : nil
  }
}

// MARK: Cuts

extension Candidates {
  /// Leaves a single candidate.
  func collapse(to entry: Entry) {
    isDense = false
    entries.removeAll(keepingCapacity: true)
    entries.append(entry)
    count = 1
    forgetSums()
  }

  /// Leaves the most probable token alone, the lowest on a tie.
  func keepBestOnly() {
    if isDense {
      let token = kernels.argmax(row, range)
      collapse(to: Entry(token: TokenID(token), logit: maximum > -.infinity ? maximum : 0))
    } else if var best = entries.first {
      for entry in entries where entry.logit > best.logit { best = entry }
      collapse(to: best)
    }
  }

  /// Keeps the logits that are at least `threshold`, and the best one always.
  func keep(atLeast threshold: Float) {
    let before = count
    let top = maximum
    if isDense {
      if !(threshold <= top) { return keepBestOnly() }
      list(atLeast: threshold)
    } else {
      if !(threshold <= top) { return keepBestOnly() }
      entries.removeAll { !($0.logit >= threshold) }
    }
    count = entries.count
    if count < before { knownMass = nil }
  }

  /// Turns a dense row into the list of its logits that are at least `threshold` and above -infinity.
  func list(atLeast threshold: Float) {
    guard isDense else { return }
    let tokens = kernels.indices(of: row, range, atLeast: threshold)
    entries.removeAll(keepingCapacity: true)
    row.withSpan(range) { span in
      for token in tokens where span[Int(token)] > -.infinity {
        entries.append(Entry(token: token, logit: span[Int(token)]))
      }
    }
    becomeList()
  }

  /// Turns a dense row into the list of all its tokens above -infinity.
  func listAll() {
    guard isDense else { return }
    entries.removeAll(keepingCapacity: true)
    row.withSpan(range) { span in
      for token in 0..<span.count where span[token] > -.infinity {
        entries.append(Entry(token: TokenID(token), logit: span[token]))
      }
    }
    becomeList()
  }

  private func becomeList() {
    isDense = false
    if entries.isEmpty { entries.append(Entry(token: 0, logit: 0)) }
    count = entries.count
    forgetSums()
  }

  /// After `entries` was cut from outside.
  func entriesWereCut() {
    count = entries.count
    knownMass = nil
    knownMaximum = nil
  }

  /// A threshold that at least `wanted` logits of a dense row reach, and seldom many more.
  ///
  /// It is the `wanted`-th greatest of the maxima of short blocks, each of which is the logit of another token.
  ///
  /// - Returns: nil where the row is too short for that to pay.
  func threshold(forBest wanted: Int) -> Float? {
    let length = min(1024, max(16, range.count / (wanted * 4) / 16 * 16))
    guard wanted > 0, range.count / length >= wanted * 2 else { return nil }
    var maxima: [Float] = []
    maxima.reserveCapacity(range.count / length + 1)
    for start in stride(from: range.lowerBound, to: range.upperBound, by: length) {
      maxima.append(kernels.maximum(row, start..<min(start + length, range.upperBound)))
    }
    maxima.sort(by: >)
    return maxima[wanted - 1]
  }

  /// Where the cumulated mass of a dense row, in order of tokens, passes `share` of the whole.
  func denseToken(atShare share: Double) -> TokenID {
    let target = share * mass.total
    var before = 0.0
    var block = 0
    while block + 1 < blockMasses.count, before + blockMasses[block] <= target {
      before += blockMasses[block]
      block += 1
    }
    let tokens = block * Self.massBlock..<min((block + 1) * Self.massBlock, range.count)
    return row.withSpan(range) { span in
      var total = 0.0
      for token in tokens { total += Double(Self.weight(span[token] - mass.shift)) }
      // The block's mass was summed in another order; its share of the whole is what counts.
      let known = blockMasses[block]
      let rest = known > 0 ? (target - before) / known * total : 0
      var sum = 0.0
      var chosen: Int?
      for token in tokens {
        let weight = Double(Self.weight(span[token] - mass.shift))
        sum += weight
        if weight > 0 { chosen = token }
        if sum > rest, weight > 0 { break }
      }
      return TokenID(chosen ?? kernels.argmax(row, range))
    }
  }
}
