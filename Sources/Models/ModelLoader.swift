import Compute
import Inference

/// A model file made ready: the network and the facts about its file.
package struct LoadedModel: Sendable {
  package let gguf: GGUF
  package let model: Transformer

  package var name: String {
    gguf.metadata.string("general.name") ?? gguf.architecture ?? "model"
  }

  /// The weight format that most bytes are in.
  package var format: String {
    var bytes: [String: Int] = [:]
    for tensor in gguf.tensors { bytes[tensor.type.name, default: 0] += tensor.byteCount }
    return bytes.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? "none"
  }

  package var parameters: Int {
    gguf.tensors.reduce(0) { $0 + $1.dimensions.reduce(1, *) }
  }
}

/// Opens model files.
package enum ModelLoader {
  /// Maps and checks a file; no weight is read yet.
  ///
  /// - Parameter contextLength: positions to make room for; nil or more than the model knows takes the model's own.
  /// - Throws: `modelFile`, `unsupportedModel`, `outOfMemory`.
  package static func load(
    path: String, contextLength: Int? = nil, kernels: Kernels = .shared
  ) throws(InferenceError) -> LoadedModel {
    let gguf = try GGUF(path: path)
    guard let embedding = gguf.info("token_embd.weight") else {
      // The architecture is looked at first, so that a foreign file is called foreign rather than incomplete.
      _ = try NetworkConfiguration(gguf, vocabulary: 1)
      throw InferenceError(.modelFile, "\(path): tensor token_embd.weight is missing")
    }
    let configuration = try NetworkConfiguration(gguf, vocabulary: embedding.rows)
    let weights = try NetworkWeights(gguf, configuration)
    let trained = configuration.shape.contextLength
    let length = min(max(contextLength ?? trained, 1), trained)
    let reserved = Transformer.reservedByteCount(configuration, contextLength: length)
    guard AddressSpace.hasRoom(for: reserved) else {
      throw InferenceError(
        .outOfMemory,
        "\(path): no room for working memory of \(reserved) bytes: use a shorter context")
    }
    let model = Transformer(
      configuration: configuration, weights: weights, contextLength: length, kernels: kernels)
    return LoadedModel(gguf: gguf, model: model)
  }
}
