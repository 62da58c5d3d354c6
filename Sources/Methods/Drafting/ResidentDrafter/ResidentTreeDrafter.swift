import Compute
import Inference

/// Grows the tree with the small model, before a check and, where the large model waits for its weights, during it.
package final class ResidentTreeDrafter: Drafter {
  private let kept: KeptResident
  private let vocabulary: Int
  private let width: Int
  private let adapts: Bool
  /// The large model where the small one is to go on while it waits.
  private let waiting: (any WaitsForWeights)?
  private let shortlist: DraftShortlist?
  private var tree = ResidentTree()
  /// The text that the tree's root ends; empty where there is no tree.
  private var text: [TokenID] = []
  /// The small model's stamp after the last pass of ours.
  private var stamp = -1
  /// What the draft at hand was asked for with.
  private var request: DraftRequest?
  /// Rows of the small model's tree when it was made.
  private var draftedRows = 0
  /// Nanoseconds of a pass of the small model, as the last ones went, and of the catching up in this round.
  private var passLength: UInt64 = 0
  private var catchUpLength: UInt64 = 0

  /// Nodes that are computed in one pass at most, those within a factor of two of the best.
  private static let together = 3
  /// Rows that the small model's tree has at most, so many that several checks can go along it.
  ///
  /// From `longTree` on it begins anew behind the text.
  private static let rowLimit = 480
  private static let longTree = 320
  /// Rows that are computed at most while the large model waits for one check.
  private static let provisionalLimit = 96
  /// Tokens that are unread after a round with a draft; more is catching up.
  private static let usuallyUnread = 3
  /// What is less probable is not worth computing even while there is nothing else to do.
  private static let leastProvisional = 0.004

  package init(
    _ kept: KeptResident, vocabulary: Int, width: Int, adapts: Bool,
    waiting: (any WaitsForWeights)?, shortlist: DraftShortlist?
  ) {
    self.kept = kept
    self.vocabulary = min(vocabulary, kept.model.model.shape.vocabulary)
    self.width = width
    self.adapts = adapts
    self.waiting = waiting
    self.shortlist = shortlist
  }

  package var byteCount: Int { kept.model.byteCount }

  package let sources = ["before the check", "while the large model waited"]

  package func begin(_ history: TokenHistory) throws(InferenceError) {
    forget()
    shortlist?.restart()
    waiting?.whileWaiting = nil
  }

  private func forget() {
    tree = ResidentTree()
    text = []
  }

  package func propose(_ request: DraftRequest) throws(InferenceError) -> Draft {
    let tokens = request.history.tokens
    guard !tokens.contains(where: { Int($0) >= vocabulary }) else { return .empty }
    self.request = request
    kept.model.headRows = shortlist?.rows(with: tokens)
    let least = max(kept.threshold.value, request.leastConfidence)
    do throws(InferenceError) {
      try catchUp(with: request)
      while let nodes = next(limit: request.limit, least: least) {
        try expand(nodes, isProvisional: false)
      }
    } catch {
      guard error.code == .contextFull else { throw error }
    }
    if text.isEmpty { return .empty }
    draftedRows = kept.model.treeCount
    if let waiting {
      waiting.whileWaiting = { [weak self] in self?.goOn() ?? false }
    }
    var draft = tree.draft(limit: request.limit, least: request.leastConfidence)
    draft.catchUpNanoseconds = catchUpLength
    return draft
  }

  /// Has the tree's root stand at the end of the text.
  private func catchUp(with request: DraftRequest) throws(InferenceError) {
    let tokens = request.history.tokens
    catchUpLength = 0
    if stamp == kept.model.stamp, text == tokens, kept.model.treeCount < Self.longTree { return }
    forget()
    let unread = kept.model.unreadCount(of: request.history)
    let start = monotonicNanoseconds()
    let pass = try kept.model.read(
      request.history, on: request.pool, cancellation: request.cancellation)
    let length = monotonicNanoseconds() - start
    // Of a long read what is more than a pass of one row.
    if unread > Self.usuallyUnread { catchUpLength = length - min(passLength, length) }
    stamp = kept.model.stamp
    text = tokens
    tree.add(candidates(pass.row(0), behind: request.history), to: -1, isProvisional: false)
  }

  /// The nodes to compute next; nil where the fallback rule or the limit says that it is time to check.
  private func next(limit: Int, least: Double) -> [Int]? {
    let ranked = tree.ranked()
    // Children of a node come after it: one beyond the limit has none that could be among the best.
    let open = ranked.prefix(limit).filter { tree.nodes[$0].row == nil }
    guard let best = open.first, tree.confidence(of: best) >= least else { return nil }
    // With all places taken, children would have to be more probable than the last of them.
    if ranked.count >= limit, limit > 0,
      tree.confidence(of: best) <= tree.confidence(of: ranked[limit - 1])
    {
      return nil
    }
    return together(open, least: least)
  }

  /// Those of the nodes, the best first, that one pass computes.
  private func together(_ open: [Int], least: Double) -> [Int]? {
    guard let best = open.first else { return nil }
    let floor = max(tree.confidence(of: best) / 2, least)
    let nodes = open.prefix(Self.together).filter { tree.confidence(of: $0) >= floor }
    let fits = kept.model.room >= nodes.count && kept.model.treeCount + nodes.count <= Self.rowLimit
    return fits ? nodes : nil
  }

  /// Computes nodes and adds what may follow them.
  private func expand(_ nodes: [Int], isProvisional: Bool) throws(InferenceError) {
    guard let request else { return }
    let first = kept.model.treeCount
    let pass: ForwardPass
    let start = monotonicNanoseconds()
    do throws(InferenceError) {
      pass = try kept.model.grow(
        nodes.map { tree.nodes[$0].token },
        parents: nodes.map { tree.row(of: tree.nodes[$0].parent) },
        on: request.pool, cancellation: request.cancellation)
    } catch {
      forget()
      throw error
    }
    stamp = kept.model.stamp
    passLength = monotonicNanoseconds() - start
    for (index, node) in nodes.enumerated() {
      tree.setRow(first + index, of: node)
      var history = request.history
      for token in tree.path(to: node) { history.append(token) }
      tree.add(
        candidates(pass.row(index), behind: history), to: node, isProvisional: isProvisional)
    }
  }

  /// The tokens that may follow, with the probability that the large model's sampler draws them.
  private func candidates(_ logits: LogitRow, behind history: TokenHistory) -> [Candidate] {
    guard let request else { return [] }
    var chain = request.sampler
    if chain.settings.isGreedy {
      // Greedy choice leaves one token of probability 1; how sure the model is shows in what it chose from.
      chain.settings.temperature = 1
      chain.settings.dynamicTemperatureRange = 0
      chain.settings.order = [.logitBias, .penalties, .dry, .temperature]
    }
    return chain.best(width, of: logits, history: history).filter {
      $0.probability > 0 && Int($0.token) < vocabulary
    }
  }

  /// Goes on past the draft that is being checked; one pass of the small model.
  ///
  /// - Returns: whether there is more to do.
  private func goOn() -> Bool {
    guard let request, stamp == kept.model.stamp, !text.isEmpty,
      request.cancellation?.isRaised != true,
      kept.model.treeCount < draftedRows + Self.provisionalLimit
    else { return false }
    let open = tree.ranked().filter { tree.nodes[$0].row == nil }
    guard let best = open.first, tree.confidence(of: best) >= Self.leastProvisional,
      let nodes = together(open, least: Self.leastProvisional)
    else { return false }
    do {
      try expand(nodes, isProvisional: true)
      return true
    } catch {
      return false
    }
  }

  package func observe(_ outcome: DraftOutcome) throws(InferenceError) {
    waiting?.whileWaiting = nil
    if adapts, outcome.draft.count > 0 {
      let match = FallbackThreshold.bestMatch(of: outcome.draft, accepted: outcome.kept)
      kept.threshold.adjust(
        correct: outcome.kept.count, of: match.count, confidence: match.confidence)
    }
    guard !text.isEmpty, text.count + outcome.emitted.count == outcome.history.count,
      tree.follow(outcome.emitted)
    else { return forget() }
    text = outcome.history.tokens
  }
}
