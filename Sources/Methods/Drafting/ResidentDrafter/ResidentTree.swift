import Inference

/// The small model's tree behind a text: tokens with their cumulative confidence, and which of them it has computed.
///
/// When the text goes along a path of the tree, the tree stays and its root moves.
struct ResidentTree {
  struct Node {
    var token: TokenID
    /// Index of the node it continues; -1 for the text that the tree began behind.
    var parent: Int
    /// Product of the probabilities from the tree's beginning on.
    var confidence: Double
    /// Its row in the small model's tree; nil until it is computed.
    var row: Int?
    /// Whether it came about while the large model waited.
    var isProvisional: Bool
  }

  private(set) var nodes: [Node] = []
  /// The node that the text ends with; -1 at the tree's beginning.
  private(set) var root = -1

  private var rootConfidence: Double { root < 0 ? 1 : nodes[root].confidence }

  /// Relative to the root.
  func confidence(of node: Int) -> Double { nodes[node].confidence / max(rootConfidence, 1e-300) }

  /// The row that continues a node in the small model's tree; -1 for the text.
  func row(of node: Int) -> Int { node < 0 ? -1 : nodes[node].row ?? -1 }

  /// The tokens from the root to a node.
  func path(to node: Int) -> [TokenID] {
    var path: [TokenID] = []
    var node = node
    while node != root, node >= 0 {
      path.append(nodes[node].token)
      node = nodes[node].parent
    }
    return path.reversed()
  }

  mutating func add(_ candidates: [Candidate], to parent: Int, isProvisional: Bool) {
    let base = parent < 0 ? 1 : nodes[parent].confidence
    for candidate in candidates {
      nodes.append(
        Node(
          token: candidate.token, parent: parent,
          confidence: base * Double(candidate.probability), row: nil, isProvisional: isProvisional))
    }
  }

  mutating func setRow(_ row: Int, of node: Int) { nodes[node].row = row }

  /// The nodes below the root, the most confident first, parents before children.
  func ranked() -> [Int] {
    var isBelow = [Bool](repeating: false, count: nodes.count)
    var below: [Int] = []
    for (index, node) in nodes.enumerated() {
      guard node.parent == root || node.parent >= 0 && isBelow[node.parent] else { continue }
      isBelow[index] = true
      below.append(index)
    }
    return below.sorted {
      (nodes[$0].confidence, $1) > (nodes[$1].confidence, $0)
    }
  }

  /// Moves the root along tokens that were emitted.
  ///
  /// - Returns: whether all of them are in the tree and the last one is computed.
  mutating func follow(_ tokens: [TokenID]) -> Bool {
    var place = root
    for token in tokens {
      let next = nodes.indices.first { nodes[$0].parent == place && nodes[$0].token == token }
      guard let next else { return false }
      place = next
    }
    guard place == root || nodes[place].row != nil else { return false }
    root = place
    return true
  }

  /// The best `limit` nodes below the root as a draft; none of less confidence than `least`.
  func draft(limit: Int, least: Double) -> Draft {
    var draft = Draft()
    var rows: [Int: Int] = [root: -1]
    for node in ranked().prefix(limit) {
      let confidence = confidence(of: node)
      guard confidence >= least || draft.count == 0, let parent = rows[nodes[node].parent] else {
        break
      }
      rows[node] = draft.count
      draft.tokens.append(nodes[node].token)
      draft.parents.append(parent)
      draft.confidences.append(Float(min(confidence, 1)))
      draft.sources.append(nodes[node].isProvisional ? 1 : 0)
    }
    return draft
  }
}
