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
    list(kernels.indices(of: row, range, atLeast: threshold))
  }

  /// Turns a dense row into a list of those of its `tokens`, ascending, that are above -infinity.
  func list(_ tokens: [TokenID]) {
    var list: [Entry] = []
    swap(&list, &entries)
    list.removeAll(keepingCapacity: true)
    row.withSpan(range) { span in
      for token in tokens where span[Int(token)] > -.infinity {
        list.append(Entry(token: token, logit: span[Int(token)]))
      }
    }
    swap(&list, &entries)
    becomeList()
  }

  /// Turns a dense row into the list of all its tokens above -infinity.
  func listAll() {
    guard isDense else { return }
    var list: [Entry] = []
    swap(&list, &entries)
    list.removeAll(keepingCapacity: true)
    row.withSpan(range) { span in
      for token in 0..<span.count where span[token] > -.infinity {
        list.append(Entry(token: TokenID(token), logit: span[token]))
      }
    }
    swap(&list, &entries)
    becomeList()
  }

  private func becomeList() {
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
