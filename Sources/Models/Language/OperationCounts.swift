import Compute
import Inference

extension Tensor {
  /// What a product with one row of activations takes: two for each weight.
  var operations: Int { 2 * rows * columns }
}

extension TokenBatch {
  /// Positions that all rows together attend to in one layer, each row its own included.
  ///
  /// - Parameter window: the most positions that one row sees.
  func attendedPositions(in caches: [any KVCache], window: Int?) -> Int {
    var total = 0
    var seen = [Int](repeating: 0, count: count)
    for row in 0..<count {
      let before = parents[row] < 0 ? caches[sequences[row]].count : seen[parents[row]]
      seen[row] = before + 1
      total += min(seen[row], window ?? .max)
    }
    return total
  }
}
