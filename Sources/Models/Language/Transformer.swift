import Compute
import Inference

/// The fast forward pass of the `llama`, `qwen2` and `gemma3` architectures.
///
/// One dispatch per pass: every worker runs `compute` and takes its share of each phase; a barrier stands between
/// phases whose inputs another worker wrote. Matrices are split by output rows, norms and quantisation by batch rows,
/// so no result depends on how many workers there are.
package final class Transformer: LanguageModel, @unchecked Sendable {
  // Sound to share: all but `scratch` and the rotary tables is immutable, and the engine runs one pass at a time.
  package let configuration: NetworkConfiguration
  package let weights: NetworkWeights
  package let kernels: Kernels
  /// Positions that rotary tables and caches may reach.
  package let contextLength: Int
  /// The most rows of one pass.
  package static let rowLimit = 512

  let globalRotary: RotaryTable
  let localRotary: RotaryTable
  let scratch: TransformerScratch

  package init(
    configuration: NetworkConfiguration, weights: NetworkWeights, contextLength: Int,
    kernels: Kernels = .shared
  ) {
    self.configuration = configuration
    self.weights = weights
    self.contextLength = contextLength
    self.kernels = kernels
    globalRotary = RotaryTable(
      dimension: configuration.rotaryDimension, positions: contextLength,
      base: configuration.rotaryBase, scale: configuration.rotaryScale,
      isInterleaved: configuration.interleavedRotary, frequencyFactors: weights.rotaryFactors)
    localRotary = RotaryTable(
      dimension: configuration.rotaryDimension, positions: contextLength,
      base: configuration.localRotaryBase, isInterleaved: configuration.interleavedRotary)
    scratch = TransformerScratch(
      rows: Transformer.rowLimit, shape: configuration.shape, weights: weights)
  }

  /// At least the bytes that `init` reserves; of them only what passes use is ever touched.
  static func reservedByteCount(
    _ configuration: NetworkConfiguration, contextLength: Int
  ) -> Int {
    let shape = configuration.shape
    // Two quantised forms add at most 3 bytes to the 4 of a float.
    let row =
      7 * (4 * shape.width + 3 * shape.queryWidth + 2 * shape.kvWidth + 3 * shape.feedForward)
    return rowLimit * row + 8 * contextLength * configuration.rotaryDimension + 8 * shape.vocabulary
  }

  package var shape: ModelShape { configuration.shape }

  package var scratchByteCount: Int { scratch.byteCount }

  package var weightByteCount: Int {
    weights.layers.reduce(weights.head.byteCount) { total, layer in
      layer.matrices.reduce(total) { $0 + $1.byteCount }
    }
  }

  package var vocabularyWeights: VocabularyWeights? {
    VocabularyWeights(
      embedding: weights.embedding, embeddingScale: configuration.embeddingScale,
      outputNorm: weights.outputNorm, normEpsilon: configuration.normEpsilon, head: weights.head)
  }

  package func makeCache(capacity: Int) throws(InferenceError) -> any KVCache {
    guard capacity > 0, capacity <= contextLength else {
      throw InferenceError(
        .invalidRequest,
        "a cache of \(capacity) positions, the model was loaded for \(contextLength)")
    }
    // Keys and values, two bytes each.
    let byteCount = shape.layers * shape.kvHeads * shape.headDimension * capacity * 4
    guard AddressSpace.hasRoom(for: byteCount) else {
      throw InferenceError(
        .outOfMemory,
        "no room for a cache of \(capacity) positions (\(byteCount) bytes): use a shorter context")
    }
    return DenseKVCache(
      layout: .init(
        layers: shape.layers, kvHeads: shape.kvHeads, headDimension: shape.headDimension),
      capacity: capacity)
  }

  package func forward(
    _ batch: TokenBatch, caches: [any KVCache], on pool: WorkerPool, clock: PhaseClock
  ) throws(InferenceError) -> ForwardPass {
    let pass = try begin(batch, caches: caches, on: pool, clock: clock)
    pool.run { worker in pass.compute(as: worker) }
    if pass.wasCancelled { throw abandon(pass, caches: caches) }
    return result(of: pass)
  }

  /// Checks a batch and makes room for it.
  ///
  /// - Parameters:
  ///   - embedding: where its embeddings are found; nil takes the network's own.
  ///   - isStaged: whether each stage will be a run of the pool of its own.
  func begin(
    _ batch: TokenBatch, caches: [any KVCache], on pool: WorkerPool, clock: PhaseClock,
    embedding: EmbeddingRows? = nil, isStaged: Bool = false
  ) throws(InferenceError) -> TransformerPass {
    try check(batch, caches: caches)
    let runs = batch.runs
    for run in runs {
      let first = batch.isGrowing ? 0 : run.rows.lowerBound
      let parents = run.rows.map { batch.parents[$0] < 0 ? -1 : batch.parents[$0] - first }
      let cache = caches[run.sequence]
      try cache.begin(parents: parents, isGrowing: batch.isGrowing)
      let end = min(contextLength, cache.count + cache.provisionalCount)
      globalRotary.extend(to: end)
      if configuration.window != nil { localRotary.extend(to: end) }
    }
    scratch.reserve(logitRows: batch.logitRows.count, workers: pool.count)
    var features: [Int: Buffer] = [:]
    for layer in batch.features {
      features[layer] = Buffer(count: max(1, batch.wantedFeatures.count) * shape.width)
    }
    clock.start()
    return TransformerPass(
      model: self, batch: batch, caches: caches, runs: runs, features: features, clock: clock,
      embedding: embedding ?? EmbeddingRows(weights.embedding), isStaged: isStaged)
  }

  func result(of pass: TransformerPass) -> ForwardPass {
    ForwardPass(
      logits: scratch.logits, vocabulary: shape.vocabulary, blocks: scratch.logitBlocks,
      features: pass.features)
  }

  /// Leaves the caches as they were before a pass that was given up on request.
  func abandon(_ pass: TransformerPass, caches: [any KVCache]) -> InferenceError {
    for run in pass.runs { caches[run.sequence].truncate(to: caches[run.sequence].count) }
    return InferenceError(.cancelled, "cancelled")
  }

  func check(_ batch: TokenBatch, caches: [any KVCache]) throws(InferenceError) {
    guard batch.count > 0, batch.count <= Transformer.rowLimit else {
      throw InferenceError(
        .invalidRequest, "\(batch.count) rows in one pass; 1...\(Transformer.rowLimit) are possible"
      )
    }
    if let token = batch.tokens.first(where: { $0 < 0 || Int($0) >= shape.vocabulary }) {
      throw InferenceError(
        .invalidRequest, "token \(token) is outside the vocabulary of \(shape.vocabulary)")
    }
    if let blend = batch.blends.first(where: { row, blend in
      !batch.tokens.indices.contains(row) || blend.isEmpty
        || blend.contains { $0.token < 0 || Int($0.token) >= shape.vocabulary }
    }) {
      throw InferenceError(.invalidRequest, "row \(blend.key) blends tokens that do not exist")
    }
    try checkHeadRows(batch)
    if batch.isGrowing, Set(batch.sequences).count > 1 {
      throw InferenceError(.invalidRequest, "a growing batch is of one sequence")
    }
    if let sequence = batch.sequences.first(where: { !caches.indices.contains($0) }) {
      throw InferenceError(.invalidRequest, "sequence \(sequence) has no cache")
    }
  }

  private func checkHeadRows(_ batch: TokenBatch) throws(InferenceError) {
    var end = 0
    for range in batch.headRows ?? [] {
      let isWhole =
        range.upperBound % LogitBlocks.length == 0 || range.upperBound == shape.vocabulary
      guard range.lowerBound >= end, range.lowerBound % LogitBlocks.length == 0, isWhole,
        range.upperBound <= shape.vocabulary
      else {
        throw InferenceError(
          .invalidRequest, "logits are wanted of tokens \(range), no whole blocks")
      }
      end = range.upperBound
    }
  }
}
