import Compute

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
    let top = maximum
    if isDense {
      collapse(to: Entry(token: TokenID(bestToken), logit: top))
    } else if var best = entries.first {
      for entry in entries where entry.logit > best.logit { best = entry }
      collapse(to: best)
    }
  }

  /// The most probable token of a dense row with a finite logit, the lowest on a tie.
  private var bestToken: Int {
    let block = kernels.argmax(blocks.maxima, 0..<blocks.count) * LogitBlocks.length
    let end = min(block + LogitBlocks.length, range.count)
    return block
      + kernels.argmax(row, range.lowerBound + block..<range.lowerBound + end)
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
    gather(atLeast: threshold)
    becomeList()
  }

  /// Puts those logits of a dense row into `entries`, and leaves it dense.
  ///
  /// - Returns: false where there are more than `limit`; then nothing was put anywhere.
  @discardableResult
  func gather(atLeast threshold: Float, limit: Int = .max) -> Bool {
    let least = max(threshold, -.greatestFiniteMagnitude)
    let found = kernels.select(
      from: row, range, atLeast: least, maxima: blocks.maxima, into: places)
    guard found <= limit else { return false }
    // A local array: each access to a class's property costs a check.
    var list: [Entry] = []
    swap(&list, &entries)
    list.removeAll(keepingCapacity: true)
    list.reserveCapacity(found)
    row.withSpan(range) { row in
      places.withSpan(0..<found) { places in
        for index in 0..<places.count {
          list.append(Entry(token: places[index], logit: row[Int(places[index])]))
        }
      }
    }
    swap(&list, &entries)
    return true
  }

  /// After `gather`.
  func becomeList() {
    isDense = false
    if entries.isEmpty { entries.append(Entry(token: 0, logit: 0)) }
    count = entries.count
    forgetSums()
  }

  /// After `entries` was cut to `count` from outside.
  func entriesWereCut(count: Int) {
    self.count = count
    knownMass = nil
    knownMaximum = nil
  }

  /// A threshold that at least `wanted` logits of a dense row reach, and seldom many more.
  ///
  /// Where there are blocks enough, so many of their maxima reach it, each of which is the logit of another token.
  ///
  /// - Returns: nil where so many are wanted that the whole row may as well be listed.
  func threshold(forBest wanted: Int) -> Float? {
    guard wanted > 0, wanted <= range.count / 16 else { return nil }
    let (x, places) =
      wanted <= blocks.count / 2
      ? (blocks.maxima, 0..<blocks.count) : (row, range)
    let top = maximum
    var near: Float = 0
    var far: Float = 1
    while kernels.count(of: x, places, atLeast: top - far) < wanted {
      near = far
      far *= 2
      if far > 4 * Self.limit { return nil }
    }
    for _ in 0..<10 {
      let middle = near + (far - near) / 2
      let reached = kernels.count(of: x, places, atLeast: top - middle)
      if reached >= wanted { far = middle } else { near = middle }
      if (wanted...wanted + wanted / 4).contains(reached) { break }
    }
    return top - far
  }

  /// Where the cumulated mass of a dense row, in order of tokens, passes `share` of the whole.
  func denseEntry(atShare share: Double) -> Entry {
    let target = share * mass.total
    let shift = mass.shift
    var before = 0.0
    var held = 0.0
    var block = 0
    blocks.sums.withSpan(0..<blocks.count) { sums in
      blockWeights.withSpan(0..<blocks.count) { weights in
        while true {
          held = Double(weights[block]) * Double(sums[block])
          if before + held > target || block + 1 == sums.count { break }
          before += held
          block += 1
        }
      }
    }
    let first = block * LogitBlocks.length
    let count = min(LogitBlocks.length, range.count - first)
    let place = range.lowerBound + first
    kernels.exponentials(of: row, place..<place + count, shift: shift, into: scratch)
    let chosen: Int? = scratch.withSpan(0..<count) { weights in
      var total = 0.0
      for index in 0..<count { total += Double(weights[index]) }
      // The block's mass was summed in another order; its share of the whole is what counts.
      let rest = held > 0 ? (target - before) / held * total : 0
      var sum = 0.0
      var chosen: Int?
      for index in 0..<count where weights[index] > 0 {
        sum += Double(weights[index])
        chosen = index
        if sum > rest { break }
      }
      return chosen
    }
    guard let chosen else { return Entry(token: TokenID(bestToken), logit: shift, weight: 1) }
    return Entry(
      token: TokenID(first + chosen), logit: row[place + chosen], weight: scratch[chosen])
  }
}
