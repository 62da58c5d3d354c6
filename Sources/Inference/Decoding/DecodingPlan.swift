import Compute

/// What a session decodes with.
package struct DecodingPlan {
  package var model: any LanguageModel
  package var cache: any KVCache
  package var drafter: (any Drafter)?
  package var verifier: any Verifier
  package var sampler: SamplerChain
  package var loop: any DecodingLoop
  /// The most rows that one pass verifies beyond the first.
  package var draftLimit = 16

  package init(
    model: any LanguageModel, cache: any KVCache, drafter: (any Drafter)? = nil,
    verifier: any Verifier, sampler: SamplerChain, loop: any DecodingLoop
  ) {
    self.model = model
    self.cache = cache
    self.drafter = drafter
    self.verifier = verifier
    self.sampler = sampler
    self.loop = loop
  }
}

/// A way of generating: prefill, then rounds of propose, forward, verify, commit and emit.
package protocol DecodingLoop: Sendable {
  /// - Returns: why it ended.
  /// - Throws: what the model or cache throws, except cancellation and a full context, which are reasons to finish.
  func run(_ request: DecodingRequest, plan: inout DecodingPlan, on pool: WorkerPool)
    throws(InferenceError) -> FinishReason
}

/// Guessed tokens: row i continues `parents[i]` (-1: the last accepted token); parents come before children.
package struct Draft: Sendable, Equatable {
  package var tokens: [TokenID]
  package var parents: [Int]

  package init(tokens: [TokenID] = [], parents: [Int] = []) {
    self.tokens = tokens
    self.parents = parents
  }

  package static let empty = Draft()
}

/// Proposes tokens that the model then verifies in one pass.
package protocol Drafter: AnyObject {
  /// Layers whose hidden states it wants back.
  var features: Set<Int> { get }
  func propose(after history: TokenHistory, limit: Int) throws(InferenceError) -> Draft
  func observe(_ verification: Verification, pass: ForwardPass)
}

/// What a verifier decided about one pass.
package struct Verification: Sendable {
  /// Accepted draft rows, each the child of the one before.
  package var accepted: [Int]
  /// The tokens to emit: those of the accepted rows, then the bonus or recovered token.
  package var tokens: [SampledToken]

  package init(accepted: [Int], tokens: [SampledToken]) {
    self.accepted = accepted
    self.tokens = tokens
  }
}

/// Decides which drafted tokens stand, and draws the token after them.
///
/// Row 0 of the pass's logits follows the last accepted token; row i + 1 follows draft row i.
package protocol Verifier: AnyObject {
  func verify(
    _ draft: Draft, pass: ForwardPass, history: TokenHistory, sampler: inout SamplerChain
  ) throws(InferenceError) -> Verification
}
