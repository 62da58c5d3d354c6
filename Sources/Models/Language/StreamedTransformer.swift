import Compute
import Glibc
import Inference

/// A transformer whose weights are read from disk while it computes, under a cap on what is in memory.
///
/// A thread of its own reads the layers in the order they are needed, past the page cache, into two buffers that take
/// turns; what the cap leaves beyond them holds as many layers and slices of the output matrix as fit. Each stage is a
/// run of the pool of its own; its results have the bits of `Transformer`.
///
/// Source: Xu et al., "LLMCad", arXiv:2309.04255, section 3.4: loading and computing in a pipeline.
package final class StreamedTransformer: WaitsForWeights, @unchecked Sendable {
  // Sound to share: what changes belongs to the engine's thread, as the scratch of `Transformer` does.

  /// Tells shapes and holds the small tensors; its matrices are never read.
  private let network: Transformer
  private let stages: [StreamingPlan.Stage]
  /// The memory of each pinned stage.
  private let pinned: [Storage<UInt8>?]
  private let stream: WeightStream?
  private let embeddings: StreamedEmbeddings
  private let smallByteCount: Int
  /// How long one call of `whileWaiting` takes, in nanoseconds.
  private var workLength: Double = 0
  package var whileWaiting: (() -> Bool)?
  /// Whether reads pass the page cache by.
  package let bypassesCache: Bool

  /// - Parameter loaded: the model; the memory that its matrices took is given back to the system.
  /// - Throws: `invalidRequest` where the cap is too small, `modelFile` where the file cannot be read,
  ///   `outOfMemory`.
  package init(_ loaded: LoadedModel, _ options: StreamingOptions) throws(InferenceError) {
    let mapping = loaded.gguf.file
    let (weights, smallByteCount) = loaded.model.weights.withOwnVectors()
    let plan = try StreamingPlan(
      weights, in: mapping, byteCap: options.byteCap, smallByteCount: smallByteCount)
    let file = try Self.open(mapping)
    let configuration = loaded.model.configuration
    let reserved = Transformer.reservedByteCount(
      configuration, contextLength: loaded.model.contextLength)
    guard AddressSpace.hasRoom(for: reserved + options.byteCap) else {
      throw InferenceError(.outOfMemory, "no room for \(options.byteCap) bytes of weights")
    }
    self.smallByteCount = smallByteCount
    bypassesCache = file.bypassesCache
    stages = plan.stages
    pinned = try Self.readPinned(plan, from: file)
    let parts = plan.stages.filter { !$0.isPinned }.map(\.part)
    stream =
      parts.isEmpty
      ? nil : WeightStream(file: file, parts: parts, bytesPerSecond: options.bytesPerSecond)
    network = Transformer(
      configuration: configuration, weights: weights, contextLength: loaded.model.contextLength,
      kernels: loaded.model.kernels)
    embeddings = try StreamedEmbeddings(weights, in: mapping, file: file)
    for matrix in weights.layers.flatMap(\.matrices) + [weights.head, weights.embedding] {
      if let range = matrix.range(in: mapping) { mapping.release(range) }
    }
  }

  private static func open(_ mapping: MappedFile) throws(InferenceError) -> DirectFile {
    do {
      let file = try DirectFile(path: mapping.path)
      guard file.byteCount == mapping.byteCount else {
        throw InferenceError(
          .modelFile, "\(mapping.path) has changed since it was loaded: load it again")
      }
      return file
    } catch let error as InferenceError {
      throw error
    } catch {
      throw InferenceError(.modelFile, "\(error)")
    }
  }

  private static func readPinned(
    _ plan: StreamingPlan, from file: DirectFile
  ) throws(InferenceError) -> [Storage<UInt8>?] {
    var pinned: [Storage<UInt8>?] = []
    for stage in plan.stages {
      guard stage.isPinned else {
        pinned.append(nil)
        continue
      }
      let buffer = StreamedPart.buffer(byteCount: stage.part.byteCount)
      do {
        try stage.part.read(from: file, into: buffer)
      } catch {
        throw InferenceError(.modelFile, error.description)
      }
      pinned.append(buffer)
    }
    return pinned
  }

  package var shape: ModelShape { network.shape }

  package var weightByteCount: Int { network.weightByteCount }

  package func makeCache(capacity: Int) throws(InferenceError) -> any KVCache {
    try network.makeCache(capacity: capacity)
  }

  package var bytesRead: Int {
    let atStart = pinned.reduce(0) { $0 + ($1?.byteCount ?? 0) }
    return atStart + (stream?.bytesRead ?? 0) + embeddings.bytesRead
  }

  package var residentByteCount: Int {
    let atStart = pinned.reduce(0) { $0 + ($1?.byteCount ?? 0) }
    return smallByteCount + atStart + (stream?.bufferByteCount ?? 0) + embeddings.byteCount
  }

  /// Bytes that a pass with logits reads.
  package var bytesPerPass: Int {
    stages.reduce(0) { $0 + ($1.isPinned ? 0 : $1.part.byteCount) }
  }

  package func forward(
    _ batch: TokenBatch, caches: [any KVCache], on pool: WorkerPool, clock: PhaseClock
  ) throws(InferenceError) -> ForwardPass {
    try network.check(batch, caches: caches)
    clock.start()
    let rows = try embeddings.rows(of: batch, stages: stages, pinned: pinned)
    clock.mark(.embedding)
    let pass = try network.begin(
      batch, caches: caches, on: pool, clock: clock, embedding: rows, isStaged: true)
    // Without logits the layers will do.
    let needed = pass.needsHead ? stages.count : shape.layers
    let streamed = stages.prefix(needed).count { !$0.isPinned }
    if streamed > 0 { stream?.begin(count: streamed) }
    do throws(InferenceError) {
      pool.run { worker in pass.embed(as: worker) }
      var hasMore = whileWaiting != nil
      for index in 0..<needed {
        try compute(index, of: pass, hasMore: &hasMore, on: pool, clock: clock)
      }
    } catch {
      stream?.abandon()
      let cancelled = network.abandon(pass, caches: caches)
      throw error.code == .cancelled ? cancelled : error
    }
    return network.result(of: pass)
  }

  /// Computes one stage once its weights are there.
  private func compute(
    _ index: Int, of pass: TransformerPass, hasMore: inout Bool, on pool: WorkerPool,
    clock: PhaseClock
  ) throws(InferenceError) {
    if pass.batch.cancellation?.isRaised == true { throw InferenceError(.cancelled, "cancelled") }
    let stage = stages[index]
    let buffer: Storage<UInt8>
    if let memory = pinned[index] {
      buffer = memory
    } else {
      buffer = try wait(for: pass.batch.cancellation, hasMore: &hasMore, clock: clock)
    }
    clock.mark(.other)
    switch stage.content {
    case .layer(let number):
      let layer = network.weights.layers[number]
      let matrices = try layer.matrices.enumerated().map { place, matrix throws(InferenceError) in
        try Self.tensor(matrix, rows: matrix.rows, in: buffer, at: stage.part.places[place])
      }
      let own = layer.with(matrices)
      pool.run { worker in pass.compute(own, index: number, then: nil, as: worker) }
    case .head(let rows):
      let slice = try Self.tensor(
        network.weights.head, rows: rows.count, in: buffer, at: stage.part.places[0])
      pool.run { worker in
        if rows.lowerBound == 0 { pass.normOutput(as: worker) }
        pass.computeLogits(of: slice, from: rows.lowerBound, then: nil, as: worker)
      }
    }
    if !stage.isPinned { stream?.release() }
  }

  private static func tensor(
    _ like: Tensor, rows: Int, in buffer: Storage<UInt8>, at offset: Int
  ) throws(InferenceError) -> Tensor {
    guard
      let tensor = Tensor(like.type, rows: rows, columns: like.columns, in: buffer, at: offset)
    else { throw InferenceError(.modelFile, "a matrix does not fit its buffer") }
    return tensor
  }

  /// Waits for the next part, doing other work where there is some and time for it.
  private func wait(
    for cancellation: CancellationFlag?, hasMore: inout Bool, clock: PhaseClock
  ) throws(InferenceError) -> Storage<UInt8> {
    guard let stream else { throw InferenceError(.modelFile, "nothing is streamed") }
    while true {
      do {
        if let buffer = try stream.next() { return buffer }
      } catch {
        throw InferenceError(.modelFile, error.description)
      }
      if cancellation?.isRaised == true { throw InferenceError(.cancelled, "cancelled") }
      // Work that would end long after the part has come would hold up what matters.
      if hasMore, let whileWaiting, Double(stream.expectedWait) >= workLength / 2 {
        clock.mark(.other)
        let start = monotonicNanoseconds()
        hasMore = whileWaiting()
        let length = Double(monotonicNanoseconds() - start)
        if hasMore { workLength += (workLength == 0 ? 1 : 0.2) * (length - workLength) }
        clock.mark(.drafting)
      } else {
        usleep(50)
      }
    }
  }
}

extension LoadedModel {
  /// The model once more, its weights read from disk while it computes.
  ///
  /// - Throws: as `StreamedTransformer.init`.
  package func streamed(_ options: StreamingOptions) throws(InferenceError) -> StreamedTransformer {
    try StreamedTransformer(self, options)
  }
}
