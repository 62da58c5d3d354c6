import Compute
import Inference

/// The activations of a forward pass, made once for the most rows and used again by every layer and pass.
final class TransformerScratch {
  let rows: Int
  /// `[rows, width]`: the residual stream.
  let hidden: Buffer
  /// `[rows, width]`: normed input of the projections and of the feed-forward.
  let normed: Activations
  /// Queries `[rows, heads * headDimension]`.
  let queries: Buffer
  /// Keys `[rows, kvHeads * headDimension]`.
  let keys: Buffer
  let values: Buffer
  /// `[rows, heads * headDimension]`: input of the attention output matrix.
  let attended: Activations
  /// `[rows, width]`: output of the attention output and down matrices.
  let projected: Buffer
  /// Gates `[rows, feedForward]`.
  let gate: Buffer
  /// `[rows, feedForward]`: holds `up`, then `activation(gate) * up`.
  let inner: Activations
  /// `[logit rows, width]`: normed input of the head.
  private(set) var final: Activations
  /// Logits `[logit rows, vocabulary]`.
  private(set) var logits: Buffer
  private(set) var logitBlocks: LogitBlocks
  private let headForm: Set<ActivationForm>
  private let shape: ModelShape

  init(rows: Int, shape: ModelShape, weights: NetworkWeights) {
    self.rows = rows
    self.shape = shape
    func forms(_ tensors: (LayerWeights) -> [Tensor]) -> Set<ActivationForm> {
      Set(weights.layers.flatMap(tensors).map(\.type.activationForm)).subtracting([.float])
    }
    let queryWidth = shape.heads * shape.headDimension
    let kvWidth = shape.kvHeads * shape.headDimension
    hidden = Buffer(count: rows * shape.width)
    normed = Activations(
      rows: rows, columns: shape.width,
      forms: forms { [$0.queries, $0.keys, $0.values, $0.gate, $0.up] })
    queries = Buffer(count: rows * queryWidth)
    keys = Buffer(count: rows * kvWidth)
    values = Buffer(count: rows * kvWidth)
    attended = Activations(rows: rows, columns: queryWidth, forms: forms { [$0.attentionOutput] })
    projected = Buffer(count: rows * shape.width)
    gate = Buffer(count: rows * shape.feedForward)
    inner = Activations(rows: rows, columns: shape.feedForward, forms: forms { [$0.down] })
    headForm = Set([weights.head.type.activationForm]).subtracting([.float])
    final = Activations(rows: 1, columns: shape.width, forms: headForm)
    logits = Buffer(count: shape.vocabulary)
    logitBlocks = LogitBlocks(rows: 1, vocabulary: shape.vocabulary)
  }

  /// Makes room for the logits of `count` rows.
  func reserveLogits(_ count: Int) {
    guard count > final.rows else { return }
    final = Activations(rows: count, columns: shape.width, forms: headForm)
    logits = Buffer(count: count * shape.vocabulary)
    logitBlocks = LogitBlocks(rows: count, vocabulary: shape.vocabulary)
  }

  var byteCount: Int {
    hidden.byteCount + normed.byteCount + queries.byteCount + keys.byteCount + values.byteCount
      + attended.byteCount + projected.byteCount + gate.byteCount + inner.byteCount
      + final.byteCount + logits.byteCount + logitBlocks.byteCount
  }
}
