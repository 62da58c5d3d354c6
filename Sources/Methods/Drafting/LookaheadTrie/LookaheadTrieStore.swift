import Inference

/// One trie per first token, all of them in one flat array of nodes that link by index.
///
/// A node's depth is the number of tokens from the first token's node, itself included.
struct LookaheadTrieStore {
  /// A token in its context, with how often it came there.
  ///
  /// Children form a list, the newest first.
  struct Node {
    let token: TokenID
    var firstChild: Int32 = -1
    var nextSibling: Int32 = -1
    /// How often answers passed here, halved whenever the trie grew too large.
    var output: Float = 0
    /// How often the prompt in hand passed here.
    var input: UInt16 = 0
    /// Whether one of those answers belongs to the conversation in hand.
    var isOfThisChat = false
  }

  /// Open windows of a text that is being inserted.
  struct Windows {
    /// The node of the text's last `i + 1` tokens, -1 where none could be made.
    fileprivate var ends: [Int32] = []
    fileprivate var generation = -1
  }

  /// The sizes at which a trie is thinned out, and the number of nodes in all.
  struct Limits {
    var trieNodes = 65_536
    var trieOutputNodes = 512
    /// Of all tries together between requests; the paper has none.
    var nodes = 262_144
    /// Of all tries while a request runs.
    var mostNodes = 2_097_152
  }

  private(set) var nodes: [Node] = []
  private var roots: [TokenID: Int32] = [:]
  private let limits: Limits
  /// Counts how often nodes were renumbered.
  private var generation = 0

  init(limits: Limits = Limits()) { self.limits = limits }

  var byteCount: Int {
    nodes.capacity * MemoryLayout<Node>.stride
      + roots.capacity * (MemoryLayout<TokenID>.stride + MemoryLayout<Int32>.stride + 1)
  }

  // MARK: Inserting

  /// Takes in the text's next token: extends its open windows, and opens one.
  ///
  /// - Parameter branch: tokens of a window after its first.
  mutating func append(
    _ token: TokenID, isOutput: Bool, to windows: inout Windows, branch: Int
  ) {
    // Another request may have begun meanwhile, and have renumbered the nodes.
    if windows.generation != generation { windows = Windows(ends: [], generation: generation) }
    for place in windows.ends.indices where windows.ends[place] >= 0 {
      let child = childOrNew(of: windows.ends[place], token)
      count(child, isOutput: isOutput)
      windows.ends[place] = child
    }
    let root = rootOrNew(token)
    count(root, isOutput: isOutput)
    windows.ends.insert(root, at: 0)
    if windows.ends.count > branch { windows.ends.removeLast() }
  }

  private mutating func count(_ node: Int32, isOutput: Bool) {
    guard node >= 0 else { return }
    if isOutput {
      nodes[Int(node)].output += 1
      nodes[Int(node)].isOfThisChat = true
    } else if nodes[Int(node)].input < .max {
      nodes[Int(node)].input += 1
    }
  }

  private mutating func childOrNew(of parent: Int32, _ token: TokenID) -> Int32 {
    let known = child(of: parent, token)
    guard known < 0, nodes.count < limits.mostNodes else { return known }
    let child = Int32(nodes.count)
    nodes.append(Node(token: token, nextSibling: nodes[Int(parent)].firstChild))
    nodes[Int(parent)].firstChild = child
    return child
  }

  private mutating func rootOrNew(_ token: TokenID) -> Int32 {
    if let root = roots[token] { return root }
    guard nodes.count < limits.mostNodes else { return -1 }
    let root = Int32(nodes.count)
    nodes.append(Node(token: token))
    roots[token] = root
    return root
  }

  // MARK: Looking up

  /// The node of a phrase; -1 where it was never inserted.
  func find(_ phrase: ArraySlice<TokenID>) -> Int32 {
    guard let first = phrase.first, var node = roots[first] else { return -1 }
    for token in phrase.dropFirst() {
      node = child(of: node, token)
      if node < 0 { return -1 }
    }
    return node
  }

  func child(of node: Int32, _ token: TokenID) -> Int32 {
    var next = nodes[Int(node)].firstChild
    while next >= 0, nodes[Int(next)].token != token { next = nodes[Int(next)].nextSibling }
    return next
  }

  // MARK: End of a request

  /// Zeroes the prompt's counts, thins out tries that are too large, and drops what nothing counts any more.
  ///
  /// A trie is thinned out by halving the counts of answers and dropping nodes that were passed once at most.
  mutating func endRequest(chatGoesOn: Bool) {
    var isCrowded = false
    repeat {
      rebuild(chatGoesOn: chatGoesOn, halvesAll: isCrowded)
      isCrowded = nodes.count > limits.nodes
    } while isCrowded
  }

  private mutating func rebuild(chatGoesOn: Bool, halvesAll: Bool) {
    let old = nodes
    let oldRoots = roots.sorted { $0.key < $1.key }
    nodes = []
    roots = [:]
    generation += 1
    for (token, root) in oldRoots {
      let size = Self.size(of: root, in: old)
      let halves =
        halvesAll || size.nodes > limits.trieNodes || size.outputNodes > limits.trieOutputNodes
      let new = copy(root, of: old, halves: halves, chatGoesOn: chatGoesOn)
      // A trie without a second token foretells nothing.
      if nodes[Int(new)].firstChild >= 0 { roots[token] = new } else { nodes.removeLast() }
    }
  }

  /// Copies a node and what is left below it.
  ///
  /// - Returns: its new number, the last one where nothing is left below it.
  private mutating func copy(
    _ index: Int32, of old: [Node], halves: Bool, chatGoesOn: Bool
  ) -> Int32 {
    let node = old[Int(index)]
    let new = Int32(nodes.count)
    nodes.append(
      Node(
        token: node.token, output: halves ? node.output / 2 : node.output,
        isOfThisChat: node.isOfThisChat && chatGoesOn))
    var last: Int32 = -1
    var next = node.firstChild
    while next >= 0 {
      let child = old[Int(next)]
      if child.output > (halves ? 1 : 0) {
        let copied = copy(next, of: old, halves: halves, chatGoesOn: chatGoesOn)
        if last < 0 {
          nodes[Int(new)].firstChild = copied
        } else {
          nodes[Int(last)].nextSibling = copied
        }
        last = copied
      }
      next = child.nextSibling
    }
    return new
  }

  private static func size(
    of root: Int32, in nodes: [Node]
  ) -> (nodes: Int, outputNodes: Int) {
    var size = (nodes: 0, outputNodes: 0)
    var waiting = [root]
    while let index = waiting.popLast() {
      var next = nodes[Int(index)].firstChild
      while next >= 0 {
        size.nodes += 1
        if nodes[Int(next)].output > 0 { size.outputNodes += 1 }
        waiting.append(next)
        next = nodes[Int(next)].nextSibling
      }
    }
    return size
  }
}
