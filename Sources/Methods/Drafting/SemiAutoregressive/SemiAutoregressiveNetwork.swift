import Compute
import Glibc
import Inference

/// The drafter's own forward pass with its journal: states of the LSTM, keys and values, of the text and of drafts.
///
/// Rows live in slots: the last `block` rows of the text in slots `0..<block`, the rows of a draft after them. A draft's
/// rows are forgotten when the text goes on, so a rejection costs nothing. With one decoder layer, keys and values
/// depend on tokens and states alone; so the last rows of the text may form a block wherever the text ends, and nothing
/// has to be cut back and computed again as in the paper's deeper drafter.
package final class SemiAutoregressiveNetwork {
  let weights: SemiAutoregressiveWeights
  let capacity: Int
  /// Rows of the text that were read.
  private(set) var count = 0
  /// Rows of the draft behind it.
  private(set) var provisionalCount = 0
  let kernels = Kernels.shared
  package let scratch: SemiAutoregressiveScratch
  let cache: KeyValueRows
  let rotary: RotaryTable
  /// For the rows of the draft, the row that each continues; -1 for the text.
  private var parents: [Int] = []
  private(set) var ancestors: AncestorTable?

  /// Rows that are read in one go, and of a draft at most.
  static let chunk = 64

  /// - Parameter capacity: positions at most.
  package init(_ weights: SemiAutoregressiveWeights, capacity: Int) {
    self.weights = weights
    self.capacity = capacity
    scratch = SemiAutoregressiveScratch(weights, rows: weights.block + Self.chunk)
    cache = KeyValueRows(
      kvHeads: weights.kvHeads, capacity: capacity, dimension: weights.headDimension)
    rotary = RotaryTable(
      dimension: weights.headDimension, positions: capacity, base: 10_000, isInterleaved: false)
  }

  var byteCount: Int { weights.byteCount + cache.byteCount(below: count) + scratch.byteCount }

  package func reset() {
    count = 0
    dropDraft()
    scratch.clearStates(below: weights.block)
  }

  private func dropDraft() {
    provisionalCount = 0
    parents = []
    ancestors = nil
  }

  /// Reads rows of the text.
  ///
  /// - Parameters:
  ///   - tokens: for each row the token after its position.
  ///   - states: the model's normed hidden states `[tokens.count, width]` at the rows' positions.
  package func read(_ tokens: [TokenID], states: Buffer, on pool: WorkerPool) {
    dropDraft()
    let block = weights.block
    let rows = tokens.indices.map { row in
      SemiAutoregressiveRow(
        token: tokens[row], states: states, state: row, before: block + row - 1,
        position: count + row, slot: count + row)
    }
    recur(rows, first: block, on: pool)
    count += tokens.count
    scratch.keepLast(block, of: block + tokens.count, with: kernels)
  }

  /// Computes the block that the last rows of the text form; its outputs lie in place 0.
  package func decodeLast(on pool: WorkerPool) {
    dropDraft()
    precondition(count >= weights.block)
    decode(0..<weights.block, on: pool)
  }

  /// Adds blocks to the draft, whose states are those that the blocks before them foretold.
  ///
  /// - Parameter blocks: the place of the block that each continues, and its tokens.
  /// - Returns: the places of the new blocks.
  package func grow(_ blocks: [(parent: Int, tokens: [TokenID])], on pool: WorkerPool) -> [Int] {
    let block = weights.block
    let first = block + provisionalCount
    var rows: [SemiAutoregressiveRow] = []
    for (parent, tokens) in blocks {
      precondition(tokens.count == block)
      for (place, token) in tokens.enumerated() {
        let slot = first + rows.count
        let before = place == 0 ? parent + block - 1 : slot - 1
        parents.append(before < block ? -1 : before - block)
        rows.append(
          SemiAutoregressiveRow(
            token: token, states: scratch.outputs.floats, state: parent + place, before: before,
            position: 0, slot: count + slot - block))
      }
    }
    provisionalCount += rows.count
    let table = AncestorTable(parents: parents, begin: count)
    ancestors = table
    for row in rows.indices { rows[row].position = table.position(of: first - block + row) }
    recur(rows, first: first, on: pool)
    decode(first..<first + rows.count, on: pool)
    return blocks.indices.map { first + $0 * block }
  }

  /// Where the block that a slot belongs to ends: its position, and for a draft its row in the table of ancestors.
  func blockEnd(of slot: Int) -> (position: Int, row: Int?) {
    let block = weights.block
    guard slot >= block, let ancestors else { return (count - 1, nil) }
    let row = (slot - block) / block * block + block - 1
    return (ancestors.position(of: row), row)
  }

  func position(of slot: Int) -> Int {
    guard slot >= weights.block, let ancestors else { return count - weights.block + slot }
    return ancestors.position(of: slot - weights.block)
  }

  /// The most probable tokens of a row of the last block computed, descending; the row is not to be used again.
  package func best(_ limit: Int, row: Int) -> [Candidate] {
    let length = weights.shortlist.count
    let (logits, blocks) = (scratch.logits, scratch.logitBlocks)
    let summary = row * blocks.count..<(row + 1) * blocks.count
    let top = kernels.maximum(blocks.maxima, summary)
    let total = summary.reduce(Float(0)) { $0 + blocks.sums[$1] * exp(blocks.maxima[$1] - top) }
    guard top.isFinite, total.isFinite, total > 0 else { return [] }
    return (0..<min(limit, length)).map { _ in
      let index = kernels.argmax(logits, row * length..<(row + 1) * length)
      let chance = exp(logits[row * length + index] - top) / total
      logits[row * length + index] = -.infinity
      return Candidate(token: weights.shortlist[index], probability: chance)
    }
  }
}

/// One row as it enters the network.
struct SemiAutoregressiveRow {
  var token: TokenID
  /// `[rows, width]`; the row's state is number `state`.
  var states: Buffer
  var state: Int
  /// The slot of the row before it.
  var before: Int
  var position: Int
  /// Where its keys and values go.
  var slot: Int
}
