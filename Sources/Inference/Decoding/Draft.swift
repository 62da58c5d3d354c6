import Compute

/// Guessed tokens: row i continues `parents[i]` (-1: the last accepted token); parents come before children.
package struct Draft: Sendable, Equatable {
  package var tokens: [TokenID]
  package var parents: [Int]
  /// For each row the drafter's own estimate of the probability that it is accepted, its ancestors included; empty where
  /// it has none.
  ///
  /// Rows come in falling order of it, so that every prefix of a draft is the best draft of its size.
  package var confidences: [Float]
  /// Where each row was taken from, an index into the drafter's `sources`; empty where there is one source only.
  package var sources: [UInt8]
  /// For each row the distribution that its token was drawn from, its earlier siblings taken out; empty where tokens
  /// were chosen and not drawn.
  package var proposals: [Distribution]
  /// Nanoseconds that went into catching up with the text, as after a prompt or a rest: a draft in every round does not
  /// take them.
  package var catchUpNanoseconds: UInt64 = 0

  package init(
    tokens: [TokenID] = [], parents: [Int] = [], confidences: [Float] = [], sources: [UInt8] = [],
    proposals: [Distribution] = []
  ) {
    self.tokens = tokens
    self.parents = parents
    self.confidences = confidences
    self.sources = sources
    self.proposals = proposals
  }

  package static let empty = Draft()

  package var count: Int { tokens.count }

  /// Rows on the longest path.
  package var depth: Int {
    var depths = [Int](repeating: 1, count: parents.count)
    for (row, parent) in parents.enumerated() where parent >= 0 { depths[row] = depths[parent] + 1 }
    return depths.max() ?? 0
  }

  /// The first row that continues `parent` with `token`.
  package func child(of parent: Int, token: TokenID) -> Int? {
    tokens.indices.first { parents[$0] == parent && tokens[$0] == token }
  }

  /// Rows that continue `parent`, in the order they were drafted.
  package func children(of parent: Int) -> [Int] {
    parents.indices.filter { parents[$0] == parent }
  }

  package func prefix(_ count: Int) -> Draft {
    var draft = Draft(
      tokens: Array(tokens.prefix(count)), parents: Array(parents.prefix(count)),
      confidences: Array(confidences.prefix(count)), sources: Array(sources.prefix(count)),
      proposals: Array(proposals.prefix(count)))
    draft.catchUpNanoseconds = catchUpNanoseconds
    return draft
  }

  /// The leading rows that are well formed, at most `limit`: each continues an earlier row with a token of the
  /// vocabulary.
  package func sound(limit: Int, vocabulary: Int) -> Draft {
    let count = min(tokens.count, parents.count, max(0, limit))
    let end =
      (0..<count).first { row in
        !(-1..<row).contains(parents[row]) || tokens[row] < 0 || Int(tokens[row]) >= vocabulary
      } ?? count
    return prefix(end)
  }
}

/// Proposes tokens that the model then verifies in one pass.
package protocol Drafter: AnyObject {
  /// Layers of the model whose hidden states it wants back, of the prompt's rows too.
  var features: Set<Int> { get }
  /// Whether a proposal costs next to nothing, so that it may be made first and cut to what pays afterwards.
  var isFree: Bool { get }
  /// Bytes that it keeps, the weights of a model of its own included.
  var byteCount: Int { get }
  /// What the rows of its drafts may come from, as a person reads it.
  var sources: [String] { get }
  /// An answer begins whose prompt is `history`.
  func begin(_ history: TokenHistory) throws(InferenceError)
  /// Rows of the prompt have been read: the hidden states of `features` for the tokens `range` of the history.
  func observePrompt(_ range: Range<Int>, pass: ForwardPass) throws(InferenceError)
  func propose(_ proposal: DraftRequest) throws(InferenceError) -> Draft
  /// A pass was verified.
  func observe(_ outcome: DraftOutcome) throws(InferenceError)
}

extension Drafter {
  package var features: Set<Int> { [] }
  package var isFree: Bool { false }
  package var byteCount: Int { 0 }
  package var sources: [String] { [] }
  package func begin(_ history: TokenHistory) throws(InferenceError) {}
  package func observePrompt(_ range: Range<Int>, pass: ForwardPass) throws(InferenceError) {}
  package func observe(_ outcome: DraftOutcome) throws(InferenceError) {}
}

/// What a drafter is asked for.
package struct DraftRequest {
  package var history: TokenHistory
  /// Rows at most.
  package var limit: Int
  /// Rows whose confidence would be less than this do not pay for themselves; 0 where nobody can tell.
  package var leastConfidence: Double
  /// The chain that will verify, in the state it then has.
  package var sampler: SamplerChain
  package var pool: WorkerPool
  package var cancellation: CancellationFlag?

  package init(
    history: TokenHistory, limit: Int, leastConfidence: Double = 0, sampler: SamplerChain,
    pool: WorkerPool, cancellation: CancellationFlag? = nil
  ) {
    self.history = history
    self.limit = limit
    self.leastConfidence = leastConfidence
    self.sampler = sampler
    self.pool = pool
    self.cancellation = cancellation
  }
}

/// What became of a pass, as its drafter is told.
package struct DraftOutcome {
  /// The rows that were verified; empty in a pass without a draft.
  package var draft: Draft
  /// Draft rows whose cache rows are kept, each the child of the one before.
  package var kept: [Int]
  /// Tokens that were emitted: those of accepted rows, then the one that the verifier chose itself.
  package var emitted: [TokenID]
  /// The history with the emitted tokens.
  package var history: TokenHistory
  /// Row 0 of its features belongs to the last token before the draft, row i + 1 to draft row i; those of an answer's
  /// first pass, which ends the prompt, were given to `observePrompt`.
  package var pass: ForwardPass

  package init(
    draft: Draft, kept: [Int], emitted: [TokenID], history: TokenHistory, pass: ForwardPass
  ) {
    self.draft = draft
    self.kept = kept
    self.emitted = emitted
    self.history = history
    self.pass = pass
  }
}

/// What a verifier decided about one pass.
package struct Verification: Sendable {
  /// Accepted draft rows, each the child of the one before.
  package var accepted: [Int]
  /// The tokens to emit: those of the accepted rows, then the bonus or recovered token.
  package var tokens: [SampledToken]
  /// How many of the accepted rows a strict verifier would have refused.
  package var lenient: Int

  package init(accepted: [Int], tokens: [SampledToken], lenient: Int = 0) {
    self.accepted = accepted
    self.tokens = tokens
    self.lenient = lenient
  }
}

/// Decides which drafted tokens stand, and draws the token after them.
///
/// Row 0 of the pass's logits follows the last accepted token; row i + 1 follows draft row i.
package protocol Verifier: AnyObject {
  /// Layers whose hidden states it wants back for these rows.
  var features: Set<Int> { get }
  func verify(
    _ draft: Draft, pass: ForwardPass, history: TokenHistory, sampler: inout SamplerChain
  ) throws(InferenceError) -> Verification
}

extension Verifier {
  package var features: Set<Int> { [] }
}
