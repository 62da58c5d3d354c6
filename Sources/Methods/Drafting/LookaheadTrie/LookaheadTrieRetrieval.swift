import Inference

/// A draft with what its rows' confidences were estimated from.
struct LookaheadTrieProposal {
  var draft = Draft()
  var traits: [LookaheadTrieTrust.Traits] = []

  /// Learns from the tokens that came: each row whose parent was right is a trial.
  ///
  /// - Returns: for each of the tokens that a row was to foretell, whether the best row did.
  func teach(
    _ trust: inout LookaheadTrieTrust, tokens: [TokenID]
  ) -> [Bool] {
    var foretold: [Bool] = []
    var parent = -1
    for token in tokens {
      let rows = draft.children(of: parent)
      guard let best = rows.first else { break }
      foretold.append(draft.tokens[best] == token)
      let right = rows.first { draft.tokens[$0] == token }
      // What a shorter suffix says is asked for only where the longer ones were wrong.
      let level = right.map { traits[$0].level } ?? .max
      for row in rows where traits[row].level <= level {
        trust.learn(traits[row], wasRight: row == right)
      }
      guard let right else { break }
      parent = right
    }
    return foretold
  }
}

/// Looks up what may follow a text, as a tree of the most probable rows.
struct LookaheadTrieRetrieval {
  /// Tokens of a window after its first.
  let branch: Int
  /// Tokens of the text's end that are looked up, at most; not more than `branch`.
  let suffix: Int
  /// The farthest source that is drafted from.
  let reach: LookaheadTrieSource
  /// Whether several branches are drafted, or the most frequent one only.
  let isTree: Bool

  /// The weight of answers in the mix of frequencies; the prompt in hand has the rest.
  static let outputWeight: Float = 1e-4
  /// Children of a node that are looked at by each order: by the mix, and by the answers' counts.
  static let fan = 4

  /// The best rows, at most `limit`, in falling order of confidence.
  ///
  /// - Parameter run: how many of the text's last tokens in a row were foretold.
  func proposal(
    after text: [TokenID], run: Int, limit: Int, leastConfidence: Float = 0,
    store: LookaheadTrieStore, trust: LookaheadTrieTrust
  ) -> LookaheadTrieProposal {
    var growth = Growth(retrieval: self, store: store, trust: trust, text: text, run: run)
    growth.plant()
    while growth.proposal.draft.count < limit, growth.grow(leastConfidence: leastConfidence) {}
    return growth.proposal
  }
}

/// A draft tree while it grows at its most probable end.
private struct Growth {
  let retrieval: LookaheadTrieRetrieval
  let store: LookaheadTrieStore
  let trust: LookaheadTrieTrust
  let text: [TokenID]
  let run: Int
  var proposal = LookaheadTrieProposal()
  /// The trie's node of each row, with its depth there and its depth in the draft.
  private var places: [(node: Int32, matched: Int, depth: Int)] = []
  private var frontier: [Candidate] = []

  /// A row that may come next.
  private struct Candidate {
    var token: TokenID
    var node: Int32
    var parent: Int
    var confidence: Float
    var traits: LookaheadTrieTrust.Traits
    var source: LookaheadTrieSource
  }

  /// What is counted at a node's child, of the sources within reach.
  private struct Child {
    var node: Int32
    var input: Float
    var output: Float
    var mix: Float {
      (1 - LookaheadTrieRetrieval.outputWeight) * input
        + LookaheadTrieRetrieval.outputWeight * output
    }
  }

  init(
    retrieval: LookaheadTrieRetrieval, store: LookaheadTrieStore, trust: LookaheadTrieTrust,
    text: [TokenID], run: Int
  ) {
    self.retrieval = retrieval
    self.store = store
    self.trust = trust
    self.text = text
    self.run = run
  }

  /// Looks up the text's suffixes, the longest first, until they give a whole branch of tokens.
  mutating func plant() {
    var found = 0
    var level = 0
    for length in stride(from: min(retrieval.suffix, text.count), through: 1, by: -1) {
      let node = store.find(text.suffix(length))
      guard node >= 0, expand(node, matched: length, parent: -1, level: level) else { continue }
      guard retrieval.isTree else { return }
      level += 1
      found += count(below: node, upTo: retrieval.branch - found)
      if found >= retrieval.branch { return }
    }
  }

