import Compute
import Glibc

/// The tokens that may still come: the whole row of logits at first, a list once a stage has cut it down.
///
/// One object serves every token of a chain, so that nothing of the vocabulary's size is allocated per token. Of a
/// dense row its blocks' maxima and sums are kept true through every edit; most stages read nothing else and then the
/// few blocks where candidates can be. Edits are made in the row given and taken back by `finish()`.
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

  /// Logits are kept within this, so that no later step overflows.
  static let limit: Float = 1e30

  let kernels: Kernels
  /// Whether the candidates are all tokens of `row`; otherwise they are `entries`.
  var isDense = true
  /// Candidates left.
  var count = 0
  /// Ascending by token; of a dense row what `gather` found last.
  var entries: [Entry] = []
  var row = Buffer(count: 0)
  var range = 0..<0
  /// The dense row's summary.
  var blocks = LogitBlocks(rows: 1, vocabulary: 0)
  /// `exp(maximum of the block - mass.shift)` while the mass of a dense row is known.
  var blockWeights = Buffer(count: 0)
  /// Logits of the row given that were edited, with what they were.
  var edits: [(place: Int, logit: Float)] = []
  private var ownsRow = false
  private var copy = Buffer(count: 0)
  var hasWeights = false
  var shift: Float = 0
  var knownMass: Mass?
  var knownMaximum: Float?
  /// Working memory of `gather` and `weigh`.
  var places = Storage<Int32>(count: 0)
  var scratch = Buffer(count: 0)
  /// Working memory of `Penalties` and `DRY`.
  var occurrences: [Int32] = []
  var repeatLengths: [Int32] = []

  init(kernels: Kernels) { self.kernels = kernels }

  /// Starts over with a row of logits and returns `log(sum(exp(x)))` of it.
  ///
  /// NaN becomes -infinity. A row without any finite logit leaves token 0 alone.
  func load(_ logits: LogitRow) -> Float {
    row = logits.logits
    range = logits.range
    isDense = true
    ownsRow = false
    count = range.count
    entries.removeAll(keepingCapacity: true)
    forgetSums()
    if places.count != range.count {
      places = Storage(count: range.count)
      scratch = Buffer(count: max(range.count, LogitBlocks.length))
      blocks = LogitBlocks(rows: 1, vocabulary: range.count)
      blockWeights = Buffer(count: blocks.count)
    }
    if let (summary, row) = logits.blocks, summary.count == blocks.count {
      blocks.copy(row: row, of: summary)
    } else {
      summarize(0..<range.count)
    }
    let logTotal = denseLogTotal
    if logTotal.isFinite, abs(logTotal) < Self.limit { return logTotal }
    rewrite { piece in
      row.withMutableSpan(piece) { span in
        for index in 0..<span.count { span[index] = Self.bounded(span[index]) }
      }
    }
    return denseLogTotal
  }

  /// Undoes the edits in the row given.
  func finish() {
    for edit in edits.reversed() { row[edit.place] = edit.logit }
    edits.removeAll(keepingCapacity: true)
  }

  static func bounded(_ logit: Float) -> Float {
    if logit.isNaN || logit < -limit { return -.infinity }
    return min(logit, limit)
  }

  func summarize(_ tokens: Range<Int>) {
    blocks.summarize(row, at: range.lowerBound, tokens: tokens, row: 0, with: kernels)
  }

  /// 0 where no logit is above -infinity.
  private var denseLogTotal: Float {
    let top = kernels.maximum(blocks.maxima, 0..<blocks.count)
    guard top > -.infinity else { return hasNaN ? .nan : 0 }
    knownMaximum = top
    let mass = mass
    return Float(Double(mass.shift) + log(mass.total))
  }

  private var hasNaN: Bool {
    blocks.sums.withSpan(0..<blocks.count) { sums in
      for block in 0..<sums.count where sums[block].isNaN { return true }
      return false
    }
  }

  /// The greatest logit.
  ///
  /// Where none is finite, token 0 becomes the only candidate.
  var maximum: Float {
    if let knownMaximum { return knownMaximum }
    var top = -Float.infinity
    if isDense {
      top = kernels.maximum(blocks.maxima, 0..<blocks.count)
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
    isDense ? kernels.count(of: row, range, atLeast: -.greatestFiniteMagnitude) : count
  }

  /// In bits.
  var entropy: Float { count > 1 ? Float(mass.entropy / M_LN2) : 0 }

  private func denseMass(shift: Float) -> Mass {
    let count = blocks.count
    kernels.exponentials(of: blocks.maxima, 0..<count, shift: shift, into: blockWeights)
    var mass = Mass(shift: shift, total: 0, moment: 0)
    blocks.maxima.withSpan(0..<count) { maxima in
      blocks.sums.withSpan(0..<count) { sums in
        blocks.moments.withSpan(0..<count) { moments in
          blockWeights.withSpan(0..<count) { weights in
            for block in 0..<count where !(weights[block] <= 0) {
              let weight = Double(weights[block])
              let sum = Double(sums[block])
              let distance = Double(maxima[block]) - Double(shift)
              mass.total += weight * sum
              mass.moment += weight * (Double(moments[block]) + distance * sum)
            }
          }
        }
      }
    }
    return mass
  }

  private func listMass(shift top: Float) -> Mass {
    if !hasWeights {
      weigh(shift: top)
      shift = top
      hasWeights = true
    }
    let base = shift
    var mass = Mass(shift: base, total: 0, moment: 0)
    // A local array: each access to a class's property costs a check.
    let list = entries
    for entry in list where entry.weight > 0 {
      mass.total += Double(entry.weight)
      mass.moment += Double(entry.weight) * Double(entry.logit - base)
    }
    return mass
  }

  /// Fills in the weights of `entries`, and returns their sum.
  ///
  /// The kernels' exponential gives the same bits on every machine.
  @discardableResult
  func weigh(shift: Float) -> Double {
    var list: [Entry] = []
    swap(&list, &entries)
    defer { swap(&list, &entries) }
    var span = list.mutableSpan
    scratch.withMutableSpan(0..<span.count) { scratch in
      for index in 0..<span.count { scratch[index] = span[index].logit }
    }
    kernels.exponentials(of: scratch, 0..<span.count, shift: shift, into: scratch)
    return scratch.withSpan(0..<span.count) { scratch in
      var total = 0.0
      for index in 0..<span.count {
        span[index].weight = scratch[index]
        total += Double(scratch[index])
      }
      return total
    }
  }

  func forgetSums() {
    hasWeights = false
    knownMass = nil
    knownMaximum = nil
  }

  /// Changes all logits of a dense row piece by piece, in a copy of the row given, and summarises them anew.
  ///
  /// - Parameter change: told where a piece lies in `row`.
  private func rewrite(_ change: (Range<Int>) -> Void) {
    let source = row
    let start = range.lowerBound
    if !ownsRow, copy.count != range.count { copy = Buffer(count: range.count) }
    row = copy
    range = 0..<range.count
    for first in stride(from: 0, to: range.count, by: 4096) {
      let piece = first..<min(first + 4096, range.count)
      if !ownsRow {
        row.copy(from: source, start + first..<start + piece.upperBound, to: first)
      }
      change(piece)
      summarize(piece)
    }
    for edit in edits.reversed() { source[edit.place] = edit.logit }
    edits.removeAll(keepingCapacity: true)
    ownsRow = true
    forgetSums()
  }

  /// Gives a token of a dense row another logit.
  func setDense(_ token: Int, to logit: Float) {
    let place = range.lowerBound + token
    if !ownsRow { edits.append((place, row[place])) }
    row[place] = logit
    let first = token / LogitBlocks.length * LogitBlocks.length
    summarize(first..<min(first + LogitBlocks.length, range.count))
    forgetSums()
  }

  /// Multiplies all logits of a dense row.
  func scaleDense(by factor: Float) {
    rewrite { kernels.scale(row, at: $0.lowerBound, count: $0.count, by: factor) }
  }
}
