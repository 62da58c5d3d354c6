import Compute
import Glibc
import Inference

/// Reads the prompt, writes one set of drafts, and ends.
struct SuperposedLoop: DecodingLoop {
  let method: SuperposedDrafts
  let ngrams: SuperposedNGrams
  let tokenizer: any Tokenizer

  func start(
    _ request: DecodingRequest, plan: DecodingPlan, on pool: WorkerPool
  ) throws(InferenceError) -> any DecodingRun {
    try SuperposedRun(self, request, plan: plan, pool: pool)
  }
}

/// One set of drafts in the making.
///
/// Whatever happens, the cache holds in the end what was read of the prompt, and nothing of the drafts: rows of blends
/// belong to no text.
final class SuperposedRun: DecodingRun {
  /// The model's tokens that are weighed at each step.
  private static let candidates = 9

  private let loop: SuperposedLoop
  private let request: DecodingRequest
  private let pool: WorkerPool
  private let clock = PhaseClock()
  private(set) var plan: DecodingPlan
  /// Tells the most probable tokens, with every stage off.
  private let chain: SamplerChain
  private let history: TokenHistory
  /// Tokens of the prompt whose rows the cache does not hold yet.
  private var pending: ArraySlice<TokenID>
  private let promptRows: Int
  private var hasBegun = false
  private var beam: SuperposedBeam
  /// Tokens of a draft at most.
  private let length: Int
  private var passes: [Pass] = []

  /// What one pass of the model took.
  private struct Pass {
    var rows: Int
    var time: UInt64
    var passNanoseconds: UInt64
    var weighNanoseconds: UInt64
    var operations: OperationTotals
  }

  init(
    _ loop: SuperposedLoop, _ request: DecodingRequest, plan: DecodingPlan, pool: WorkerPool
  ) throws(InferenceError) {
    try request.checkPrompt(vocabulary: plan.model.shape.vocabulary)
    var cached = min(max(0, request.cachedCount), request.prompt.count - 1)
    guard plan.cache.count >= cached else {
      throw InferenceError(
        .invalidRequest, "the cache holds \(plan.cache.count) tokens, not the \(cached) it should")
    }
    if plan.cache.count > cached { cached = plan.cache.truncate(to: cached) }
    self.loop = loop
    self.request = request
    self.plan = plan
    self.pool = pool
    var settings = SamplerSettings.greedy
    settings.temperature = 1
    chain = SamplerChain(settings: settings)
    history = TokenHistory(prompt: request.prompt)
    pending = request.prompt[cached...]
    promptRows = pending.count
    let method = loop.method
    // All drafts together are one answer.
    length = max(1, min(method.length, request.maximumTokens / max(1, method.drafts)))
    let tokenizer = loop.tokenizer
    beam = SuperposedBeam(
      count: max(1, method.drafts), alpha: method.order > 1 ? method.alpha : 0
    ) { tokens in tokens.flatMap { tokenizer.bytes(of: $0, special: true) } }
  }

  private var cancellation: CancellationFlag { request.control.cancellation }

  func step() throws(InferenceError) -> FinishReason? {
    clock.start()
    defer { clock.mark(.other) }
    do throws(InferenceError) {
      if !hasBegun {
        hasBegun = true
        if loop.method.order > 1 { loop.ngrams.learn(request.prompt) }
        clock.mark(.drafting)
        if request.emit(.prefill(done: 0, total: promptRows)) == .stop { return .cancelled }
      }
      request.control.waitWhileHeld(clock)
      if let settings = request.control.takeSettings() { plan.sampler.settings = settings }
      if cancellation.isRaised { return end(.cancelled) }
      guard request.maximumTokens > 0 else { return .length }
      return pending.count > max(1, request.chunkLength) ? try readChunk() : try grow()
    } catch {
      switch error.code {
      case .cancelled: return end(.cancelled)
      case .contextFull: return tell(then: .contextFull)
      default: throw error
      }
    }
  }

