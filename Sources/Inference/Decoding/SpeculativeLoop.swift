import Compute
import Glibc

/// The decoding loop: reads the prompt in chunks, then rounds of propose, forward, verify, emit and commit.
///
/// With no drafter it is plain decoding. Whatever is drafted, cache and events end up as plain decoding leaves them:
/// when `run` returns or throws, the cache holds the prompt (what was read of it) and the emitted tokens except the
/// last one, whose row was not yet computed; after a stop token it holds that one too. `cache.count` tells which.
/// Tokens that were verified but not emitted, because the consumer stopped, the limit came, or settings changed in
/// between, leave no trace in cache or sampler.
package struct SpeculativeLoop: DecodingLoop {
  package init() {}

  package func run(
    _ request: DecodingRequest, plan: inout DecodingPlan, on pool: WorkerPool
  ) throws(InferenceError) -> FinishReason {
    var run = try DecodingRun(request, plan: plan, pool: pool)
    plan.sampler.reset()
    do throws(InferenceError) {
      if let reason = try run.readPrompt(&plan) { return reason }
      while true {
        if let reason = try run.round(&plan) { return reason }
      }
    } catch {
      switch error.code {
      case .cancelled: return .cancelled
      case .contextFull: return .contextFull
      default: throw error
      }
    }
  }
}

/// One run of the loop.
private struct DecodingRun {
  let request: DecodingRequest
  let pool: WorkerPool
  let clock = PhaseClock()
  var history: TokenHistory
  /// Tokens of the history whose rows the cache does not hold yet; never empty.
  var pending: ArraySlice<TokenID>
  /// Rows of the prompt that the cache did not hold at the start.
  let promptRows: Int
  /// Settings taken from the control that do not act yet.
  var taken: SamplerSettings?
  /// Settings that act, but of which no emitted token has told yet.
  var untold: SamplerSettings?

  init(_ request: DecodingRequest, plan: DecodingPlan, pool: WorkerPool) throws(InferenceError) {
    let vocabulary = plan.model.shape.vocabulary
    guard let last = request.prompt.indices.last else {
      throw InferenceError(.invalidRequest, "the prompt has no tokens")
    }
    if let stray = request.prompt.first(where: { $0 < 0 || Int($0) >= vocabulary }) {
      throw InferenceError(
        .invalidRequest, "prompt token \(stray) is outside the vocabulary of \(vocabulary)")
    }
    // The last token's row gives the first logits, so it is computed even where the cache has it.
    var cached = min(max(0, request.cachedCount), last)
    guard plan.cache.count >= cached else {
      throw InferenceError(
        .invalidRequest, "the cache holds \(plan.cache.count) tokens, not the \(cached) it should")
    }
    // A cache may have lost what the shorter beginning needs; then less of it is known, or nothing.
    if plan.cache.count > cached { cached = plan.cache.truncate(to: cached) }
    self.request = request
    self.pool = pool
    history = TokenHistory(prompt: request.prompt)
    pending = request.prompt[cached...]
    promptRows = pending.count
    clock.start()
  }

  var cancellation: CancellationFlag { request.control.cancellation }

  /// Reads all of the prompt but its last chunk, which the first round computes.
  mutating func readPrompt(_ plan: inout DecodingPlan) throws(InferenceError) -> FinishReason? {
    let chunk = max(1, request.chunkLength)
    let total = promptRows
    if request.emit(.prefill(done: 0, total: total)) == .stop { return .cancelled }
    while pending.count > chunk {
      waitWhileHeld()
      if cancellation.isRaised { return .cancelled }
      let rows = pending.prefix(chunk)
      let batch = TokenBatch(chain: Array(rows), logits: .none, cancellation: cancellation)
      _ = try plan.model.forward(batch, caches: [plan.cache], on: pool, clock: clock)
      plan.cache.commit(Array(0..<rows.count))
      pending = pending.dropFirst(chunk)
      let done = total - pending.count
      if request.emit(.prefill(done: done, total: total)) == .stop { return .cancelled }
    }
    return nil
  }

  /// One pass of the model: computes the pending rows and a draft, and emits the tokens that follow.
  mutating func round(_ plan: inout DecodingPlan) throws(InferenceError) -> FinishReason? {
    waitWhileHeld()
    if cancellation.isRaised { return .cancelled }
    guard history.generatedCount < request.maximumTokens else { return .length }
    let (draft, pass) = try forward(&plan)
    if history.generatedCount == 0,
      request.emit(.prefill(done: promptRows, total: promptRows)) == .stop
    {
      plan.cache.commit(Array(0..<pending.count))
      return .cancelled
    }
    takeSettings(&plan)
    let before = plan.sampler
    let verification = try plan.verifier.verify(
      draft, pass: pass, history: history, sampler: &plan.sampler)
    guard !verification.tokens.isEmpty else {
      throw InferenceError(.invalidRequest, "the verifier chose no token")
    }
    clock.mark(.sampling)
    let outcome = emit(verification.tokens)
    if outcome.emitted < verification.tokens.count {
      plan.sampler = before
      for token in verification.tokens.prefix(outcome.emitted) {
        plan.sampler.advance(past: token)
      }
    }
    keep(outcome, of: verification, pass: pass, plan: &plan)
    return outcome.reason
  }

