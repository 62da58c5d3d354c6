import Compute
import Foundation
import Inference
import Models

/// The forward pass written as plainly as possible: the judge of `Transformer`.
///
/// Weights are dequantised row by row, activations stay floats, sums are doubles, attention looks at every position
/// anew. It reads no more than the configuration and the tensors.
public final class ReferenceTransformer {
  let configuration: NetworkConfiguration
  let weights: NetworkWeights
  private var keys: [[[Float]]]
  private var values: [[[Float]]]

  package init(_ model: Transformer) {
    configuration = model.configuration
    weights = model.weights
    keys = Array(repeating: [], count: configuration.shape.layers)
    values = Array(repeating: [], count: configuration.shape.layers)
  }

  /// Logits after the next token of the sequence.
  public func forward(_ token: Int32) -> [Float] {
    let shape = configuration.shape
    var hidden = weights.embedding.row(Int(token)).map { $0 * configuration.embeddingScale }
    for (index, layer) in weights.layers.enumerated() {
      let attended = attention(layer, index, norm(hidden, layer.attentionNorm))
      hidden = add(hidden, normIfAny(attended, layer.attentionOutputNorm))
      let x = norm(hidden, layer.feedForwardNorm)
      let gate = multiply(layer.gate, x)
      let up = multiply(layer.up, x)
      let inner = zip(gate, up).map { activation($0) * $1 }
      hidden = add(hidden, normIfAny(multiply(layer.down, inner), layer.feedForwardOutputNorm))
    }
    let logits = multiply(weights.head, norm(hidden, weights.outputNorm))
    precondition(logits.count == shape.vocabulary)
    let cap = configuration.finalSoftcap
    return cap > 0 ? logits.map { cap * tanh($0 / cap) } : logits
  }

  private func attention(_ layer: LayerWeights, _ index: Int, _ x: [Float]) -> [Float] {
    let shape = configuration.shape
    let dimension = shape.headDimension
    let position = keys[index].count
    var queries = add(multiply(layer.queries, x), layer.queryBias)
    var key = add(multiply(layer.keys, x), layer.keyBias)
    let value = add(multiply(layer.values, x), layer.valueBias)
    let windowed = configuration.isWindowed(layer: index)
    for head in 0..<shape.heads {
      prepareHead(&queries, head, layer.queryNorm, position, windowed)
    }
    for head in 0..<shape.kvHeads { prepareHead(&key, head, layer.keyNorm, position, windowed) }
    keys[index].append(key)
    values[index].append(value)
    let start = windowed ? max(0, position - (configuration.window ?? 0) + 1) : 0
    var output = [Float](repeating: 0, count: shape.heads * dimension)
    for head in 0..<shape.heads {
      let shared = head / (shape.heads / shape.kvHeads) * dimension
      let scores = (start...position).map { other in
        (0..<dimension).reduce(0.0) {
          $0 + Double(queries[head * dimension + $1]) * Double(keys[index][other][shared + $1])
        } * Double(configuration.attentionScale)
      }
      let top = scores.max() ?? 0
      let powers = scores.map { exp($0 - top) }
      let sum = powers.reduce(0, +)
      for (offset, power) in powers.enumerated() {
        for column in 0..<dimension {
          output[head * dimension + column] +=
            Float(power / sum * Double(values[index][start + offset][shared + column]))
        }
      }
    }
    return multiply(layer.attentionOutput, output)
  }

  /// Norms (where the architecture does) and rotates one head.
  private func prepareHead(
    _ x: inout [Float], _ head: Int, _ weight: Tensor?, _ position: Int, _ windowed: Bool
  ) {
    let dimension = configuration.shape.headDimension
    let range = head * dimension..<(head + 1) * dimension
    if let weight { x.replaceSubrange(range, with: norm(Array(x[range]), weight)) }
    let rotary = configuration.rotaryDimension
    let base = Double(windowed ? configuration.localRotaryBase : configuration.rotaryBase)
    let scale = windowed ? 1 : Double(configuration.rotaryScale)
    for pair in 0..<rotary / 2 {
      let factor = Double(windowed ? 1 : weights.rotaryFactors?[pair] ?? 1)
      let angle = Double(position) * scale * pow(base, -2 * Double(pair) / Double(rotary)) / factor
      let interleaved = configuration.interleavedRotary
      let first = range.lowerBound + (interleaved ? 2 * pair : pair)
      let second = range.lowerBound + (interleaved ? 2 * pair + 1 : pair + rotary / 2)
      let (a, b) = (Double(x[first]), Double(x[second]))
      x[first] = Float(a * cos(angle) - b * sin(angle))
      x[second] = Float(a * sin(angle) + b * cos(angle))
    }
  }

  private func activation(_ x: Float) -> Float {
    let x = Double(x)
    switch configuration.activation {
    case .silu: return Float(x / (1 + exp(-x)))
    case .gelu: return Float(0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))))
    }
  }

  private func multiply(_ weight: Tensor, _ x: [Float]) -> [Float] {
    (0..<weight.rows).map { index in
      let row = weight.row(index)
      var sum = 0.0
      for column in 0..<row.count { sum += Double(row[column]) * Double(x[column]) }
      return Float(sum)
    }
  }

  private func norm(_ x: [Float], _ weight: Tensor) -> [Float] {
    let mean = x.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(x.count)
    let scale = 1 / (mean + Double(configuration.normEpsilon)).squareRoot()
    return zip(x, weight.row(0)).map { Float(Double($0) * scale) * $1 }
  }

  private func normIfAny(_ x: [Float], _ weight: Tensor?) -> [Float] {
    weight.map { norm(x, $0) } ?? x
  }

  private func add(_ x: [Float], _ y: [Float]) -> [Float] { zip(x, y).map { $0 + $1 } }

  private func add(_ x: [Float], _ bias: Tensor?) -> [Float] {
    bias.map { add(x, $0.row(0)) } ?? x
  }
}
