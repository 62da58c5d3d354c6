import Inference

/// Streams a text into the trie, and drafts from it.
final class LookaheadTrieDrafter: Drafter {
  private let memory: LookaheadTrieMemory
  private let branch: Int
  private let retrieval: LookaheadTrieRetrieval
  private var windows = LookaheadTrieStore.Windows()
  /// Tokens of the text that are in the trie.
  private var known = 0
  /// How many of the text's last tokens in a row were foretold.
  private var run = 0
  private var last: LookaheadTrieProposal?

  init(memory: LookaheadTrieMemory, branch: Int, retrieval: LookaheadTrieRetrieval) {
    self.memory = memory
    self.branch = branch
    self.retrieval = retrieval
  }

  let isFree = true

  var byteCount: Int { memory.store.byteCount }

  var sources: [String] { LookaheadTrieSource.allCases.map(\.title) }

  func begin(_ history: TokenHistory) throws(InferenceError) {
    memory.begin(history.tokens)
    memory.trust.beginAnswer()
    windows = LookaheadTrieStore.Windows()
    (known, run, last) = (0, 0, nil)
    take(history)
  }

  func propose(_ request: DraftRequest) throws(InferenceError) -> Draft {
    take(request.history)
    let proposal = retrieval.proposal(
      after: request.history.tokens, run: run, limit: request.limit,
      leastConfidence: Float(request.leastConfidence), store: memory.store, trust: memory.trust)
    last = proposal
    return proposal.draft
  }

  func observe(_ outcome: DraftOutcome) throws(InferenceError) {
    if let last {
      for wasForetold in last.teach(&memory.trust, tokens: outcome.emitted) {
        run = wasForetold ? run + 1 : 0
      }
    }
    last = nil
    take(outcome.history)
  }

  /// Inserts the tokens that came since the last call: those of the prompt as input, the others as output.
  private func take(_ history: TokenHistory) {
    guard known < history.count else { return }
    for place in known..<history.count {
      // A window does not reach from the prompt into the answer.
      if place == history.promptCount { windows = LookaheadTrieStore.Windows() }
      memory.store.append(
        history.tokens[place], isOutput: place >= history.promptCount, to: &windows, branch: branch)
    }
    known = history.count
  }
}
