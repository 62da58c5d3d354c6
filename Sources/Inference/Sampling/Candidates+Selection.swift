import Compute
import Glibc

/// How much of an ordered list of candidates to keep.
enum Enough {
  case count(Int)
  /// Until the kept mass is at least this.
  case massAtLeast(Double)
  /// Until the kept mass is more than this.
  case massAbove(Double)

  func isReached(count: Int, mass: Double) -> Bool {
    switch self {
    case .count(let wanted): count >= wanted
    case .massAtLeast(let wanted): mass >= wanted
    case .massAbove(let wanted): mass > wanted
    }
  }
}

extension Candidates {
  /// Keeps the `limit` most probable candidates; of equal ones the lower tokens.
  func keepBest(_ limit: Int) {
    guard limit < count else { return }
    if isDense {
      list(forBest: limit)
      guard limit < count else { return }
    }
    let top = maximum
    keepSmallest(until: .count(limit)) { top - $0.logit }
  }

  /// Keeps the most probable candidates until they hold `share` of the mass.
  func keepBest(mass share: Double) {
    var wanted = share * mass.total
    guard count > 1 else { return }
    // The list's sums run in another order; a list of everything has the better sum.
    if isDense, listTail(holding: wanted, until: { _ in true }) { wanted = share * mass.total }
    let top = maximum
    keepSmallest(until: .massAtLeast(wanted)) { top - $0.logit }
  }

  /// Turns a dense row into the list of the tokens near the best one, as far as need be.
  ///
  /// Tries growing distances from the greatest logit, and lists the whole row where they hold most of it. The list's
  /// weights are relative to the row's greatest logit, which is in the list.
  ///
  /// - Parameters:
  ///   - wanted: the mass that the list holds, and a little more.
  ///   - isEnough: told the least logit gathered in `entries`.
  /// - Returns: whether the whole row was listed.
  @discardableResult
  func listTail(holding wanted: Double, until isEnough: (_ least: Float) -> Bool) -> Bool {
    guard isDense else { return false }
    let margin = wanted * 1.000_01
    let top = maximum
    for distance: Float in [3, 6, 10, 15, .infinity] {
      let isWhole = distance == .infinity
      let least = top - distance
      if !isWhole, massOfBlocks(atLeast: least) < margin { continue }
      guard gather(atLeast: least, limit: isWhole ? range.count : range.count / 2) else { continue }
      let held = weigh(shift: top)
      guard isWhole || held >= margin && isEnough(least) else { continue }
      becomeList()
      hasWeights = true
      shift = top
      knownMaximum = top
      return isWhole
    }
    return false
  }

  /// Of a dense row: no less than the mass of the logits that are at least `threshold`.
  private func massOfBlocks(atLeast threshold: Float) -> Double {
    _ = mass
    return blocks.maxima.withSpan(0..<blocks.count) { maxima in
      blocks.sums.withSpan(0..<blocks.count) { sums in
        blockWeights.withSpan(0..<blocks.count) { weights in
          var held = 0.0
          for block in 0..<maxima.count where maxima[block] >= threshold {
            held += Double(weights[block]) * Double(sums[block])
          }
          return held * 1.000_01
        }
      }
    }
  }

  /// Turns a dense row into a list of at least the `wanted` best tokens.
  func list(forBest wanted: Int) {
    guard isDense else { return }
    list(atLeast: threshold(forBest: wanted) ?? -.infinity)
  }

  /// Keeps the entries of the smallest keys until that is enough; of equal keys the lower tokens.
  ///
  /// Long lists are counted into bins first, so that only the bin where the cut falls is sorted. Masses are of the
  /// weights, which must be valid where `enough` asks for mass.
  @inline(__always)
  func keepSmallest(until enough: Enough, key: (Entry) -> Float) {
    // A local array: each access to a class's property costs a check.
    var list: [Entry] = []
    swap(&list, &entries)
    defer { swap(&list, &entries) }
    let keys = list.map(key)
    var low = Float.infinity
    var high = -Float.infinity
    for key in keys {
      low = key < low ? key : low
      high = key > high ? key : high
    }
    guard low <= high else { return }
    let bins = keys.count > 512 ? 2048 : 1
    let scale = high > low ? Float(bins) / (high - low) : 0
    func bin(_ key: Float) -> Int {
      let place = (key - low) * scale
      return place < Float(bins - 1) ? Int(place) : bins - 1
    }
    var counts = [Int](repeating: 0, count: bins)
    var masses = [Double](repeating: 0, count: bins)
    for position in list.indices {
      let bin = bin(keys[position])
      counts[bin] += 1
      masses[bin] += Double(list[position].weight)
    }
    var kept = 0
    var mass = 0.0
    var crossing = 0
    while crossing < bins - 1,
      !enough.isReached(count: kept + counts[crossing], mass: mass + masses[crossing])
    {
      kept += counts[crossing]
      mass += masses[crossing]
      crossing += 1
    }
    var inside: [Int] = []
    inside.reserveCapacity(counts[crossing])
    for (position, key) in keys.enumerated() where bin(key) == crossing { inside.append(position) }
    inside.sort { keys[$0] < keys[$1] || keys[$0] == keys[$1] && $0 < $1 }
    var last = inside.last
    for position in inside {
      kept += 1
      mass += Double(list[position].weight)
      last = position
      if enough.isReached(count: kept, mass: mass) { break }
    }
    guard let last else { return }
    let limit = keys[last]
    var next = 0
    // Without a branch: which entries stay is as good as random.
    var span = list.mutableSpan
    for position in 0..<span.count {
      span[next] = span[position]
      let stays = keys[position] < limit || keys[position] == limit && position <= last
      next += stays ? 1 : 0
    }
    guard next > 0 else { return }
    list.removeSubrange(next...)
    entriesWereCut(count: next)
  }

  /// The best candidates, at most `limit`, descending.
  func best(_ limit: Int) -> [Candidate] {
    guard count > 0, limit > 0 else { return [] }
    let mass = mass
    if isDense {
      gather(atLeast: threshold(forBest: limit) ?? -.infinity)
      weigh(shift: mass.shift)
    }
    var best: [Entry] = []
    // A local array: each access to a class's property costs a check.
    let list = entries
    for entry in list {
      if best.count == limit, let last = best.last, entry.logit <= last.logit { continue }
      let place = best.firstIndex { entry.logit > $0.logit } ?? best.count
      best.insert(entry, at: place)
      if best.count > limit { best.removeLast() }
    }
    return best.map {
      Candidate(token: $0.token, probability: Float(Double($0.weight) / mass.total))
    }
  }
}
