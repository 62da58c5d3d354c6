import Compute

/// The decoding loop: reads the prompt in chunks, then rounds of propose, forward, verify, emit and commit.
///
/// With no drafter it is plain decoding. Whatever is drafted, cache and events end up as plain decoding leaves them:
/// when `run` returns or throws, the cache holds the prompt (what was read of it) and the emitted tokens except the
/// last one, whose row was not yet computed; after a stop token it holds that one too. `cache.count` tells which.
/// Tokens that were verified but not emitted, because the consumer stopped, the limit came, or settings changed in
/// between, leave no trace in cache or sampler.
package struct SpeculativeLoop: DecodingLoop {
  package init() {}

  package func start(
    _ request: DecodingRequest, plan: DecodingPlan, on pool: WorkerPool
  ) throws(InferenceError) -> any DecodingRun {
    try SpeculativeRun(request, plan: plan, pool: pool)
  }
}

/// One run of the loop.
private final class SpeculativeRun: DecodingRun {
  private let request: DecodingRequest
  private let pool: WorkerPool
  private let clock = PhaseClock()
  private(set) var plan: DecodingPlan
  private var history: TokenHistory
  /// Tokens of the history whose rows the cache does not hold yet; never empty.
  private var pending: ArraySlice<TokenID>
  /// Rows of the prompt that the cache did not hold at the start.
  private let promptRows: Int
  private var hasBegun = false
  /// Settings taken from the control that do not act yet.
  private var taken: SamplerSettings?
  /// Settings that act, but of which no emitted token has told yet.
  private var untold: SamplerSettings?

  init(_ request: DecodingRequest, plan: DecodingPlan, pool: WorkerPool) throws(InferenceError) {
    try request.checkPrompt(vocabulary: plan.model.shape.vocabulary)
    let last = request.prompt.count - 1
    // The last token's row gives the first logits, so it is computed even where the cache has it. A drafter that
    // reads hidden states needs those of the whole prompt.
    let readsAll = plan.drafter?.features.isEmpty == false
    var cached = readsAll ? 0 : min(max(0, request.cachedCount), last)
    guard plan.cache.count >= cached else {
      throw InferenceError(
        .invalidRequest, "the cache holds \(plan.cache.count) tokens, not the \(cached) it should")
    }
    // A cache may have lost what the shorter beginning needs; then less of it is known, or nothing.
    if plan.cache.count > cached { cached = plan.cache.truncate(to: cached) }
    self.request = request
    self.plan = plan
    self.pool = pool
    history = TokenHistory(prompt: request.prompt)
    pending = request.prompt[cached...]
    promptRows = pending.count
    self.plan.sampler.reset()
  }

  private var cancellation: CancellationFlag { request.control.cancellation }

  func step() throws(InferenceError) -> FinishReason? {
    // Between two steps others may have had their turn.
    clock.start()
    defer { clock.mark(.other) }
    do throws(InferenceError) {
      if !hasBegun {
        hasBegun = true
        try plan.drafter?.begin(history)
        clock.mark(.drafting)
        if request.emit(.prefill(done: 0, total: promptRows)) == .stop { return .cancelled }
      }
      return pending.count > max(1, request.chunkLength) ? try readChunk() : try round()
    } catch {
      switch error.code {
      case .cancelled: return .cancelled
      case .contextFull: return .contextFull
      default: throw error
      }
    }
  }

  /// Reads a chunk of the prompt; its last one is computed by the first round.
  private func readChunk() throws(InferenceError) -> FinishReason? {
    request.control.waitWhileHeld(clock)
    if cancellation.isRaised { return .cancelled }
    let rows = pending.prefix(max(1, request.chunkLength))
    var batch = TokenBatch(chain: Array(rows), logits: .none, cancellation: cancellation)
    if let drafter = plan.drafter, !drafter.features.isEmpty {
      batch.features = drafter.features
      batch.featureRows = Array(0..<rows.count)
    }
    let pass = try plan.model.forward(batch, caches: [plan.cache], on: pool, clock: clock)
    plan.cache.commit(Array(0..<rows.count))
    if !batch.features.isEmpty {
      try plan.drafter?.observePrompt(rows.startIndex..<rows.endIndex, pass: pass)
      clock.mark(.drafting)
    }
    pending = pending.dropFirst(rows.count)
    let done = promptRows - pending.count
    return request.emit(.prefill(done: done, total: promptRows)) == .stop ? .cancelled : nil
  }

