import Compute
import Inference

/// One reader's view of shared blocks: it reads them as one text, and writes to the last of them.
///
/// A key at place i of a block that begins at position o of the view was rotated to i. A query at position p must meet
/// it as if it stood at o + i, so for this block it is rotated to p - o: rotary attention depends on distances alone. What
/// the query gets from each block is merged by the blocks' maxima and sums of weights. Source: Rodionov et al.,
/// arXiv:2504.06261, section 3 (query rotation).
///
/// The other blocks are seen as they are when a pass begins, so it makes no difference which rows of the pass are
/// stored first. Rows form a chain.
package final class HogwildCache: KVCache {
  package let capacity: Int
  /// The last one takes the new rows; no other view of a pass may write to it.
  package var blocks: [HogwildBlock]
  package private(set) var provisionalCount = 0
  /// The blocks but the last as the pass at hand sees them.
  private(set) var others: [(block: HogwildBlock, begin: Int, count: Int)] = []
  /// Where the last block begins.
  private(set) var begin = 0
  /// What the new rows read in a layer without a window.
  private(set) var reading: [HogwildPart] = []
  /// Parts of a row that there is room for.
  var partsPerRow = 0
  /// Queries of each row and part, `[rows, partsPerRow, heads * dimension]`, rotated.
  var queries = Buffer(count: 0)
  /// What each row gets from its parts.
  var parts: [AttentionParts] = []

  /// - Parameter capacity: positions that the view can hold, whoever wrote them.
  package init(blocks: [HogwildBlock], capacity: Int) {
    precondition(!blocks.isEmpty)
    self.blocks = blocks
    self.capacity = capacity
  }

  var own: HogwildBlock { blocks[blocks.count - 1] }

  package var count: Int { blocks.reduce(0) { $0 + $1.count } }

  package var byteCount: Int { blocks.reduce(0) { $0 + $1.byteCount } }

  package func begin(parents: [Int], isGrowing: Bool) throws(InferenceError) {
    provisionalCount = 0
    guard !isGrowing, parents.indices.allSatisfy({ parents[$0] == $0 - 1 }) else {
      throw InferenceError(
        .invalidRequest, "writers that share a cache draft nothing: switch the drafter off")
    }
    guard count + parents.count <= capacity, own.count + parents.count <= own.capacity else {
      throw InferenceError(
        .contextFull, "\(count) positions and \(parents.count) more do not fit into \(capacity)")
    }
    others = []
    begin = 0
    for block in blocks.dropLast() {
      others.append((block, begin, block.count))
      begin += block.count
    }
    provisionalCount = parents.count
    reading = reading(of: parents.indices, window: nil)
  }

  package func commit(_ path: [Int]) {
    precondition(
      path.count <= provisionalCount && path.indices.allSatisfy { path[$0] == $0 },
      "\(path) is no beginning of a chain")
    own.count += path.count
    provisionalCount = 0
  }

  /// Takes back positions of the last block; fewer than the others hold empties the view.
  @discardableResult package func truncate(to count: Int) -> Int {
    let before = blocks.dropLast().reduce(0) { $0 + $1.count }
    precondition(count >= 0 && count <= before + own.count)
    provisionalCount = 0
    if count >= before {
      own.count = count - before
      return count
    }
    own.count = 0
    blocks = [own]
    return 0
  }

  package func fork() throws(InferenceError) -> any KVCache {
    HogwildCache(blocks: blocks.map { $0.copy() }, capacity: capacity)
  }
}
