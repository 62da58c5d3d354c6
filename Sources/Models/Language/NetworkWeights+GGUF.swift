import Compute
import Inference

extension NetworkWeights {
  /// Finds every tensor that the architecture needs, in the shape it needs.
  ///
  /// - Throws: `modelFile` or `unsupportedModel`, naming the tensor.
  package init(_ gguf: GGUF, _ configuration: NetworkConfiguration) throws(InferenceError) {
    let reader = TensorReader(gguf: gguf)
    let shape = configuration.shape
    embedding = try reader.matrix("token_embd.weight", shape.vocabulary, shape.width)
    outputNorm = try reader.vector("output_norm.weight", shape.width)
    if gguf.info("output.weight") != nil {
      head = try reader.matrix("output.weight", shape.vocabulary, shape.width)
    } else {
      head = embedding
    }
    rotaryFactors = try reader.optionalVector(
      "rope_freqs.weight", configuration.rotaryDimension / 2)?.row(0)
    if let rotaryFactors, !rotaryFactors.allSatisfy({ $0.isFinite && $0 > 0 }) {
      throw InferenceError(
        .modelFile, "\(gguf.file.path): rope_freqs.weight has a value that is not positive")
    }
    layers = []
    for index in 0..<shape.layers {
      layers.append(try LayerWeights(reader, index, configuration))
    }
    if let stray = gguf.tensors.first(where: { !reader.used.contains($0.name) }) {
      throw InferenceError(
        .unsupportedModel,
        "\(gguf.file.path): tensor \(stray.name) has no place in this program's "
          + "\(configuration.architecture) network, and without it the answers would be wrong")
    }
  }
}

extension LayerWeights {
  fileprivate init(
    _ reader: TensorReader, _ index: Int, _ configuration: NetworkConfiguration
  ) throws(InferenceError) {
    let shape = configuration.shape
    let queryWidth = shape.heads * shape.headDimension
    let kvWidth = shape.kvHeads * shape.headDimension
    let prefix = "blk.\(index)."
    func matrix(_ name: String, _ rows: Int, _ columns: Int) throws(InferenceError) -> Tensor {
      try reader.matrix("\(prefix)\(name).weight", rows, columns)
    }
    attentionNorm = try reader.vector("\(prefix)attn_norm.weight", shape.width)
    queries = try matrix("attn_q", queryWidth, shape.width)
    keys = try matrix("attn_k", kvWidth, shape.width)
    values = try matrix("attn_v", kvWidth, shape.width)
    queryBias = try reader.optionalVector("\(prefix)attn_q.bias", queryWidth)
    keyBias = try reader.optionalVector("\(prefix)attn_k.bias", kvWidth)
    valueBias = try reader.optionalVector("\(prefix)attn_v.bias", kvWidth)
    attentionOutput = try matrix("attn_output", shape.width, queryWidth)
    feedForwardNorm = try reader.vector("\(prefix)ffn_norm.weight", shape.width)
    gate = try matrix("ffn_gate", shape.feedForward, shape.width)
    up = try matrix("ffn_up", shape.feedForward, shape.width)
    down = try matrix("ffn_down", shape.width, shape.feedForward)
    if configuration.normsQueriesAndKeys {
      queryNorm = try reader.vector("\(prefix)attn_q_norm.weight", shape.headDimension)
      keyNorm = try reader.vector("\(prefix)attn_k_norm.weight", shape.headDimension)
    }
    if configuration.normsOutputs {
      attentionOutputNorm = try reader.vector("\(prefix)post_attention_norm.weight", shape.width)
      feedForwardOutputNorm = try reader.vector("\(prefix)post_ffw_norm.weight", shape.width)
    }
  }
}

/// Finds tensors of a shape, and notes which ones were asked for.
private final class TensorReader {
  let gguf: GGUF
  private(set) var used: Set<String> = []

  init(gguf: GGUF) { self.gguf = gguf }

  func matrix(_ name: String, _ rows: Int, _ columns: Int) throws(InferenceError) -> Tensor {
    used.insert(name)
    return try gguf.require(name, rows: rows, columns: columns)
  }

  /// A one-row tensor of floats.
  func vector(_ name: String, _ count: Int) throws(InferenceError) -> Tensor {
    let tensor = try matrix(name, 1, count)
    guard tensor.type == .f32 else {
      throw InferenceError(
        .unsupportedModel,
        "\(gguf.file.path): tensor \(name) is \(tensor.type.name) where F32 is needed")
    }
    return tensor
  }

  func optionalVector(_ name: String, _ count: Int) throws(InferenceError) -> Tensor? {
    gguf.info(name) == nil ? nil : try vector(name, count)
  }
}