  /// Reads a chunk of the prompt; its last one is computed by the first pass of the drafts.
  private func readChunk() throws(InferenceError) -> FinishReason? {
    let rows = pending.prefix(max(1, request.chunkLength))
    let batch = TokenBatch(chain: Array(rows), logits: .none, cancellation: cancellation)
    _ = try plan.model.forward(batch, caches: [plan.cache], on: pool, clock: clock)
    plan.cache.commit(Array(0..<rows.count))
    pending = pending.dropFirst(rows.count)
    let done = promptRows - pending.count
    return request.emit(.prefill(done: done, total: promptRows)) == .stop ? .cancelled : nil
  }

  /// One pass of the model: all drafts get one token longer.
  private func grow() throws(InferenceError) -> FinishReason? {
    let start = monotonicNanoseconds()
    var batch: TokenBatch
    if let blend = beam.blend.first {
      batch = TokenBatch(chain: [blend.token], cancellation: cancellation)
      batch.blends[0] = beam.blend
    } else {
      batch = TokenBatch(chain: Array(pending), cancellation: cancellation)
    }
    let pass = try plan.model.forward(batch, caches: [plan.cache], on: pool, clock: clock)
    plan.cache.commit(Array(0..<batch.count))
    let computed = monotonicNanoseconds()
    if !pending.isEmpty {
      pending = []
      if request.emit(.prefill(done: promptRows, total: promptRows)) == .stop {
        return end(.cancelled)
      }
    }
    let candidates = candidates(of: pass.row(0))
    beam.extend(
      with: candidates,
      shares: { draft in
        let text = history.tokens.suffix(SuperposedNGrams.longest) + draft.tokens
        return loop.ngrams.shares(
          of: candidates.map(\.token), after: text, order: loop.method.order)
      }, stopTokens: request.stopTokens)
    clock.mark(.sampling)
    let now = monotonicNanoseconds()
    passes.append(
      Pass(
        rows: batch.count, time: now, passNanoseconds: computed - start,
        weighNanoseconds: now - computed, operations: clock.take()))
    if beam.isSettled { return tell(then: .stop) }
    return passes.count < length ? nil : tell(then: .length)
  }

  private func candidates(of row: LogitRow) -> [SuperposedCandidate] {
    let best = chain.best(Self.candidates, of: row, history: history)
    let logits = best.map { Double(row.logits[row.range.lowerBound + Int($0.token)]) }
    guard let first = best.first, let top = logits.first, top.isFinite else {
      // A row without any finite logit: token 0, as the sampler has it.
      return [SuperposedCandidate(token: 0, logit: 0, logProbability: 0)]
    }
    let total = top - log(Double(first.probability))
    return zip(best, logits).filter { $0.1.isFinite }.map { candidate, logit in
      SuperposedCandidate(token: candidate.token, logit: logit, logProbability: logit - total)
    }
  }

  /// Emits the drafts one after the other, then the passes that they took.
  private func tell(then reason: FinishReason) -> FinishReason {
    let drafts = beam.best.filter { !$0.tokens.isEmpty }
    var index = 0
    for (writer, draft) in drafts.enumerated() {
      for (step, token) in draft.tokens.enumerated() {
        guard index < request.maximumTokens else { return end(.length) }
        let logProbability = Float(draft.choices[step].logProbability)
        let record = TokenRecord(
          sampled: SampledToken(
            token: token, probability: exp(logProbability),
            modelLogProbability: logProbability), index: index, time: passes[step].time,
          operations: writer == 0 ? passes[step].operations : OperationTotals(), writer: writer)
        index += 1
        if request.emit(.token(record)) == .stop { return end(.stop) }
      }
    }
    for (step, pass) in passes.enumerated() {
      let record = RoundRecord(
        emitted: drafts.count { $0.tokens.count > step }, rows: pass.rows,
        passNanoseconds: pass.passNanoseconds, verifyNanoseconds: pass.weighNanoseconds)
      if request.emit(.round(record)) == .stop { break }
    }
    return end(reason)
  }

  /// Forgets the rows of blends.
  private func end(_ reason: FinishReason) -> FinishReason {
    let prompt = request.prompt.count - pending.count
    if plan.cache.count > prompt { plan.cache.truncate(to: prompt) }
    return reason
  }
}