  /// Adds the most probable candidate as a row.
  ///
  /// - Returns: false where there is none so probable as it should be.
  mutating func grow(leastConfidence: Float) -> Bool {
    let best = frontier.indices.max { frontier[$0].confidence < frontier[$1].confidence }
    guard let best, frontier[best].confidence >= leastConfidence else { return false }
    let candidate = frontier.remove(at: best)
    let row = proposal.draft.count
    proposal.draft.tokens.append(candidate.token)
    proposal.draft.parents.append(candidate.parent)
    proposal.draft.confidences.append(candidate.confidence)
    proposal.draft.sources.append(candidate.source.rawValue)
    proposal.traits.append(candidate.traits)
    let depth = candidate.parent < 0 ? 1 : places[candidate.parent].depth + 1
    let matched = candidate.traits.matched + 1
    places.append((candidate.node, matched, depth))
    if !expand(candidate.node, matched: matched, parent: row, level: 0) { goOn(from: row) }
    return true
  }

  /// Goes on behind a row that ends a window, by looking up the draft's own last tokens.
  private mutating func goOn(from row: Int) {
    var tokens: [TokenID] = []
    var next = row
    while next >= 0, tokens.count < retrieval.suffix {
      tokens.append(proposal.draft.tokens[next])
      next = proposal.draft.parents[next]
    }
    tokens = text.suffix(retrieval.suffix - tokens.count) + tokens.reversed()
    for length in stride(from: tokens.count, through: 1, by: -1) {
      let node = store.find(tokens.suffix(length))
      if node >= 0, expand(node, matched: length, parent: row, level: 0) { return }
    }
  }

  /// Makes a node's children candidates, except for tokens that already are.
  ///
  /// - Returns: whether there was any.
  private mutating func expand(_ node: Int32, matched: Int, parent: Int, level: Int) -> Bool {
    var children = self.children(of: node)
    guard !children.isEmpty else { return false }
    let input = children.reduce(0) { $0 + $1.input }
    let output = children.reduce(0) { $0 + $1.output }
    children = chosen(children)
    let depth = parent < 0 ? 0 : places[parent].depth
    let above = parent < 0 ? 1 : proposal.draft.confidences[parent]
    // What is left to the children of a shorter suffix.
    let siblings = level > 0 ? frontier.filter { $0.parent == parent } : []
    let left = max(0.02, 1 - siblings.reduce(0) { $0 + $1.confidence })
    for child in children {
      let token = store.nodes[Int(child.node)].token
      if siblings.contains(where: { $0.token == token }) { continue }
      let traits = LookaheadTrieTrust.Traits(
        matched: matched, standing: standing(of: child, input: input, output: output),
        run: run + depth, count: child.input + child.output,
        share: max(
          input > 0 ? child.input / input : 0, output > 0 ? child.output / output : 0),
        level: level)
      frontier.append(
        Candidate(
          token: token, node: child.node, parent: parent,
          confidence: above * left * trust.probability(traits), traits: traits,
          source: source(of: child)))
    }
    return true
  }

  /// The children that count for something within reach.
  private func children(of node: Int32) -> [Child] {
    var children: [Child] = []
    var next = store.nodes[Int(node)].firstChild
    while next >= 0 {
      let child = counts(of: next)
      if child.input > 0 || child.output > 0 { children.append(child) }
      next = store.nodes[Int(next)].nextSibling
    }
    return children
  }

  private func counts(of index: Int32) -> Child {
    let node = store.nodes[Int(index)]
    let isWithinReach =
      switch retrieval.reach {
      case .prompt: false
      case .chat: node.isOfThisChat
      case .past: true
      }
    return Child(node: index, input: Float(node.input), output: isWithinReach ? node.output : 0)
  }

  /// The best children by the mix of frequencies, and then by the answers' counts, half of the places each.
  private func chosen(_ children: [Child]) -> [Child] {
    guard retrieval.isTree else {
      return children.max { $0.mix < $1.mix }.map { [$0] } ?? []
    }
    let fan = LookaheadTrieRetrieval.fan
    guard children.count > 2 * fan else { return children }
    let byMix = children.sorted { $0.mix > $1.mix }
    let rest = byMix.dropFirst(fan).sorted { $0.output > $1.output }
    return Array(byMix.prefix(fan) + rest.prefix(fan))
  }

  private func standing(
    of child: Child, input: Float, output: Float
  ) -> LookaheadTrieTrust.Standing {
    if output == 0 { return .promptAlone }
    if input == 0 { return .answersAlone }
    if child.output == 0 { return .promptOnly }
    return child.input == 0 ? .answersOnly : .both
  }

  private func source(of child: Child) -> LookaheadTrieSource {
    if child.input > 0 { return .prompt }
    return store.nodes[Int(child.node)].isOfThisChat ? .chat : .past
  }

  /// Nodes below a node that count for something, up to a limit.
  private func count(below node: Int32, upTo limit: Int) -> Int {
    var waiting = [node]
    var count = 0
    while count < limit, let node = waiting.popLast() {
      let children = self.children(of: node)
      count += children.count
      waiting += children.map(\.node)
    }
    return count
  }
}