  private func forward(_ plan: inout DecodingPlan) throws(InferenceError) -> (Draft, ForwardPass) {
    let draft = try propose(plan)
    clock.mark(.other)
    do throws(InferenceError) {
      return (draft, try forward(draft, plan: plan))
    } catch {
      // The answer still fits row by row where a whole draft does not.
      guard error.code == .contextFull, !draft.tokens.isEmpty else { throw error }
      return (.empty, try forward(.empty, plan: plan))
    }
  }

  /// A draft that fits the limits; none while a chunk of the prompt is still to be read.
  private func propose(_ plan: DecodingPlan) throws(InferenceError) -> Draft {
    guard let drafter = plan.drafter, pending.count == 1 else { return .empty }
    let limit = min(
      plan.draftLimit, request.maximumTokens - history.generatedCount - 1,
      plan.cache.capacity - plan.cache.count - 1)
    guard limit > 0 else { return .empty }
    let draft = try drafter.propose(after: history, limit: limit)
    return draft.sound(limit: limit, vocabulary: plan.model.shape.vocabulary)
  }

  private func forward(_ draft: Draft, plan: DecodingPlan) throws(InferenceError) -> ForwardPass {
    var batch = TokenBatch(chain: Array(pending), cancellation: cancellation)
    let last = pending.count - 1
    for row in draft.tokens.indices {
      batch.tokens.append(draft.tokens[row])
      batch.parents.append(last + 1 + draft.parents[row])
      batch.sequences.append(0)
      batch.logitRows.append(last + 1 + row)
    }
    batch.features = plan.drafter?.features ?? []
    return try plan.model.forward(batch, caches: [plan.cache], on: pool, clock: clock)
  }

  /// How far the emission of verified tokens came.
  private struct Outcome {
    var emitted = 0
    var endsAtStopToken = false
    var reason: FinishReason?
  }

  /// Emits tokens until something ends the answer or needs the next one to be chosen anew.
  private mutating func emit(_ tokens: [SampledToken]) -> Outcome {
    var outcome = Outcome()
    let time = monotonicNanoseconds()
    for sampled in tokens {
      if request.stopTokens.contains(sampled.token) {
        outcome.endsAtStopToken = true
        outcome.reason = .stop
        return outcome
      }
      let record = TokenRecord(
        sampled: sampled, index: history.generatedCount, time: time, operations: clock.take(),
        settings: untold)
      untold = nil
      history.append(sampled.token)
      outcome.emitted += 1
      if request.emit(.token(record)) == .stop {
        outcome.reason = .stop
      } else if cancellation.isRaised {
        outcome.reason = .cancelled
      } else if history.generatedCount >= request.maximumTokens {
        outcome.reason = .length
      }
      if outcome.reason != nil || request.control.isHeld { return outcome }
      // Tokens that were chosen before new settings came are not emitted after them.
      if let settings = request.control.takeSettings() {
        taken = settings
        return outcome
      }
    }
    return outcome
  }

  /// Commits the rows of all emitted tokens but the last, which the next pass computes.
  private mutating func keep(
    _ outcome: Outcome, of verification: Verification, pass: ForwardPass, plan: inout DecodingPlan
  ) {
    let accepted = verification.accepted.prefix(
      outcome.endsAtStopToken ? outcome.emitted : outcome.emitted - 1)
    plan.cache.commit(Array(0..<pending.count) + accepted.map { pending.count + $0 })
    pending = history.tokens.suffix(1)
    plan.drafter?.observe(
      Verification(
        accepted: Array(accepted), tokens: Array(verification.tokens.prefix(outcome.emitted))),
      pass: pass)
  }

  private mutating func takeSettings(_ plan: inout DecodingPlan) {
    guard let settings = request.control.takeSettings() ?? taken else { return }
    taken = nil
    plan.sampler.settings = settings
    untold = settings
  }

  /// Sleeps while the run is held, without being deaf to cancellation; the time counts for no operation.
  private func waitWhileHeld() {
    guard request.control.isHeld else { return }
    while request.control.isHeld, !cancellation.isRaised { usleep(5000) }
    clock.start()
  }
}
