import Compute
import Inference

/// One forward pass as every worker of the team runs it.
final class TransformerPass {
  private let model: Transformer
  private let batch: TokenBatch
  private let caches: [any KVCache]
  private let runs: [(sequence: SequenceID, rows: Range<Int>)]
  private let features: [Int: Buffer]
  private let clock: PhaseClock
  private let scratch: TransformerScratch
  private let kernels: Kernels
  private let shape: ModelShape
  private let configuration: NetworkConfiguration
  private let rows: Int
  /// Written by worker 0 only, between two barriers.
  private(set) var wasCancelled = false

  init(
    model: Transformer, batch: TokenBatch, caches: [any KVCache],
    runs: [(sequence: SequenceID, rows: Range<Int>)], features: [Int: Buffer], clock: PhaseClock
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
  }

  func compute(as worker: Worker) {
    embed(as: worker)
    for (index, layer) in model.weights.layers.enumerated() {
      if worker.index == 0, batch.cancellation?.isRaised == true { wasCancelled = true }
      normInput(of: layer, index: index, as: worker)
      finish(.norm, as: worker)
      if wasCancelled { return }
      projectInput(of: layer, as: worker)
      attend(layer, index: index, as: worker)
      projectOutput(of: layer, as: worker)
      feedForward(layer, as: worker)
    }
    head(as: worker)
  }

  /// Ends a phase: everyone waits, and worker 0 books the time.
  private func finish(
    _ operation: OperationClass, bytes: Int = 0, operations: @autoclosure () -> Int = 0,
    as worker: Worker
  ) {
    worker.barrier()
    if worker.index == 0 { clock.mark(operation, bytes: bytes, operations: operations()) }
  }

  private func embed(as worker: Worker) {
    let width = shape.width
    for row in worker.share(of: rows) {
      kernels.dequantize(
        model.weights.embedding, row: Int(batch.tokens[row]), into: scratch.hidden,
        at: row * width)
      if configuration.embeddingScale != 1 {
        kernels.scale(
          scratch.hidden, at: row * width, count: width, by: configuration.embeddingScale)
      }
    }
    finish(.embedding, as: worker)
  }

  /// Adds what the layer before left in `projected`, then norms and quantises for the projections.
  private func normInput(of layer: LayerWeights, index: Int, as worker: Worker) {
    for row in worker.share(of: rows) {
      if index > 0 {
        addProjected(row, norm: model.weights.layers[index - 1].feedForwardOutputNorm)
      }
      if let feature = features[index - 1] { keep(row, in: feature) }
      normalize(row, weight: layer.attentionNorm)
    }
    prepare(
      scratch.normed, rows: worker.share(of: rows), for: [layer.queries, layer.keys, layer.values])
  }

  /// hidden += norm(projected), where the architecture norms its outputs.
  private func addProjected(_ row: Int, norm: Tensor?) {
    let place = row * shape.width
    if let norm {
      kernels.normalize(
        scratch.projected, at: place, count: shape.width, weight: norm,
        epsilon: configuration.normEpsilon, into: scratch.projected, at: place)
    }
    kernels.add(
      scratch.hidden, at: place, scratch.projected, at: place, count: shape.width)
  }

  private func normalize(_ row: Int, weight: Tensor) {
    let place = row * shape.width
    kernels.normalize(
      scratch.hidden, at: place, count: shape.width, weight: weight,
      epsilon: configuration.normEpsilon, into: scratch.normed.floats, at: place)
  }

  private func prepare(_ input: Activations, rows: Range<Int>, for tensors: [Tensor]) {
    for form in ActivationForm.allCases
    where tensors.contains(where: { $0.type.activationForm == form }) {
      kernels.prepare(input, rows: rows, form: form)
    }
  }

  /// One matrix: this worker's share of the output rows, for all batch rows.
  @discardableResult
  private func multiply(
    _ weight: Tensor, by input: Activations, into output: Buffer, as worker: Worker
  ) -> Range<Int> {
    let share = worker.share(of: weight.rows, multipleOf: 16)
    kernels.multiply(
      weight, rows: share, by: input, tokens: 0..<rows, into: output, stride: weight.rows)
    return share
  }

  private func projectInput(of layer: LayerWeights, as worker: Worker) {
    let targets = [
      (layer.queries, layer.queryBias, scratch.queries), (layer.keys, layer.keyBias, scratch.keys),
      (layer.values, layer.valueBias, scratch.values),
    ]
    var bytes = 0
    for (weight, bias, output) in targets {
      let share = multiply(weight, by: scratch.normed, into: output, as: worker)
      if let bias, !share.isEmpty {
        for row in 0..<rows {
          kernels.addBias(output, at: row * weight.rows, bias, columns: share)
        }
      }
      bytes += weight.byteCount
    }
    finish(
      .projection, bytes: bytes,
      operations: rows
        * (layer.queries.operations + layer.keys.operations + layer.values.operations),
      as: worker)
    guard configuration.normsQueriesAndKeys else { return }
    for row in worker.share(of: rows) {
      normalizeHeads(scratch.queries, row: row, heads: shape.heads, weight: layer.queryNorm)
      normalizeHeads(scratch.keys, row: row, heads: shape.kvHeads, weight: layer.keyNorm)
    }
    finish(.norm, as: worker)
  }

