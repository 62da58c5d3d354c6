import Compute

/// Turns rows of tokens into logits.
package protocol LanguageModel: AnyObject, Sendable {
  var shape: ModelShape { get }
  /// Bytes of weights that one generated token reads.
  var weightByteCount: Int { get }
  /// A cache for one sequence of at most `capacity` positions.
  func makeCache(capacity: Int) throws(InferenceError) -> any KVCache
  /// Computes the batch. The new rows stay provisional in their caches until `commit`.
  ///
  /// - Throws: `contextFull` where a cache has no room, `cancelled` where the batch's flag was raised; caches then hold
  ///   just what was committed before.
  func forward(_ batch: TokenBatch, caches: [any KVCache], on pool: WorkerPool, clock: PhaseClock)
    throws(InferenceError) -> ForwardPass
}
