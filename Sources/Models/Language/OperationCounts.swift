import Compute
import Inference

extension Tensor {
  /// What a product with one row of activations takes: two for each weight.
  var operations: Int { 2 * rows * columns }
}

extension TokenBatch {
  /// How many positions each row attends to in a layer without a window, its own included.
  func attendedPositions(in caches: [any KVCache]) -> [Int] {
    // Rows of a growing batch are few: which of the rows before they continue matters little here.
    if isGrowing, let cache = caches.first {
      return Array(repeating: cache.count + cache.provisionalCount, count: count)
    }
    var seen = [Int](repeating: 0, count: count)
    for row in 0..<count {
      let before = parents[row] < 0 ? caches[sequences[row]].count : seen[parents[row]]
      seen[row] = before + 1
    }
    return seen
  }
}