  private func normalizeHeads(_ x: Buffer, row: Int, heads: Int, weight: Tensor?) {
    for head in 0..<heads {
      let place = (row * heads + head) * shape.headDimension
      kernels.normalize(
        x, at: place, count: shape.headDimension, weight: weight,
        epsilon: configuration.normEpsilon, into: x, at: place)
    }
  }

  private func attend(_ layer: LayerWeights, index: Int, as worker: Worker) {
    let windowed = configuration.isWindowed(layer: index)
    var bytes = 0
    for run in runs {
      let cache = caches[run.sequence]
      let step = AttentionStep(
        layer: index, kernels: kernels, queries: scratch.queries, keys: scratch.keys,
        values: scratch.values, output: scratch.attended.floats, rows: run.rows,
        heads: shape.heads, kvHeads: shape.kvHeads, headDimension: shape.headDimension,
        rotary: windowed ? model.localRotary : model.globalRotary,
        window: windowed ? configuration.window : nil, scale: configuration.attentionScale)
      cache.attend(step, as: worker)
      bytes += cache.byteCount / shape.layers
    }
    finish(
      .attention, bytes: bytes,
      operations: 4 * shape.heads * shape.headDimension
        * batch.attendedPositions(in: caches, window: windowed ? configuration.window : nil),
      as: worker)
    prepare(scratch.attended, rows: worker.share(of: rows), for: [layer.attentionOutput])
    finish(.norm, as: worker)
  }

  private func projectOutput(of layer: LayerWeights, as worker: Worker) {
    multiply(layer.attentionOutput, by: scratch.attended, into: scratch.projected, as: worker)
    finish(
      .projection, bytes: layer.attentionOutput.byteCount,
      operations: rows * layer.attentionOutput.operations, as: worker)
  }

  private func feedForward(_ layer: LayerWeights, as worker: Worker) {
    for row in worker.share(of: rows) {
      addProjected(row, norm: layer.attentionOutputNorm)
      normalize(row, weight: layer.feedForwardNorm)
    }
    prepare(scratch.normed, rows: worker.share(of: rows), for: [layer.gate, layer.up])
    finish(.norm, as: worker)

    let up = scratch.inner.floats
    multiply(layer.gate, by: scratch.normed, into: scratch.gate, as: worker)
    let share = multiply(layer.up, by: scratch.normed, into: up, as: worker)
    for row in 0..<rows where !share.isEmpty {
      let place = row * shape.feedForward + share.lowerBound
      switch configuration.activation {
      case .silu: kernels.siluMultiply(scratch.gate, up, at: place, count: share.count, into: up)
      case .gelu: kernels.geluMultiply(scratch.gate, up, at: place, count: share.count, into: up)
      }
    }
    finish(
      .feedForward, bytes: layer.gate.byteCount + layer.up.byteCount,
      operations: rows * (layer.gate.operations + layer.up.operations), as: worker)
    prepare(scratch.inner, rows: worker.share(of: rows), for: [layer.down])
    finish(.norm, as: worker)
    multiply(layer.down, by: scratch.inner, into: scratch.projected, as: worker)
    finish(
      .feedForward, bytes: layer.down.byteCount, operations: rows * layer.down.operations,
      as: worker)
  }

  /// The final norm and the vocabulary's logits, for the rows that want them.
  private func head(as worker: Worker) {
    let width = shape.width
    let last = model.weights.layers.count - 1
    let wanted = batch.logitRows
    for index in worker.share(of: wanted.count) {
      let row = wanted[index]
      addProjected(row, norm: model.weights.layers[last].feedForwardOutputNorm)
      if let feature = features[last] {
        feature.copy(from: scratch.hidden, row * width..<(row + 1) * width, to: index * width)
      }
      kernels.normalize(
        scratch.hidden, at: row * width, count: width, weight: model.weights.outputNorm,
        epsilon: configuration.normEpsilon, into: scratch.final.floats, at: index * width)
    }
    guard !wanted.isEmpty else { return }
    kernels.prepare(
      scratch.final, rows: worker.share(of: wanted.count),
      form: model.weights.head.type.activationForm)
    finish(.norm, as: worker)
    let vocabulary = shape.vocabulary
    let share = worker.share(of: vocabulary, multipleOf: 16)
    kernels.multiply(
      model.weights.head, rows: share, by: scratch.final, tokens: 0..<wanted.count,
      into: scratch.logits, stride: vocabulary)
    if configuration.finalSoftcap > 0 {
      for index in wanted.indices {
        kernels.softcap(
          scratch.logits, at: index * vocabulary + share.lowerBound, count: share.count,
          cap: configuration.finalSoftcap)
      }
    }
    finish(
      .head, bytes: model.weights.head.byteCount,
      operations: wanted.count * model.weights.head.operations, as: worker)
  }

  /// Keeps the hidden state of a row that wants logits.
  private func keep(_ row: Int, in feature: Buffer) {
    guard let index = batch.logitRows.firstIndex(of: row) else { return }
    let place = row * shape.width
    feature.copy(
      from: scratch.hidden, place..<place + shape.width, to: index * shape.width)
  }
}
