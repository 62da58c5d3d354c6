import Compute
import Glibc
import Inference

/// A linear classifier of hidden states: the probability that a token is acceptable where it stands.
///
/// States are brought to a root mean square of 1 first; whatever else training did to them is a part of the weights.
package final class JudgeHead {
  private let weights: [Float]
  private let bias: Float

  /// - Throws: `modelFile` where the file holds no judge of states so wide.
  package convenience init(_ file: any WeightFile, width: Int) throws(InferenceError) {
    self.init(
      weights: try file.tensor("judge.weight", rows: 1, columns: width).row(0),
      bias: try file.tensor("judge.bias", rows: 1, columns: 1).row(0).first ?? 0)
  }

  package init(weights: [Float], bias: Float) {
    self.weights = weights
    self.bias = bias
  }

  /// - Parameter row: of `states`, `[rows, width]`: the model's last hidden state at the token that is judged.
  package func probability(_ states: Buffer, row: Int) -> Double {
    let width = weights.count
    return states.withSpan(row * width..<(row + 1) * width) { state in
      var (square, product) = (Float(0), Float(0))
      for index in 0..<width {
        square += state[index] * state[index]
        product += weights[index] * state[index]
      }
      let size = (square / Float(width) + 1e-6).squareRoot()
      return 1 / (1 + exp(-Double(product / size + bias)))
    }
  }
}
