/// What a draft's tree looks like: grown, or of a fixed shape to hold grown ones against.
enum DynamicTreeShape: Int, CaseIterable {
  case dynamic
  case chain
  case twoTwoOne
  case quaternary
  /// The best of a size where the child of each rank stands with a probability of its own, whatever the text is.
  case byRank

  var title: String {
    switch self {
    case .dynamic: "dynamic"
    case .chain: "chain"
    case .twoTwoOne: "2-2-1"
    case .quaternary: "4-ary"
    case .byRank: "by rank"
    }
  }

  /// The parents of a fixed tree's rows, breadth first; of a grown one none.
  func parents(_ count: Int) -> [Int] {
    switch self {
    case .dynamic: []
    case .chain: Self.layers(of: [1], count)
    case .twoTwoOne: Self.layers(of: [2, 2, 1], count)
    case .quaternary: Self.layers(of: [4], count)
    case .byRank: Self.best(count)
    }
  }

  /// Each layer's rows get so many children; the last number goes on, and the last layer gets the best ranks first.
  private static func layers(of branching: [Int], _ count: Int) -> [Int] {
    var parents: [Int] = []
    var layer = [-1]
    var depth = 0
    while parents.count < count {
      let begin = parents.count
      for _ in 0..<branching[min(depth, branching.count - 1)] { parents += layer }
      layer = Array(begin..<parents.count)
      depth += 1
    }
    return Array(parents.prefix(count))
  }

  /// How often the small model's token of each rank is the large one's next: Qwen2.5 Coder 0.5B for 1.5B, greedy, over
  /// 360 tokens of code; the last three are guesses.
  private static let ranks = [0.914, 0.067, 0.008, 0.007, 0.003, 0.001, 0.0006, 0.0004]

  /// The rows of greatest product of their ranks' probabilities.
  ///
  /// Source: Chen et al., "Sequoia: Scalable, Robust, and Hardware-aware Speculative Decoding", arXiv:2402.12374, whose
  /// positional acceptance this is; without a limit of depth, taking the greatest finds the tree of its dynamic program.
  private static func best(_ count: Int) -> [Int] {
    var rows: [(parent: Int, depth: Int, value: Double, children: Int)] = []
    var rootChildren = 0
    while rows.count < count {
      var best = (parent: -1, value: rootChildren < ranks.count ? ranks[rootChildren] : 0)
      for (index, row) in rows.enumerated() where row.children < ranks.count {
        let value = row.value * ranks[row.children]
        if value > best.value { best = (index, value) }
      }
      let depth = best.parent < 0 ? 0 : rows[best.parent].depth + 1
      if best.parent < 0 { rootChildren += 1 } else { rows[best.parent].children += 1 }
      rows.append((best.parent, depth, best.value, 0))
    }
    let order = rows.indices.sorted { (rows[$0].depth, $0) < (rows[$1].depth, $1) }
    var places = [Int](repeating: -1, count: rows.count)
    for (place, row) in order.enumerated() { places[row] = place }
    return order.map { rows[$0].parent < 0 ? -1 : places[rows[$0].parent] }
  }
}
