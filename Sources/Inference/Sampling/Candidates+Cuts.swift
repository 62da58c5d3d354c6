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
  func gather(atLeast threshold: Float) {
    // Locals: each access to a class's property costs a check.
    var list: [Entry] = []
    swap(&list, &entries)
    list.removeAll(keepingCapacity: true)
    let least = max(threshold, -.greatestFiniteMagnitude)
    let found = kernels.select(
      from: row, range, atLeast: least, maxima: blocks.maxima, into: places)
    row.withSpan(range) { row in
      places.withSpan(0..<found) { places in
        for index in 0..<places.count {
          list.append(Entry(token: places[index], logit: row[Int(places[index])]))
        }
      }
    }
    swap(&list, &entries)
  }

  /// Turns a dense row into the list of all its tokens above -infinity.
  func listAll() { list(atLeast: -.infinity) }

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
  /// So many blocks' maxima reach it, each of which is the logit of another token.
  ///
  /// - Returns: nil where there are too few blocks.
  func threshold(forBest wanted: Int) -> Float? {
    let blockRange = 0..<blocks.count
    guard wanted > 0, wanted <= blocks.count / 2 else { return nil }
    let top = maximum
    var near: Float = 0
    var far: Float = 1
    while kernels.count(of: blocks.maxima, blockRange, atLeast: top - far) < wanted {
      near = far
      far *= 2
      if far > 4 * Self.limit { return nil }
    }
    for _ in 0..<10 {
      let middle = near + (far - near) / 2
      let reached = kernels.count(of: blocks.maxima, blockRange, atLeast: top - middle)
      if reached >= wanted { far = middle } else { near = middle }
      if (wanted...wanted + wanted / 4).contains(reached) { break }
    }
    return top - far
  }

  /// Where the cumulated mass of a dense row, in order of tokens, passes `share` of the whole.
  func denseToken(atShare share: Double) -> TokenID {
    let target = share * mass.total
    let shift = mass.shift
    var before = 0.0
    var block = 0
    blocks.sums.withSpan(0..<blocks.count) { sums in
      blockWeights.withSpan(0..<blocks.count) { weights in
        while block + 1 < sums.count {
          let next = before + Double(weights[block]) * Double(sums[block])
          if next > target { break }
          before = next
          block += 1
        }
      }
    }
    let known = Double(blockWeights[block]) * Double(blocks.sums[block])
    let first = block * LogitBlocks.length
    let tokens = first..<min(first + LogitBlocks.length, range.count)
    return row.withSpan(range) { span in
      var total = 0.0
      for token in tokens { total += Double(Self.weight(span[token] - shift)) }
      // The block's mass was summed in another order; its share of the whole is what counts.
      let rest = known > 0 ? (target - before) / known * total : 0
      var sum = 0.0
      var chosen: Int?
      for token in tokens {
        let weight = Double(Self.weight(span[token] - shift))
        sum += weight
        if weight > 0 { chosen = token }
        if sum > rest, weight > 0 { break }
      }
      return TokenID(chosen ?? bestToken)
    }
  }
}
