import Compute

/// Stores keys and values of one sequence and computes attention over them.
///
/// The cache owns the attention read: quantised, evicting, paged or sparse caches are one class each, and no model asks
/// which. Rows are provisional from `begin` until `commit`.
package protocol KVCache: AnyObject {
  /// Committed positions.
  var count: Int { get }
  /// The most positions that it can hold.
  var capacity: Int { get }
  /// Bytes in use by the committed positions.
  var byteCount: Int { get }

  /// Rows that `commit` or `begin` has not settled yet.
  var provisionalCount: Int { get }

  /// Makes room for the rows of one pass, on the calling thread, before the workers start.
  ///
  /// - Parameters:
  ///   - parents: for each new row the number of the provisional row it continues, or -1 for the committed end.
  ///   - isGrowing: whether the provisional rows so far stay and the new ones are numbered after them; otherwise they
  ///     are dropped and numbers begin at 0.
  /// - Throws: `contextFull`.
  func begin(parents: [Int], isGrowing: Bool) throws(InferenceError)
  /// Rotates and stores the rows' keys and values, and writes the attention output. Every worker of the team calls it
  /// at the same time and takes its share; the caller puts barriers before and after.
  func attend(_ step: AttentionStep, as worker: Worker)
  /// Keeps the provisional rows of `path` (ascending indices, each the child of the one before) and forgets the others.
  func commit(_ path: [Int])
  /// Forgets the committed positions from `count` on, and provisional rows.
  ///
  /// - Returns: the positions that remain: `count`, or 0 where the cache no longer has what continuing there needs.
  ///   What is missing must be computed again.
  @discardableResult func truncate(to count: Int) -> Int
  /// An independent copy of the committed positions.
  func fork() throws(InferenceError) -> any KVCache
}

extension KVCache {
  package func begin(parents: [Int]) throws(InferenceError) {
    try begin(parents: parents, isGrowing: false)
  }
}

/// One layer's queries, keys and values for the rows of one sequence, before rotary embedding.
///
/// Keys arrive unrotated because windows renumber positions and some quantisers need them so.
package struct AttentionStep {
  package var layer: Int
  package var kernels: Kernels
  /// `[rows, heads * headDimension]`; rotated in place by the cache.
  package var queries: Buffer
  /// `[rows, kvHeads * headDimension]`; rotated in place by the cache.
  package var keys: Buffer
  /// Values `[rows, kvHeads * headDimension]`.
  package var values: Buffer
  /// What attention gives, `[rows, heads * headDimension]`.
  package var output: Buffer
  /// The batch rows of this sequence: row `rows.lowerBound + i` is new row i of the last `begin`.
  package var rows: Range<Int>
  /// Those of `rows` whose output is wanted; keys and values of the others are stored all the same.
  package var outputRows: Range<Int>
  package var heads: Int
  package var kvHeads: Int
  package var headDimension: Int
  package var rotary: RotaryTable
  /// Attend to the last `window` positions only; nil for all.
  package var window: Int?
  package var scale: Float
  package var softcap: Float

  package init(
    layer: Int, kernels: Kernels, queries: Buffer, keys: Buffer, values: Buffer, output: Buffer,
    rows: Range<Int>,
    outputRows: Range<Int>? = nil, heads: Int, kvHeads: Int, headDimension: Int,
    rotary: RotaryTable,
    window: Int? = nil, scale: Float, softcap: Float = 0
  ) {
    self.layer = layer
    self.kernels = kernels
    self.queries = queries
    self.keys = keys
    self.values = values
    self.output = output
    self.rows = rows
    self.outputRows = outputRows ?? rows
    self.heads = heads
    self.kvHeads = kvHeads
    self.headDimension = headDimension
    self.rotary = rotary
    self.window = window
    self.scale = scale
    self.softcap = softcap
  }
}
