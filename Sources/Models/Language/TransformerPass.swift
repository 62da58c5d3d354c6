import Compute
import Inference

/// One forward pass as every worker of the team runs it: in one go, or stage by stage.
final class TransformerPass {
  let model: Transformer
  let batch: TokenBatch
  private let caches: [any KVCache]
  let runs: [(sequence: SequenceID, rows: Range<Int>)]
  let features: [Int: Buffer]
  private let clock: PhaseClock
  private let embedding: EmbeddingRows
  let scratch: TransformerScratch
  let kernels: Kernels
  let shape: ModelShape
  let configuration: NetworkConfiguration
  private let rows: Int
  /// Tokens whose logits are wanted.
  let tokens: TokenRanges
  /// Whether every worker does the work between matrices for all rows (`TransformerScratch.smallPass`).
  private let isSmall: Bool
  /// From the first row that goes on after the last layer's attention to the last.
  private let logitSpan: Range<Int>
  /// Positions that each row attends to in a layer without a window.
  private let positions: [Int]
  /// Written by worker 0 before a barrier, read by all after it.
  private(set) var wasCancelled = false

  /// - Parameters:
  ///   - isStaged: whether each stage is a run of the pool of its own, between which the team may change.
  init(
    model: Transformer, batch: TokenBatch, caches: [any KVCache],
    runs: [(sequence: SequenceID, rows: Range<Int>)], features: [Int: Buffer], clock: PhaseClock,
    embedding: EmbeddingRows, isStaged: Bool
  ) {
    self.model = model
    self.batch = batch
    self.caches = caches
    self.runs = runs
    self.features = features
    self.clock = clock
    scratch = model.scratch
    kernels = model.kernels
    shape = model.shape
    configuration = model.configuration
    rows = batch.count
    self.embedding = embedding
    tokens = TokenRanges(batch.headRows ?? [0..<shape.vocabulary])
    // What a worker keeps for itself would be out of date after a stage that it had no part in.
    isSmall = rows <= TransformerScratch.smallPass && !isStaged
    positions = batch.attendedPositions(in: caches)
    // Hidden states after the last layer are wanted of rows that want no logits, too.
    let last = features[shape.layers - 1] == nil ? [] : batch.wantedFeatures
    let first = (batch.logitRows + last).min() ?? 0
    logitSpan = first..<((batch.logitRows + last).max() ?? first - 1) + 1
  }

  /// All of the pass, with weights that are all there.
  func compute(as worker: Worker) {
    embed(as: worker)
    let layers = model.weights.layers
    for (index, layer) in layers.enumerated() {
      if worker.index == 0, batch.cancellation?.isRaised == true { wasCancelled = true }
      let following = index + 1 < layers.count ? layers[index + 1].queries : model.weights.head
      guard compute(layer, index: index, then: following, as: worker) else { return }
    }
    normOutput(as: worker)
    computeLogits(of: model.weights.head, from: 0, then: layers[0].queries, as: worker)
  }

  /// Whether anything is wanted of what comes after the layers.
  var needsHead: Bool { !logitSpan.isEmpty }

  /// What a worker keeps of the rows between matrices.
  func activations(of worker: Worker) -> RowActivations {
    isSmall ? scratch.own(of: worker.index) : scratch.together
  }

  /// One layer.
  ///
  /// - Parameter following: the matrix that is read after it, where it can be asked for already.
  /// - Returns: whether the pass goes on; the same for all workers.
  @discardableResult
  func compute(
    _ layer: LayerWeights, index: Int, then following: Tensor?, as worker: Worker
  ) -> Bool {
    let own = activations(of: worker)
    // What comes after the last layer's attention matters only to rows whose logits are wanted.
    let active = index == shape.layers - 1 ? logitSpan : 0..<rows
    normInput(of: layer, index: index, into: own, as: worker)
    projectInput(of: layer, from: own, queryRows: active, as: worker)
    // Written before a barrier that all have passed, and not again before the next one.
    if wasCancelled { return false }
    attend(layer, index: index, rows: active, as: worker)
    if active.isEmpty { return false }
    projectOutput(of: layer, rows: active, own, as: worker)
    feedForward(layer, then: following, rows: active, own, as: worker)
    return true
  }

  /// Ends a phase whose results the other workers need: everyone waits, and worker 0 books the time.
  func finish(
    _ operation: OperationClass, bytes: Int = 0, operations: @autoclosure () -> Int = 0,
    as worker: Worker
  ) {
    worker.barrier()
    if worker.index == 0 { clock.mark(operation, bytes: bytes, operations: operations()) }
  }

