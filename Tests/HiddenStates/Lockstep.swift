import Compute
import Inference
import Models

/// A sequence with its cache; its tokens are computed a pass at a time.
final class Strand {
  private(set) var tokens: [TokenID] = []
  private let cache: any KVCache

  init(model: Transformer, capacity: Int) throws { cache = try model.makeCache(capacity: capacity) }

  /// Tokens whose rows are still to be computed.
  var waiting: ArraySlice<TokenID> { tokens[cache.count...] }
  var room: Int { cache.capacity - tokens.count }
  var caches: any KVCache { cache }

  func append(_ new: [TokenID]) { tokens += new }

  /// Goes back to the first `count` tokens.
  func truncate(to count: Int) {
    if count < cache.count { cache.truncate(to: count) }
    tokens.removeSubrange(count...)
  }

  /// Becomes another sequence, of which at least the last token is computed anew.
  func become(_ wanted: [TokenID]) {
    var shared = 0
    while shared < min(tokens.count, wanted.count - 1), tokens[shared] == wanted[shared] {
      shared += 1
    }
    truncate(to: shared)
    append(Array(wanted[shared...]))
  }
}

/// Computes the waiting tokens of many sequences together, which takes far less time than one after the other.
struct Lockstep {
  let model: Transformer
  let pool: WorkerPool
  private let clock = PhaseClock()

  init(model: Transformer, pool: WorkerPool) {
    self.model = model
    self.pool = pool
  }

  /// The layer whose hidden states are captured: the last, before the final norm.
  var layer: Int { model.shape.layers - 1 }

  /// What a pass computed for one sequence.
  struct Part {
    /// Rows of `features`, in the order of the sequence's tokens.
    var rows: Range<Int>
    /// Place of the logits after its last token; nil while tokens still wait.
    var logits: Int?
  }

  /// One pass of at most as many rows as the model takes; sequences that it has no room for wait.
  func step(_ strands: [Strand]) throws -> (pass: ForwardPass, features: Buffer, parts: [Part]) {
    var batch = TokenBatch(chain: [])
    var parts: [Part] = []
    for (index, strand) in strands.enumerated() {
      let rows = strand.waiting.prefix(Transformer.rowLimit - batch.count)
      let first = batch.count
      batch.tokens += rows
      batch.parents += rows.indices.map { first + $0 - rows.startIndex - 1 }
      if !rows.isEmpty { batch.parents[first] = -1 }
      batch.sequences += rows.map { _ in index }
      let ends = !rows.isEmpty && rows.endIndex == strand.waiting.endIndex
      if ends { batch.logitRows.append(batch.count - 1) }
      parts.append(Part(rows: first..<batch.count, logits: ends ? batch.logitRows.count - 1 : nil))
    }
    batch.features = [layer]
    batch.featureRows = Array(0..<batch.count)
    let pass = try model.forward(
      batch, caches: strands.map(\.caches), on: pool, clock: clock)
    for (strand, part) in zip(strands, parts) {
      strand.caches.commit(Array(0..<part.rows.count))
    }
    guard let features = pass.features[layer] else { throw Failure("no hidden states came back") }
    return (pass, features, parts)
  }
}

struct Failure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
