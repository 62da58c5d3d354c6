import Compute
import Inference

/// The activations of a forward pass, made once for the most rows and used again by every layer and pass.
final class TransformerScratch {
  /// Passes of at most so many rows are small: every worker computes the cheap work between matrices for all rows
  /// itself, which takes less time than waiting for the others.
  static let smallPass = 4

  /// Queries `[rows, heads * headDimension]`.
  let queries: Buffer
  /// Keys `[rows, kvHeads * headDimension]`.
  let keys: Buffer
  let values: Buffer
  /// `[rows, heads * headDimension]`: what attention gives.
  let attended: Buffer
  /// `[rows, width]`: output of the attention output and down matrices.
  let projected: Buffer
  /// Gates `[rows, feedForward]`.
  let gate: Buffer
  /// `[rows, feedForward]`: holds `up`, then `activation(gate) * up`.
  let inner: Buffer
  /// Logits `[logit rows, vocabulary]`.
  private(set) var logits: Buffer
  private(set) var logitBlocks: LogitBlocks
  /// What lies between matrices, written row by row by all workers together.
  let together: RowActivations
  /// The same for each worker of a small pass.
  private var own: [RowActivations] = []
  private let shape: ModelShape
  private let forms: MatrixForms

  init(rows: Int, shape: ModelShape, weights: NetworkWeights) {
    self.shape = shape
    forms = MatrixForms(weights)
    queries = Buffer(count: rows * shape.queryWidth)
    keys = Buffer(count: rows * shape.kvWidth)
    values = Buffer(count: rows * shape.kvWidth)
    attended = Buffer(count: rows * shape.queryWidth)
    projected = Buffer(count: rows * shape.width)
    gate = Buffer(count: rows * shape.feedForward)
    inner = Buffer(count: rows * shape.feedForward)
    logits = Buffer(count: shape.vocabulary)
    logitBlocks = LogitBlocks(rows: 1, vocabulary: shape.vocabulary)
    together = RowActivations(
      rows: rows, shape: shape, forms: forms, attended: attended, inner: inner)
  }

  /// Makes room for the logits of `logitRows` rows, and for `workers` workers' own rows.
  func reserve(logitRows: Int, workers: Int) {
    together.reserve(logitRows: logitRows, shape: shape, forms: forms)
    if logits.count < logitRows * shape.vocabulary {
      logits = Buffer(count: logitRows * shape.vocabulary)
      logitBlocks = LogitBlocks(rows: logitRows, vocabulary: shape.vocabulary)
    }
    while own.count < workers {
      let rows = RowActivations(
        rows: TransformerScratch.smallPass, shape: shape, forms: forms, attended: attended,
        inner: inner)
      rows.reserve(logitRows: TransformerScratch.smallPass, shape: shape, forms: forms)
      own.append(rows)
    }
  }

  /// The rows that one worker of a small pass keeps.
  func own(of worker: Int) -> RowActivations { own[worker] }

  var byteCount: Int {
    [queries, keys, values, attended, projected, gate, inner, logits]
      .reduce(together.byteCount + logitBlocks.byteCount) { $0 + $1.byteCount }
      + own.reduce(0) { $0 + $1.byteCount }
  }
}

/// The forms in which matrices take their inputs, over all layers.
struct MatrixForms {
  let normed: Set<ActivationForm>
  let attended: Set<ActivationForm>
  let inner: Set<ActivationForm>
  let head: Set<ActivationForm>

  init(_ weights: NetworkWeights) {
    func forms(_ tensors: (LayerWeights) -> [Tensor]) -> Set<ActivationForm> {
      Set(weights.layers.flatMap(tensors).map(\.type.activationForm)).subtracting([.float])
    }
    normed = forms { [$0.queries, $0.keys, $0.values, $0.gate, $0.up] }
    attended = forms { [$0.attentionOutput] }
    inner = forms { [$0.down] }
    head = Set([weights.head.type.activationForm]).subtracting([.float])
  }
}

/// What a pass keeps of its rows between the matrices.
final class RowActivations {
  /// `[rows, width]`: the residual stream.
  let hidden: Buffer
  /// `[rows, width]`: normed input of the projections and of the feed-forward.
  let normed: Activations
  /// `[rows, heads * headDimension]`: input of the attention output matrix.
  let attended: Activations
  /// `[rows, feedForward]`: input of the down matrix.
  let inner: Activations
  /// `[logit rows, width]`: normed input of the head.
  private(set) var final: Activations

  init(rows: Int, shape: ModelShape, forms: MatrixForms, attended: Buffer, inner: Buffer) {
    hidden = Buffer(count: rows * shape.width)
    normed = Activations(rows: rows, columns: shape.width, forms: forms.normed)
    self.attended = Activations(
      rows: rows, columns: shape.queryWidth, forms: forms.attended, floats: attended)
    self.inner = Activations(
      rows: rows, columns: shape.feedForward, forms: forms.inner, floats: inner)
    final = Activations(rows: 1, columns: shape.width, forms: forms.head)
  }

  func reserve(logitRows: Int, shape: ModelShape, forms: MatrixForms) {
    guard logitRows > final.rows else { return }
    final = Activations(rows: logitRows, columns: shape.width, forms: forms.head)
  }

  /// Bytes that are not shared with others.
  var byteCount: Int {
    hidden.byteCount + normed.byteCount + attended.byteCount - attended.floats.byteCount
      + inner.byteCount - inner.floats.byteCount + final.byteCount
  }
}
