import Compute
import Glibc
import Inference

/// What words alone say of a map.
struct WordSketch {
  private let inner: DenseWeights
  private let outer: DenseWeights
  /// The vector that stands for no caption.
  private let nothing: [Float]

  init(_ weights: PictureWeights, outputs: Int) throws(InferenceError) {
    let count = try weights.integer("inner", 1...4096)
    inner = try weights.dense("sketch.0", outputs: count, depth: TextVector.count)
    outer = try weights.dense("sketch.1", outputs: outputs, depth: count)
    nothing = try weights.floats("nothing", columns: TextVector.count).array(0..<TextVector.count)
  }

  var byteCount: Int { inner.byteCount + outer.byteCount }

  /// `[rows, outputs]`.
  func callAsFunction(_ texts: [TextVector?], on compute: MapCompute) -> Buffer {
    let hidden = compute.product(words(texts, nothing: nothing), rows: texts.count, by: inner)
    compute.kernels.gelu(hidden, at: 0, count: hidden.count, ones: compute.ones)
    return compute.product(hidden, rows: texts.count, by: outer)
  }
}

/// The vectors of texts, their numbers brought to about one.
private func words(_ texts: [TextVector?], nothing: [Float]) -> Buffer {
  let result = Buffer(count: texts.count * TextVector.count)
  let factor = Float(TextVector.count).squareRoot()
  for (row, text) in texts.enumerated() {
    result.replace(
      at: row * TextVector.count, with: (text?.values ?? nothing).map { $0 * factor })
  }
  return result
}

extension MapCompute {
  /// `[rows, outputs]`, of as many rows as wanted.
  func product(_ x: Buffer, rows: Int, by weights: DenseWeights) -> Buffer {
    let result = Buffer(count: rows * weights.outputs)
    dense(
      FloatRows(x, stride: weights.depth), count: rows, by: weights,
      into: FloatRows(result, stride: weights.outputs))
    return result
  }
}

/// What time, text and a strength of guidance tell every block.
struct TimeCondition {
  let told: Int
  /// Frequencies of sines and cosines.
  private let rates: [Float]
  private let first: DenseWeights
  private let second: DenseWeights
  private let text: DenseWeights
  private let nothing: [Float]
  let guidance: DenseWeights?

  init(_ weights: PictureWeights, told: Int) throws(InferenceError) {
    self.told = told
    let count = try weights.integer("rates", 1...1024)
    rates = try weights.floats("rates", columns: count).array(0..<count)
    first = try weights.dense("time.0", outputs: told, depth: 2 * count)
    second = try weights.dense("time.1", outputs: told, depth: told)
    text = try weights.dense("text", outputs: told, depth: TextVector.count)
    nothing = try weights.floats("nothing", columns: TextVector.count).array(0..<TextVector.count)
    guidance =
      try weights.integer("guided", 0...1) == 1
      ? weights.dense("guidance", outputs: told, depth: 2 * count) : nil
  }

  /// `[rows, told]`, after its activation.
  func callAsFunction(_ rows: [DenoiserRow], on compute: MapCompute) -> FloatRows {
    let inner = compute.product(waves(rows.map(\.time)), rows: rows.count, by: first)
    compute.kernels.silu(inner, at: 0, count: inner.count, ones: compute.ones)
    let result = compute.product(inner, rows: rows.count, by: second)
    func add(_ x: Buffer, by weights: DenseWeights) {
      let part = compute.product(x, rows: rows.count, by: weights)
      compute.kernels.add(result, at: 0, part, at: 0, count: result.count)
    }
    add(words(rows.map(\.text), nothing: nothing), by: text)
    if let guidance { add(waves(rows.map { ($0.guidance - 1) / 10 }), by: guidance) }
    compute.kernels.silu(result, at: 0, count: rows.count * told, ones: compute.ones)
    return FloatRows(result, stride: told)
  }

  /// Sines and cosines of numbers (Vaswani et al., arXiv:1706.03762, section 3.5).
  private func waves(_ numbers: [Float]) -> Buffer {
    let count = rates.count
    let result = Buffer(count: 2 * count * numbers.count)
    for (row, number) in numbers.enumerated() {
      let thousands: Float = 1000 * number
      for index in 0..<count {
        let angle = thousands * rates[index]
        result[row * 2 * count + index] = sin(angle)
        result[row * 2 * count + count + index] = cos(angle)
      }
    }
    return result
  }
}
