import Compute
import Foundation
import Inference
import Methods
import TestSupport

/// Weights that a test has made, by name.
struct MemoryWeights: WeightFile {
  var numbers: [String: [Int]] = [:]
  var tensors: [String: Tensor] = [:]

  var byteCount: Int { tensors.values.reduce(0) { $0 + $1.byteCount } }

  func tensor(_ name: String, rows: Int, columns: Int) throws(InferenceError) -> Tensor {
    guard let tensor = tensors[name], tensor.rows == rows, tensor.columns == columns else {
      throw InferenceError(.modelFile, "no tensor \(name) [\(rows), \(columns)]")
    }
    return tensor
  }

  func integer(_ key: String) throws(InferenceError) -> Int {
    guard let value = numbers[key]?.first else { throw InferenceError(.modelFile, "no \(key)") }
    return value
  }

  func integers(_ key: String) throws(InferenceError) -> [Int] {
    guard let values = numbers[key] else { throw InferenceError(.modelFile, "no \(key)") }
    return values
  }
}

/// The figures of a made-up drafter, and its weights as reference.py makes them.
struct DrafterFixture: Decodable {
  var width = 32
  var heads = 2
  var kvHeads = 1
  var headDimension = 16
  var feedForward = 48
  var block = 2
  var vocabulary = 40
  var shortlist: [Int] = []
  var text: [TokenID] = []
  var cases: [Case] = []

  struct Case: Decodable {
    var rows: Int
    var states: [Float]
    var logits: [Float]
    var drafted: [TokenID]
    var grownStates: [Float]
    var grownLogits: [Float]
  }

  static func recorded() throws -> DrafterFixture {
    let path = (#filePath as NSString).deletingLastPathComponent
    let data = try Data(
      contentsOf: URL(fileURLWithPath: path + "/Fixtures/semi-autoregressive.json"))
    return try JSONDecoder().decode(DrafterFixture.self, from: data)
  }

  /// For the width and vocabulary of a model.
  static func matching(_ shape: ModelShape, block: Int = 2) -> DrafterFixture {
    let shortlist = stride(from: 0, to: shape.vocabulary, by: 2).map { $0 }
    return DrafterFixture(
      width: shape.width, block: block, vocabulary: shape.vocabulary, shortlist: shortlist)
  }

  static func numbers(_ seed: UInt64, _ rows: Int, _ columns: Int) -> [Float] {
    var random = SplitMix64(seed: seed)
    return (0..<rows * columns).map { _ in Float(random.uniform() * 2 - 1) }
  }

  private static func matrix(
    _ seed: UInt64, _ rows: Int, _ columns: Int, _ change: (Float) -> Float = { $0 }
  ) -> Tensor {
    Tensor(values: numbers(seed, rows, columns).map(change), rows: rows, columns: columns)
  }

  /// What the drafter has of its own.
  var file: MemoryWeights {
    var file = MemoryWeights()
    for (name, value) in [
      ("block", block), ("width", width), ("heads", heads), ("kv_heads", kvHeads),
      ("head_dimension", headDimension), ("feed_forward", feedForward), ("vocabulary", vocabulary),
    ] { file.numbers["drafter.\(name)"] = [value] }
    file.numbers["drafter.shortlist"] = shortlist
    let (queries, keys) = (heads * headDimension, kvHeads * headDimension)
    let shapes = [
      ("lstm.input", 4 * width, 2 * width), ("lstm.recurrent", 4 * width, width),
      ("lstm.bias", 1, 4 * width), ("attention.queries", queries, width),
      ("attention.keys", keys, width), ("attention.values", keys, width),
      ("attention.output", width, queries), ("feed_forward.norm", 1, width),
      ("feed_forward.gate", feedForward, width), ("feed_forward.up", feedForward, width),
      ("feed_forward.down", width, feedForward),
    ]
    for (seed, (name, rows, columns)) in shapes.enumerated() {
      let scale = rows == 1 ? 0.5 : 1.7 / Float(columns).squareRoot()
      let mean: Float = name == "feed_forward.norm" ? 1 : 0
      file.tensors[name] = Self.matrix(UInt64(seed), rows, columns) { mean + $0 * scale }
    }
    return file
  }

  /// What it has from a model of that width.
  var target: VocabularyWeights {
    VocabularyWeights(
      embedding: Self.matrix(11, vocabulary, width),
      outputNorm: Self.matrix(13, 1, width) { 1 + 0.3 * $0 }, normEpsilon: 1e-5,
      head: Self.matrix(12, vocabulary, width))
  }

  func network(capacity: Int = 64) throws -> SemiAutoregressiveNetwork {
    SemiAutoregressiveNetwork(
      try SemiAutoregressiveWeights(file, target: target), capacity: capacity)
  }

  /// Normed states of a text's positions, `[text, width]`.
  func states() -> Buffer {
    let raw = Self.numbers(14, text.count, width)
    let states = Buffer(count: raw.count)
    states.replace(at: 0, with: raw)
    for row in text.indices {
      Kernels.shared.normalize(
        states, at: row * width, count: width, weight: target.outputNorm, epsilon: 1e-5,
        into: states, at: row * width)
    }
    return states
  }
}
