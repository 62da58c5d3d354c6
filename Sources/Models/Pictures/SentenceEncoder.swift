import Compute
import Glibc
import Inference

/// Turns a sentence into a vector of length one: the mean of a small BERT's last states.
///
/// Source: Devlin et al., "BERT", arXiv:1810.04805; Reimers and Gurevych, "Sentence-BERT", arXiv:1908.10084, for the mean. The
/// weights are those of all-MiniLM-L6-v2: 6 layers, width 384, 12 heads.
package final class SentenceEncoder {
  private let tokenizer: WordPieceTokenizer
  private let words: Tensor
  private let positions: Tensor
  private let kinds: Tensor
  private let start: Norm
  private let layers: [Layer]
  private let pool: WorkerPool
  private let kernels = Kernels.shared

  private static let width = TextVector.count
  private static let heads = 12
  private static let inner = 4 * width
  private static let epsilon: Float = 1e-12
  /// Tokens that are read of a sentence.
  private static let limit = 64

  private struct Linear {
    let weight: Tensor
    let bias: Tensor
  }

  private struct Norm {
    let weight: Buffer
    let bias: Buffer
  }

  private struct Layer {
    let query: Linear
    let key: Linear
    let value: Linear
    let out: Linear
    let outNorm: Norm
    let wide: Linear
    let narrow: Linear
    let narrowNorm: Norm
  }

  /// - Throws: `modelFile`.
  package init(
    weights: Safetensors, vocabulary: String, on pool: WorkerPool
  ) throws(InferenceError) {
    self.pool = pool
    tokenizer = try WordPieceTokenizer(vocabulary: vocabulary)
    let prefix = weights.shape(of: "bert.embeddings.word_embeddings.weight") == nil ? "" : "bert."
    func matrix(_ name: String, _ rows: Int, _ columns: Int) throws(InferenceError) -> Tensor {
      try weights.tensor(prefix + name, rows: rows, columns: columns)
    }
    func linear(_ name: String, _ inputs: Int, _ outputs: Int) throws(InferenceError) -> Linear {
      Linear(
        weight: try matrix("\(name).weight", outputs, inputs),
        bias: try matrix("\(name).bias", 1, outputs))
    }
    func norm(_ name: String) throws(InferenceError) -> Norm {
      Norm(
        weight: Self.values(try matrix("\(name).weight", 1, Self.width)),
        bias: Self.values(try matrix("\(name).bias", 1, Self.width)))
    }
    let width = Self.width
    words = try matrix("embeddings.word_embeddings.weight", tokenizer.count, width)
    positions = try matrix("embeddings.position_embeddings.weight", 512, width)
    kinds = try matrix("embeddings.token_type_embeddings.weight", 2, width)
    start = try norm("embeddings.LayerNorm")
    var layers: [Layer] = []
    for index in 0..<6 {
      let name = "encoder.layer.\(index)"
      layers.append(
        Layer(
          query: try linear("\(name).attention.self.query", width, width),
          key: try linear("\(name).attention.self.key", width, width),
          value: try linear("\(name).attention.self.value", width, width),
          out: try linear("\(name).attention.output.dense", width, width),
          outNorm: try norm("\(name).attention.output.LayerNorm"),
          wide: try linear("\(name).intermediate.dense", width, Self.inner),
          narrow: try linear("\(name).output.dense", Self.inner, width),
          narrowNorm: try norm("\(name).output.LayerNorm")))
    }
    self.layers = layers
  }

  private static func values(_ row: Tensor) -> Buffer {
    let values = Buffer(count: row.columns)
    Kernels.shared.dequantize(row, row: 0, into: values, at: 0)
    return values
  }

  /// The vector of a sentence.
  ///
  /// - Parameter text: in normal form D.
  package func encode(_ text: String) -> TextVector? {
    let tokens = tokenizer.encode(text, limit: Self.limit)
    let width = Self.width
    let x = Activations(rows: tokens.count, columns: width, forms: [])
    let part = Buffer(count: tokens.count * width)
    for (row, token) in tokens.enumerated() {
      let offset = row * width
      kernels.dequantize(words, row: Int(token), into: x.floats, at: offset)
      for (table, index) in [(positions, row), (kinds, 0)] {
        kernels.dequantize(table, row: index, into: part, at: offset)
        kernels.add(x.floats, at: offset, part, at: offset, count: width)
      }
    }
    norm(x, start)
    for layer in layers { run(layer, x) }
    var sum = [Float](repeating: 0, count: width)
    for row in 0..<x.rows {
      for index in 0..<width { sum[index] += x.floats[row * width + index] }
    }
    return TextVector(sum).flatMap { TextVector.mean([$0]) }
  }

  private func run(_ layer: Layer, _ x: Activations) {
    let (rows, width) = (x.rows, Self.width)
    let queries = product(layer.query, x)
    let keys = product(layer.key, x)
    let values = product(layer.value, x)
    let mixed = Activations(rows: rows, columns: width, forms: [])
    let dimension = width / Self.heads
    let scores = Buffer(count: rows)
    for head in 0..<Self.heads {
      for row in 0..<rows {
        let query = row * width + head * dimension
        for other in 0..<rows {
          let key = other * width + head * dimension
          var sum: Float = 0
          for index in 0..<dimension { sum += queries[query + index] * keys[key + index] }
          scores[other] = sum / Float(dimension).squareRoot()
        }
        kernels.softmax(scores, at: 0, count: rows)
        for index in 0..<dimension {
          var sum: Float = 0
          for other in 0..<rows {
            sum += scores[other] * values[other * width + head * dimension + index]
          }
          mixed.floats[query + index] = sum
        }
      }
    }
    add(product(layer.out, mixed), to: x, norm: layer.outNorm)
    let hidden = Activations(rows: rows, columns: Self.inner, forms: [])
    let wide = product(layer.wide, x)
    for index in 0..<rows * Self.inner {
      hidden.floats[index] = 0.5 * wide[index] * (1 + erf(wide[index] * Float(0.5).squareRoot()))
    }
    add(product(layer.narrow, hidden), to: x, norm: layer.narrowNorm)
  }

  private func add(_ part: Buffer, to x: Activations, norm: Norm) {
    kernels.add(x.floats, at: 0, part, at: 0, count: x.rows * x.columns)
    self.norm(x, norm)
  }

  private func norm(_ x: Activations, _ norm: Norm) {
    for row in 0..<x.rows {
      let offset = row * x.columns
      let found = kernels.sums(x.floats, at: offset, count: x.columns)
      let moments = Moments(
        sum: Double(found.sum), squares: Double(found.squares), count: Double(x.columns),
        epsilon: Self.epsilon)
      kernels.normalize(
        x.floats, at: offset, count: x.columns, scale: moments.scale, shift: moments.shift,
        weight: (norm.weight, 0), bias: (norm.bias, 0), into: x.floats, at: offset)
    }
  }

  private func product(_ linear: Linear, _ x: Activations) -> Buffer {
    let (kernels, outputs) = (self.kernels, linear.weight.rows)
    let y = Buffer(count: x.rows * outputs)
    pool.run { worker in
      let share = worker.share(of: outputs, multipleOf: 16)
      kernels.multiply(
        linear.weight, rows: share, by: x, tokens: 0..<x.rows, into: y, stride: outputs)
      for row in 0..<x.rows {
        kernels.addBias(y, at: row * outputs, linear.bias, columns: share)
      }
    }
    return y
  }
}