  /// One pass of the model: computes the pending rows and a draft, and emits the tokens that follow.
  private func round() throws(InferenceError) -> FinishReason? {
    request.control.waitWhileHeld(clock)
    if cancellation.isRaised { return .cancelled }
    guard history.generatedCount < request.maximumTokens else { return .length }
    let start = monotonicNanoseconds()
    var draft = try propose()
    clock.mark(.drafting)
    let drafted = monotonicNanoseconds()
    let pass: ForwardPass
    do throws(InferenceError) {
      pass = try forward(draft)
    } catch {
      // The answer still fits row by row where a whole draft does not.
      guard error.code == .contextFull, draft.count > 0 else { throw error }
      draft = .empty
      pass = try forward(draft)
    }
    let computed = monotonicNanoseconds()
    if history.generatedCount == 0 {
      if request.emit(.prefill(done: promptRows, total: promptRows)) == .stop {
        plan.cache.commit(Array(0..<pending.count))
        return .cancelled
      }
      if plan.drafter?.features.isEmpty == false {
        try plan.drafter?.observePrompt(history.count - pending.count..<history.count, pass: pass)
      }
    }
    takeSettings()
    let before = plan.sampler
    let verification = try plan.verifier.verify(
      draft, pass: pass, history: history, sampler: &plan.sampler)
    guard !verification.tokens.isEmpty else {
      throw InferenceError(.invalidRequest, "the verifier chose no token")
    }
    clock.mark(.sampling)
    var record = RoundRecord(
      parents: draft.parents, accepted: verification.accepted,
      acceptedSources: draft.sources.isEmpty
        ? [] : verification.accepted.map { draft.sources[$0] },
      emitted: 0, rows: pending.count + draft.count, draftNanoseconds: drafted - start,
      passNanoseconds: computed - drafted, verifyNanoseconds: monotonicNanoseconds() - computed,
      lenient: verification.lenient)
    // A pass that ends the prompt says nothing of the cost of verifying.
    if pending.count == 1 {
      plan.governor?.observe(
        record, draft: draft, tokens: verification.tokens.map(\.token))
    }
    record.decision = plan.governor?.decision
    let outcome = emit(verification)
    record.emitted = outcome.emitted
    record.endsAnswer = outcome.endsAtStopToken
    if outcome.emitted < verification.tokens.count {
      plan.sampler = before
      for token in verification.tokens.prefix(outcome.emitted) {
        plan.sampler.advance(past: token)
      }
    }
    try keep(outcome, of: verification, draft: draft, pass: pass)
    if request.emit(.round(record)) == .stop { return outcome.reason ?? .stop }
    return outcome.reason
  }

  /// A draft that fits the limits; none while a chunk of the prompt is still to be read.
  private func propose() throws(InferenceError) -> Draft {
    guard let drafter = plan.drafter, pending.count == 1 else { return .empty }
    let limit = min(
      plan.draftLimit, request.maximumTokens - history.generatedCount - 1,
      plan.cache.capacity - plan.cache.count - 1)
    guard limit > 0 else { return .empty }
    let budget =
      plan.governor?.budget(limit: limit, isFree: drafter.isFree)
      ?? Governor.Budget(limit: limit, leastConfidence: 0)
    guard budget.limit > 0 else { return .empty }
    let draft = try drafter.propose(
      DraftRequest(
        history: history, limit: budget.limit, leastConfidence: budget.leastConfidence,
        sampler: plan.sampler, pool: pool, cancellation: cancellation))
    let sound = draft.sound(limit: budget.limit, vocabulary: plan.model.shape.vocabulary)
    guard drafter.isFree, let governor = plan.governor else { return sound }
    return governor.trim(sound)
  }

  private func forward(_ draft: Draft) throws(InferenceError) -> ForwardPass {
    var batch = TokenBatch(chain: Array(pending), cancellation: cancellation)
    let last = pending.count - 1
    for row in draft.tokens.indices {
      batch.tokens.append(draft.tokens[row])
      batch.parents.append(last + 1 + draft.parents[row])
      batch.sequences.append(0)
      batch.logitRows.append(last + 1 + row)
    }
    let wanted = plan.drafter?.features ?? []
    batch.features = wanted.union(plan.verifier.features)
    if pending.count > 1, !wanted.isEmpty { batch.featureRows = Array(0..<batch.count) }
    return try plan.model.forward(batch, caches: [plan.cache], on: pool, clock: clock)
  }

  /// How far the emission of verified tokens came.
  private struct Outcome {
    var emitted = 0
    var endsAtStopToken = false
    var reason: FinishReason?
  }

  /// Emits tokens until something ends the answer or needs the next one to be chosen anew.
  private func emit(_ verification: Verification) -> Outcome {
    var outcome = Outcome()
    let time = monotonicNanoseconds()
    for (index, sampled) in verification.tokens.enumerated() {
      if request.stopTokens.contains(sampled.token) {
        outcome.endsAtStopToken = true
        outcome.reason = .stop
        return outcome
      }
      let record = TokenRecord(
        sampled: sampled, index: history.generatedCount, time: time, operations: clock.take(),
        settings: untold, wasDrafted: index < verification.accepted.count)
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
  private func keep(
    _ outcome: Outcome, of verification: Verification, draft: Draft, pass: ForwardPass
  ) throws(InferenceError) {
    let kept = Array(
      verification.accepted.prefix(
        outcome.endsAtStopToken ? outcome.emitted : outcome.emitted - 1))
    plan.cache.commit(Array(0..<pending.count) + kept.map { pending.count + $0 })
    pending = history.tokens.suffix(1)
    try plan.drafter?.observe(
      DraftOutcome(
        draft: draft, kept: kept,
        emitted: verification.tokens.prefix(outcome.emitted).map(\.token), history: history,
        pass: pass))
  }

  private func takeSettings() {
    guard let settings = request.control.takeSettings() ?? taken else { return }
    taken = nil
    plan.sampler.settings = settings
    untold = settings
  }
}
