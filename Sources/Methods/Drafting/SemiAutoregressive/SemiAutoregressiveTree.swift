import Inference

/// A tree of drafted tokens that grows by blocks, the tokens of a block chosen one independently of the other.
///
/// Falcon's trees (section 3.3) have the same shape for every draft; this one keeps, of the same candidates, those
/// which are most probable for the draft at hand.
package struct SemiAutoregressiveTree {
  private var tokens: [TokenID] = []
  private var parents: [Int] = []
  private var confidences: [Float] = []
  /// Ends of blocks that no pass has continued yet.
  private var leaves: [Leaf] = []
  private let limit: Int
  private let branch: Int
  private let leastConfidence: Float

  /// The end of a block.
  package struct Leaf {
    /// Row of the tree.
    var row: Int
    /// Where the network keeps the block whose outputs the tokens were chosen from.
    var place: Int
    var confidence: Float
  }

  /// Ends of blocks that are kept of one pass.
  private static let widest = 8

  package init(limit: Int, branch: Int, leastConfidence: Double) {
    self.limit = limit
    self.branch = branch
    self.leastConfidence = Float(leastConfidence)
  }

  /// Adds the combinations of the tokens that a pass considers for each place of a block.
  ///
  /// - Parameters:
  ///   - leaf: the end of the block that they continue; nil for the text.
  ///   - place: where the network keeps the block that was computed.
  package mutating func add(_ choices: [[Candidate]], to leaf: Leaf?, place: Int) {
    var front = [(row: leaf?.row ?? -1, confidence: leaf?.confidence ?? 1)]
    for candidates in choices {
      var next: [(row: Int, confidence: Float)] = []
      for (row, confidence) in front {
        for candidate in candidates {
          let chance = confidence * candidate.probability
          guard chance >= leastConfidence, chance > 0 else { continue }
          tokens.append(candidate.token)
          parents.append(row)
          confidences.append(chance)
          next.append((tokens.count - 1, chance))
        }
      }
      front = Array(next.sorted { $0.confidence > $1.confidence }.prefix(Self.widest))
    }
    leaves += front.filter { $0.row >= 0 && $0.row != leaf?.row }
      .map { Leaf(row: $0.row, place: place, confidence: $0.confidence) }
  }

  /// The most probable ends of blocks, at most `count`; they are not given again.
  package mutating func takeLeaves(_ count: Int) -> [Leaf] {
    leaves.sort { $0.confidence > $1.confidence }
    defer { leaves.removeFirst(min(count, leaves.count)) }
    return Array(leaves.prefix(count))
  }

  /// The tokens of the block that ends with a leaf.
  package func path(of leaf: Leaf, length: Int) -> [TokenID] {
    var path: [TokenID] = []
    var row = leaf.row
    while path.count < length, row >= 0 {
      path.append(tokens[row])
      row = parents[row]
    }
    return path.reversed()
  }

  /// The most probable rows, in falling order of their confidence, parents before children.
  package func draft() -> Draft {
    // A row comes after its parent, whose confidence is no less; of equal ones the earlier comes first.
    let order = tokens.indices.sorted {
      (confidences[$0], $1) > (confidences[$1], $0)
    }.prefix(limit)
    var place: [Int: Int] = [:]
    for (index, row) in order.enumerated() { place[row] = index }
    return Draft(
      tokens: order.map { tokens[$0] }, parents: order.map { place[parents[$0]] ?? -1 },
      confidences: order.map { confidences[$0] })
  }
}
