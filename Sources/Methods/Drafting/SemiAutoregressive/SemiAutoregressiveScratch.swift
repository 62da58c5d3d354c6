import Compute
import Inference

/// What the drafter's network keeps of its rows, by slot, and the working memory of its passes.
package final class SemiAutoregressiveScratch {
  /// `[slots, width]`: what the LSTM gives.
  let hidden: Activations
  /// `[slots, width]`: its cells.
  let cells: Buffer
  /// `[slots, width]`: foretold states, normed as the model's own before its output matrix.
  package let outputs: Activations
  /// Embedding and state `[rows, 2 * width]`.
  let inputs: Activations
  /// Gates `[rows, 4 * width]`: what the inputs give.
  let gates: Buffer
  /// `[4 * width]`: what the row before gives.
  let recurrent: Buffer
  /// Keys and values `[rows, kvHeads * headDimension]`.
  let keys: Buffer
  let values: Buffer
  // Of blocks that are decoded.
  let queries: Buffer
  let attended: Activations
  let residual: Buffer
  let projected: Buffer
  let normed: Activations
  let gate: Buffer
  let inner: Activations
  /// Logits `[rows, shortlist]`.
  package let logits: Buffer
  let logitBlocks: LogitBlocks
  private let width: Int

  /// Rows that are decoded at a time: four blocks of four.
  static let decodedRows = 16

  init(_ weights: SemiAutoregressiveWeights, rows: Int) {
    let width = weights.width
    let queryWidth = weights.heads * weights.headDimension
    let kvWidth = weights.kvHeads * weights.headDimension
    func forms(_ matrices: Tensor...) -> Set<ActivationForm> {
      Set(matrices.map(\.type.activationForm)).subtracting([.float])
    }
    self.width = width
    hidden = Activations(
      rows: rows, columns: width,
      forms: forms(weights.recurrentGates, weights.queries, weights.keys, weights.values))
    cells = Buffer(count: rows * width)
    outputs = Activations(rows: rows, columns: width, forms: forms(weights.head))
    inputs = Activations(rows: rows, columns: 2 * width, forms: forms(weights.inputGates))
    gates = Buffer(count: rows * 4 * width)
    recurrent = Buffer(count: 4 * width)
    keys = Buffer(count: rows * kvWidth)
    values = Buffer(count: rows * kvWidth)
    let decoded = Self.decodedRows
    queries = Buffer(count: decoded * queryWidth)
    attended = Activations(
      rows: decoded, columns: queryWidth, forms: forms(weights.attentionOutput))
    residual = Buffer(count: decoded * width)
    projected = Buffer(count: decoded * width)
    normed = Activations(rows: decoded, columns: width, forms: forms(weights.gate, weights.up))
    gate = Buffer(count: decoded * weights.feedForward)
    inner = Activations(
      rows: decoded, columns: weights.feedForward, forms: forms(weights.down))
    logits = Buffer(count: decoded * weights.shortlist.count)
    logitBlocks = LogitBlocks(rows: decoded, vocabulary: weights.shortlist.count)
  }

  var byteCount: Int {
    [hidden, outputs, inputs, attended, normed, inner].reduce(0) { $0 + $1.byteCount }
      + [cells, gates, keys, values, queries, residual, projected, gate, logits]
      .reduce(0) { $0 + $1.byteCount }
  }

  /// Sets the states of the first slots to what the LSTM begins with.
  func clearStates(below end: Int) {
    for index in 0..<end * width {
      hidden.floats[index] = 0
      cells[index] = 0
    }
  }

  /// Moves the states of the last `kept` slots of `count` to the first.
  func keepLast(_ kept: Int, of count: Int, with kernels: Kernels) {
    let range = (count - kept) * width..<count * width
    hidden.floats.copy(from: hidden.floats, range, to: 0)
    cells.copy(from: cells, range, to: 0)
    for form in ActivationForm.allCases where hidden.has(form) {
      kernels.prepare(hidden, rows: 0..<kept, form: form)
    }
  }
}