  /// Ends work on rows that no other worker touches: in a small pass, where everyone has done all of it, no one waits.
  func finishRows(_ operation: OperationClass, as worker: Worker) {
    if !isSmall { worker.barrier() }
    if worker.index == 0 { clock.mark(operation) }
  }

  /// Those of `range` that this worker does between matrices.
  func share(of range: Range<Int>, as worker: Worker) -> Range<Int> {
    if isSmall { return range }
    let share = worker.share(of: range.count)
    return range.lowerBound + share.lowerBound..<range.lowerBound + share.upperBound
  }

  func embed(as worker: Worker) {
    let own = activations(of: worker)
    let width = shape.width
    for row in share(of: 0..<rows, as: worker) {
      if let blend = batch.blends[row] {
        mix(blend, into: own, row: row)
      } else {
        kernels.dequantize(
          embedding.matrix, row: embedding.row(of: batch.tokens[row]), into: own.hidden,
          at: row * width)
      }
      if configuration.embeddingScale != 1 {
        kernels.scale(own.hidden, at: row * width, count: width, by: configuration.embeddingScale)
      }
    }
    finishRows(.embedding, as: worker)
  }

  /// hidden = the weighted sum of embeddings.
  private func mix(_ blend: [TokenWeight], into own: RowActivations, row: Int) {
    let width = shape.width
    own.hidden.withMutableSpan(row * width..<(row + 1) * width) { hidden in
      for index in 0..<hidden.count { hidden[index] = 0 }
    }
    for part in blend {
      // The row's place in `normed` is free until the first norm.
      kernels.dequantize(
        embedding.matrix, row: embedding.row(of: part.token), into: own.normed.floats,
        at: row * width)
      kernels.scale(own.normed.floats, at: row * width, count: width, by: part.weight)
      kernels.add(own.hidden, at: row * width, own.normed.floats, at: row * width, count: width)
    }
  }

  /// Adds what the layer before left in `projected`, then norms and quantises for the projections.
  private func normInput(
    of layer: LayerWeights, index: Int, into own: RowActivations, as worker: Worker
  ) {
    let mine = share(of: 0..<rows, as: worker)
    for row in mine {
      if index > 0 {
        addProjected(row, norm: model.weights.layers[index - 1].feedForwardOutputNorm, to: own)
      }
      if let feature = features[index - 1] { keep(row, of: own, in: feature, as: worker) }
      normalize(row, of: own, weight: layer.attentionNorm)
    }
    prepare(own.normed, rows: mine, for: layer.queries, layer.keys, layer.values)
    finishRows(.norm, as: worker)
  }

  /// hidden += norm(projected), where the architecture norms its outputs.
  func addProjected(_ row: Int, norm: Tensor?, to own: RowActivations) {
    let place = row * shape.width
    guard let norm else {
      kernels.add(own.hidden, at: place, scratch.projected, at: place, count: shape.width)
      return
    }
    // Workers of a small pass share `projected`, so its norm goes where the next one will.
    kernels.normalize(
      scratch.projected, at: place, count: shape.width, weight: norm,
      epsilon: configuration.normEpsilon, into: own.normed.floats, at: place)
    kernels.add(own.hidden, at: place, own.normed.floats, at: place, count: shape.width)
  }

  private func normalize(_ row: Int, of own: RowActivations, weight: Tensor) {
    let place = row * shape.width
    kernels.normalize(
      own.hidden, at: place, count: shape.width, weight: weight,
      epsilon: configuration.normEpsilon, into: own.normed.floats, at: place)
  }

  /// Quantises rows into every form that the matrices take.
  func prepare(_ input: Activations, rows: Range<Int>, for matrices: Tensor...) {
    for form in ActivationForm.allCases
    where matrices.contains(where: { $0.type.activationForm == form }) {
      kernels.prepare(input, rows: rows, form: form)
    }
  }

