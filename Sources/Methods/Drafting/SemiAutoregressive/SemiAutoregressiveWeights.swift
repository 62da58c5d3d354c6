import Compute
import Inference

/// The drafter's own weights, and those of the model that it shares.
package final class SemiAutoregressiveWeights {
  /// Tokens of a block.
  let block: Int
  let width: Int
  let heads: Int
  let kvHeads: Int
  let headDimension: Int
  let feedForward: Int
  /// The tokens that can be drafted: row i of `head` belongs to token i of this list.
  let shortlist: [TokenID]
  /// `[4 * width, 2 * width]`: input, forget, cell and output gates, of embedding and state.
  let inputGates: Tensor
  /// `[4 * width, width]`.
  let recurrentGates: Tensor
  let gateBias: [Float]
  let queries: Tensor
  let keys: Tensor
  let values: Tensor
  let attentionOutput: Tensor
  let norm: Tensor
  let gate: Tensor
  let up: Tensor
  let down: Tensor
  let target: VocabularyWeights
  /// `[shortlist.count, width]`: rows of the model's output matrix.
  let head: Tensor
  /// Bytes of the drafter's own file and of the rows that were copied.
  let byteCount: Int

  /// Reads the weights and checks them against the model.
  ///
  /// - Throws: `invalidRequest` where they were trained for another model; `modelFile` for figures that make no sense.
  package convenience init(
    _ file: any WeightFile, for model: any LanguageModel
  ) throws(InferenceError) {
    let shape = model.shape
    let width = try file.integer("drafter.width")
    let vocabulary = try file.integer("drafter.vocabulary")
    guard width == shape.width, vocabulary == shape.vocabulary else {
      throw InferenceError(
        .invalidRequest,
        "the drafter in \(SemiAutoregressive.weightFile) was trained for a model of width \(width) "
          + "with \(vocabulary) tokens, and this one has width \(shape.width) with "
          + "\(shape.vocabulary): load SmolLM2-135M-Instruct, or train one for this model")
    }
    guard let target = model.vocabularyWeights else {
      throw InferenceError(
        .invalidRequest,
        "the drafter shares the model's output matrix, which is not in memory here: "
          + "switch the streaming of weights off")
    }
    try self.init(file, target: target)
  }

  /// - Throws: `modelFile`.
  package init(_ file: any WeightFile, target: VocabularyWeights) throws(InferenceError) {
    func integer(_ name: String, _ range: ClosedRange<Int>) throws(InferenceError) -> Int {
      let value = try file.integer("drafter.\(name)")
      guard range.contains(value) else { throw Self.failure("\(name) is \(value)") }
      return value
    }
    let width = target.head.columns
    block = try integer("block", 1...4)
    heads = try integer("heads", 1...64)
    kvHeads = try integer("kv_heads", 1...64)
    headDimension = try integer("head_dimension", 2...256)
    feedForward = try integer("feed_forward", 1...1 << 16)
    guard heads % kvHeads == 0, headDimension % 2 == 0 else {
      throw Self.failure("\(heads) heads of \(headDimension), \(kvHeads) for keys and values")
    }
    let shortlist = try file.integers("drafter.shortlist")
    guard !shortlist.isEmpty, shortlist.count <= target.head.rows,
      shortlist.allSatisfy({ $0 >= 0 && $0 < target.head.rows })
    else { throw Self.failure("the shortlist names tokens that do not exist") }
    self.width = width
    self.target = target
    self.shortlist = shortlist.map { TokenID($0) }
    head = target.head.gathering(shortlist)
    inputGates = try file.tensor("lstm.input", rows: 4 * width, columns: 2 * width)
    recurrentGates = try file.tensor("lstm.recurrent", rows: 4 * width, columns: width)
    gateBias = try file.tensor("lstm.bias", rows: 1, columns: 4 * width).row(0)
    let (queryWidth, kvWidth) = (heads * headDimension, kvHeads * headDimension)
    queries = try file.tensor("attention.queries", rows: queryWidth, columns: width)
    keys = try file.tensor("attention.keys", rows: kvWidth, columns: width)
    values = try file.tensor("attention.values", rows: kvWidth, columns: width)
    attentionOutput = try file.tensor("attention.output", rows: width, columns: queryWidth)
    norm = try file.tensor("feed_forward.norm", rows: 1, columns: width)
    guard norm.type == .f32 else { throw Self.failure("feed_forward.norm is \(norm.type.name)") }
    gate = try file.tensor("feed_forward.gate", rows: feedForward, columns: width)
    up = try file.tensor("feed_forward.up", rows: feedForward, columns: width)
    down = try file.tensor("feed_forward.down", rows: width, columns: feedForward)
    byteCount = file.byteCount + head.byteCount
  }

  private static func failure(_ what: String) -> InferenceError {
    InferenceError(.modelFile, "\(SemiAutoregressive.weightFile): \(what)")
  }
}
