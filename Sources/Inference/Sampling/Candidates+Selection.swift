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
    let before = count
    var wanted = share * whole.total
    if isDense {
      // Most rows hold the mass in few tokens; the list's sums run in another order, so leave a margin.
      listTail { _, mass in mass >= wanted * 1.000_01 }
      // The list's weights may be relative to another logit; a list of everything has the better sum.
      let isWhole = count == before
      wanted = isWhole ? share * mass.total : wanted * exp(Double(whole.shift) - Double(mass.shift))
    }
    let top = maximum
    keepSmallest(until: .massAtLeast(wanted)) { top - $0.logit }
  }

  /// Turns a dense row into the list of the tokens near the best one, as far as need be.
  ///
  /// Tries growing distances from the greatest logit, and lists the whole row where they hold most of it.
  ///
  /// - Parameter isEnough: told the least logit listed and the mass of the listed tokens, in the row's measure.
  func listTail(until isEnough: (_ least: Float, _ mass: Double) -> Bool) {
    guard isDense else { return }
    let whole = mass
    for distance: Float in [3, 6, 10, 15] {
      let least = maximum - distance
      let tokens = kernels.indices(of: row, range, atLeast: least)
      if tokens.count > range.count / 2 { break }
      var held = 0.0
      row.withSpan(range) { span in
        for token in tokens { held += Double(Self.weight(span[Int(token)] - whole.shift)) }
      }
      if isEnough(least, held) { return list(tokens) }
    }
    listAll()
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
    if isDense {
      let tokens: [Int32] =
        threshold(forBest: limit).map { kernels.indices(of: row, range, atLeast: $0) }
        ?? (0..<range.count).map(Int32.init)
      row.withSpan(range) { span in
        for token in tokens where span[Int(token)] > -.infinity {
          consider(Entry(token: token, logit: span[Int(token)]))
        }
      }
    } else {
      for entry in entries { consider(entry) }
    }
    return best.map {
      Candidate(
        token: $0.token,
        probability: Float(Double(Self.weight($0.logit - mass.shift)) / mass.total))
    }
  }
}