  private func projectInput(
    of layer: LayerWeights, from own: RowActivations, queryRows: Range<Int>, as worker: Worker
  ) {
    multiply(
      layer.queries, by: own.normed, rows: queryRows, into: scratch.queries, then: layer.keys,
      as: worker
    ) { share in addBias(layer.queryBias, to: scratch.queries, rows: queryRows, columns: share) }
    multiply(
      layer.keys, by: own.normed, rows: 0..<rows, into: scratch.keys, then: layer.values, as: worker
    ) { share in addBias(layer.keyBias, to: scratch.keys, rows: 0..<rows, columns: share) }
    multiply(
      layer.values, by: own.normed, rows: 0..<rows, into: scratch.values,
      then: layer.attentionOutput, as: worker
    ) { share in addBias(layer.valueBias, to: scratch.values, rows: 0..<rows, columns: share) }
    let bytes = layer.queries.byteCount + layer.keys.byteCount + layer.values.byteCount
    finish(
      .projection, bytes: bytes,
      operations: queryRows.count * layer.queries.operations
        + rows * (layer.keys.operations + layer.values.operations), as: worker)
    guard configuration.normsQueriesAndKeys else { return }
    for item in worker.share(of: rows * shape.heads) {
      normalizeHead(item, of: scratch.queries, weight: layer.queryNorm)
    }
    for item in worker.share(of: rows * shape.kvHeads) {
      normalizeHead(item, of: scratch.keys, weight: layer.keyNorm)
    }
    finish(.norm, as: worker)
  }

  private func addBias(_ bias: Tensor?, to x: Buffer, rows: Range<Int>, columns: Range<Int>) {
    guard let bias else { return }
    for row in rows { kernels.addBias(x, at: row * bias.columns, bias, columns: columns) }
  }

  private func normalizeHead(_ index: Int, of x: Buffer, weight: Tensor?) {
    let place = index * shape.headDimension
    kernels.normalize(
      x, at: place, count: shape.headDimension, weight: weight, epsilon: configuration.normEpsilon,
      into: x, at: place)
  }

  private func attend(
    _ layer: LayerWeights, index: Int, rows active: Range<Int>, as worker: Worker
  ) {
    let windowed = configuration.isWindowed(layer: index)
    var bytes = 0
    for run in runs {
      let cache = caches[run.sequence]
      let step = AttentionStep(
        layer: index, kernels: kernels, queries: scratch.queries, keys: scratch.keys,
        values: scratch.values, output: scratch.attended, rows: run.rows,
        outputRows: run.rows.clamped(to: active), heads: shape.heads, kvHeads: shape.kvHeads,
        headDimension: shape.headDimension,
        rotary: windowed ? model.localRotary : model.globalRotary,
        window: windowed ? configuration.window : nil, scale: configuration.attentionScale)
      cache.attend(step, as: worker)
      bytes += cache.byteCount / shape.layers
    }
    finish(
      .attention, bytes: bytes,
      operations: 4 * shape.queryWidth
        * positions[active].reduce(0) { $0 + min($1, windowed ? configuration.window ?? $1 : $1) },
      as: worker)
  }

  private func projectOutput(
    of layer: LayerWeights, rows active: Range<Int>, _ own: RowActivations, as worker: Worker
  ) {
    prepare(own.attended, rows: share(of: active, as: worker), for: layer.attentionOutput)
    finishRows(.norm, as: worker)
    multiply(
      layer.attentionOutput, by: own.attended, rows: active, into: scratch.projected,
      then: layer.gate, as: worker)
    finish(
      .projection, bytes: layer.attentionOutput.byteCount,
      operations: active.count * layer.attentionOutput.operations, as: worker)
  }

  private func feedForward(
    _ layer: LayerWeights, then following: Tensor?, rows active: Range<Int>,
    _ own: RowActivations, as worker: Worker
  ) {
    let mine = share(of: active, as: worker)
    for row in mine {
      addProjected(row, norm: layer.attentionOutputNorm, to: own)
      normalize(row, of: own, weight: layer.feedForwardNorm)
    }
    prepare(own.normed, rows: mine, for: layer.gate, layer.up)
    finishRows(.norm, as: worker)
    gateUp(layer, rows: active, from: own, as: worker)
    finish(
      .feedForward, bytes: layer.gate.byteCount + layer.up.byteCount,
      operations: active.count * (layer.gate.operations + layer.up.operations), as: worker)

    prepare(own.inner, rows: mine, for: layer.down)
    finishRows(.norm, as: worker)
    multiply(
      layer.down, by: own.inner, rows: active, into: scratch.projected, then: following,
      as: worker)
    finish(
      .feedForward, bytes: layer.down.byteCount,
      operations: active.count * layer.down.operations, as: worker)
  }

  /// Keeps the hidden state of a row that is wanted back.
  func keep(_ row: Int, of own: RowActivations, in feature: Buffer, as worker: Worker) {
    if isSmall, worker.index > 0 { return }
    guard let index = batch.wantedFeatures.firstIndex(of: row) else { return }
    let place = row * shape.width
    feature.copy(from: own.hidden, place..<place + shape.width, to: index * shape.width)
  }
}
