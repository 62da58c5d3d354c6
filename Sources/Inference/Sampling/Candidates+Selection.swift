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
    let whole = mass
    guard count > 1 else { return }
    var wanted = share * whole.total
    if isDense {
      // The list's sums run in another order, so leave a margin.
      let isWhole = listTail { _, mass in mass >= wanted * 1.000_01 }
      // A list of everything has the better sum.
      if isWhole { wanted = share * mass.total }
    }
    let top = maximum
    keepSmallest(until: .massAtLeast(wanted)) { top - $0.logit }
  }

  /// Turns a dense row into the list of the tokens near the best one, as far as need be.
  ///
  /// Tries growing distances from the greatest logit, and lists the whole row where they hold most of it. The list's
  /// weights are relative to the row's greatest logit, which is in the list.
  ///
  /// - Parameter isEnough: told the least logit gathered in `entries` and the mass of all gathered.
  /// - Returns: whether the whole row was listed.
  @discardableResult
  func listTail(until isEnough: (_ least: Float, _ mass: Double) -> Bool) -> Bool {
    guard isDense else { return false }
    let top = maximum
    for distance: Float in [3, 6, 10, 15, .infinity] {
      let isWhole = distance == .infinity
      let least = top - distance
      gather(atLeast: least)
      if entries.count > range.count / 2, !isWhole { continue }
      let held = weigh(shift: top)
      guard isWhole || isEnough(least, held) else { continue }
      becomeList()
      hasWeights = true
      shift = top
      knownMaximum = top
      return isWhole
    }
    return false
  }

  /// Fills in the weights of `entries` and returns their sum.
  private func weigh(shift: Float) -> Double {
    var list: [Entry] = []
    swap(&list, &entries)
    defer { swap(&list, &entries) }
    var held = 0.0
    for index in list.indices {
      list[index].weight = Self.weight(list[index].logit - shift)
      held += Double(list[index].weight)
    }
    return held
  }

  /// Turns a dense row into a list of at least the `wanted` best tokens.
  func list(forBest wanted: Int) {
    guard isDense else { return }
    if let threshold = threshold(forBest: wanted) { list(atLeast: threshold) } else { listAll() }
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
    guard let low = keys.min(), let high = keys.max() else { return }
    let bins = keys.count > 512 ? 512 : 1
    let scale = high > low ? Float(bins) / (high - low) : 0
    func bin(_ key: Float) -> Int {
      let place = (key - low) * scale
      return place < Float(bins - 1) ? Int(place) : bins - 1
    }
    var counts = [Int](repeating: 0, count: bins)
    var masses = [Double](repeating: 0, count: bins)
    for (position, key) in keys.enumerated() {
      counts[bin(key)] += 1
      masses[bin(key)] += Double(list[position].weight)
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
    for (position, key) in keys.enumerated() where bin(key) == crossing { inside.append(position) }
    inside.sort { (keys[$0], $0) < (keys[$1], $1) }
    var last = inside.last
    for position in inside {
      kept += 1
      mass += Double(list[position].weight)
      last = position
      if enough.isReached(count: kept, mass: mass) { break }
    }
    guard let last else { return }
    let limit = (keys[last], last)
    var next = 0
    for position in list.indices where (keys[position], position) <= limit {
      list[next] = list[position]
      next += 1
    }
    guard next > 0 else { return }
    list.removeSubrange(next...)
    entriesWereCut(count: next)
  }

  /// The best candidates, at most `limit`, descending.
  func best(_ limit: Int) -> [Candidate] {
    guard count > 0, limit > 0 else { return [] }
    let mass = mass
    var best: [Entry] = []
    func consider(_ entry: Entry) {
      if best.count == limit, let last = best.last, entry.logit <= last.logit { return }
      let place = best.firstIndex { entry.logit > $0.logit } ?? best.count
      best.insert(entry, at: place)
      if best.count > limit { best.removeLast() }
    }
    if isDense { gather(atLeast: threshold(forBest: limit) ?? -.infinity) }
    for entry in entries { consider(entry) }
    return best.map {
      Candidate(
        token: $0.token,
        probability: Float(Double(Self.weight($0.logit - mass.shift)) / mass.total))
    }
  }
}
