import Compute
import Inference

extension NetworkConfiguration {
  /// The architectures that the forward pass knows.
  package static let architectures = ["llama", "qwen2", "gemma3"]

  /// Reads and checks the hyperparameters of a model file.
  ///
  /// - Throws: `unsupportedModel` where the architecture or a variant of it is unknown, `modelFile` where a value is
  ///   missing or makes no sense.
  package init(_ gguf: GGUF, vocabulary: Int) throws(InferenceError) {
    let fields = HyperparameterReader(gguf: gguf)
    guard let architecture = gguf.architecture else {
      throw InferenceError(.modelFile, "\(fields.path): general.architecture is missing")
    }
    guard Self.architectures.contains(architecture) else {
      throw InferenceError(
        .unsupportedModel,
        "\(fields.path): architecture '\(architecture)' is not one this program runs "
          + "(\(Self.architectures.joined(separator: ", ")))")
    }
    guard vocabulary <= Int(TokenID.max) else {
      throw InferenceError(
        .modelFile, "\(fields.path): tensor token_embd.weight has \(vocabulary) rows, too many")
    }
    let heads = try fields.integer("attention.head_count", in: 1...4096)
    let width = try fields.integer("embedding_length", in: 1...1 << 20)
    let kvHeads = try fields.integer("attention.head_count_kv", in: 1...heads, default: heads)
    guard heads % kvHeads == 0 else {
      throw fields.error("attention.head_count_kv", "\(kvHeads) does not divide \(heads) heads")
    }
    let headDimension = try fields.integer(
      "attention.key_length", in: 2...4096, default: width / heads)
    guard headDimension % 2 == 0 else {
      throw fields.error("attention.key_length", "\(headDimension) is odd")
    }
    let valueDimension = try fields.integer(
      "attention.value_length", in: 1...4096, default: headDimension)
    guard valueDimension == headDimension else {
      throw fields.unsupported(
        "keys of \(headDimension) and values of \(valueDimension) dimensions")
    }
    if try fields.integer("expert_count", in: 0...1 << 20, default: 0) > 0 {
      throw fields.unsupported("mixture-of-experts layers")
    }
    shape = ModelShape(
      layers: try fields.integer("block_count", in: 1...1024), width: width, heads: heads,
      kvHeads: kvHeads, headDimension: headDimension,
      feedForward: try fields.integer("feed_forward_length", in: 1...1 << 22),
      vocabulary: vocabulary,
      contextLength: try fields.integer("context_length", in: 1...1 << 24))
    self.architecture = architecture
    normEpsilon = Float(
      try fields.number("attention.layer_norm_rms_epsilon", in: 0...1, default: nil))
    rotaryDimension = try fields.integer(
      "rope.dimension_count", in: 2...headDimension, default: headDimension)
    guard rotaryDimension % 2 == 0 else {
      throw fields.error("rope.dimension_count", "\(rotaryDimension) is odd")
    }
    let isGemma = architecture == "gemma3"
    rotaryBase = Float(
      try fields.number("rope.freq_base", in: 1...1e12, default: isGemma ? 1e6 : 1e4))
    rotaryScale = 1 / Float(try fields.rotaryScalingFactor())
    interleavedRotary = architecture == "llama"
    activation = isGemma ? .gelu : .silu
    let window =
      isGemma ? try fields.integer("attention.sliding_window", in: 0...1 << 24, default: 0) : 0
    self.window = window > 0 ? window : nil
    windowPattern =
      isGemma ? try fields.integer("attention.sliding_window_pattern", in: 1...1024, default: 6) : 1
    localRotaryBase = Float(
      try fields.number("rope.freq_base_swa", in: 1...1e12, default: 1e4))
    embeddingScale = isGemma ? Float(width).squareRoot() : 1
    // The 27B model alone scales by the width that a head would have without a head dimension of its own.
    let scaled = isGemma && shape.layers == 62 ? width / heads : headDimension
    attentionScale = 1 / Float(scaled).squareRoot()
    normsQueriesAndKeys = isGemma
    normsOutputs = isGemma
    finalSoftcap = Float(try fields.number("final_logit_softcapping", in: 0...1e6, default: 0))
  }
}

/// Reads `architecture.field` values with their ranges.
private struct HyperparameterReader {
  let gguf: GGUF
  var path: String { gguf.file.path }

  func key(_ field: String) -> String { "\(gguf.architecture ?? "").\(field)" }

  func error(_ field: String, _ problem: String) -> InferenceError {
    InferenceError(.modelFile, "\(path): \(key(field)): \(problem)")
  }

  func unsupported(_ feature: String) -> InferenceError {
    InferenceError(.unsupportedModel, "\(path): \(feature) are not supported yet")
  }

  func integer(
    _ field: String, in range: ClosedRange<Int>, default fallback: Int? = nil
  ) throws(InferenceError) -> Int {
    guard gguf.metadata.contains(key(field)) else {
      guard let fallback else { throw error(field, "is missing") }
      // What follows from other fields is no more to be trusted than what stands in the file.
      guard range.contains(fallback) else {
        throw error(
          field, "would be \(fallback), outside \(range.lowerBound)...\(range.upperBound)")
      }
      return fallback
    }
    guard let value = gguf.metadata.integer(key(field)) else {
      throw error(field, "is not one integer")
    }
    guard range.contains(value) else {
      throw error(field, "is \(value), outside \(range.lowerBound)...\(range.upperBound)")
    }
    return value
  }

  func number(
    _ field: String, in range: ClosedRange<Double>, default fallback: Double?
  ) throws(InferenceError) -> Double {
    guard gguf.metadata.contains(key(field)) else {
      guard let fallback else { throw error(field, "is missing") }
      return fallback
    }
    guard let value = gguf.metadata.float(key(field)), range.contains(value) else {
      throw error(field, "is no number in \(range.lowerBound)...\(range.upperBound)")
    }
    return value
  }

  func rotaryScalingFactor() throws(InferenceError) -> Double {
    switch gguf.metadata.string(key("rope.scaling.type")) ?? "linear" {
    case "none": return 1
    case "linear": return try number("rope.scaling.factor", in: 1e-6...1e6, default: 1)
    case let other: throw unsupported("rotary embeddings scaled by '\(other)'")
    }
  }
}
