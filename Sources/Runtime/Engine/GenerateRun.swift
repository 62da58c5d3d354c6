import Compute
import Inference

/// One answer in the making: prompt, decoding, chunks of text, figures.
///
/// Belongs to the engine's thread.
final class GenerateRun {
  private let request: GenerateRequest
  private let events: AsyncStream<JobEvent>.Continuation
  private let control: DecodingControl
  private let model: EngineModel
  private let decoding: DecodingParts
  private let shelf: MethodShelf
  private let pool: WorkerPool
  private let roofs: Roofs
  private let startTime = monotonicNanoseconds()
  private var loopTime: UInt64 = 0
  private var promptEnd: UInt64?
  private var schedule: KnobSchedule
  private var ticker = ProfileTicker()
  private var rounds = RoundTotals()
  private var methodBytes = 0
  private var costCurve: CostCurve?

  init(
    request: GenerateRequest, entry: JobQueue.Entry, model: EngineModel, decoding: DecodingParts,
    shelf: MethodShelf, pool: WorkerPool, roofs: Roofs
  ) {
    self.shelf = shelf
    self.request = request
    events = entry.events
    control = entry.control
    self.model = model
    self.decoding = decoding
    self.pool = pool
    self.roofs = roofs
    schedule = KnobSchedule(request.scheduledChanges)
  }

  /// Generates the answer; the last event is `finished` or `contextFull`.
  func run(caches: inout CacheStore) throws(InferenceError) {
    try checkBias()
    let capacity = model.summary.contextLength
    let prompt = try PromptBuilder(model: model).tokens(of: request.source)
    guard prompt.count <= capacity else {
      events.yield(.contextFull(needed: prompt.count, capacity: capacity))
      return
    }
    let model = model.model
    let (cache, reused) = try caches.lend(for: prompt) { () throws(InferenceError) in
      try model.makeCache(capacity: capacity)
    }
    let answer = AnswerStream(
      tokenizer: self.model.tokenizer, stopStrings: request.stopStrings, promptCount: prompt.count)
    // However it ends, the next prompt may reuse just what the cache then holds. What a method's own loop leaves
    // behind the prompt is its own affair.
    var keepsAnswer = true
    defer { caches.settle(keepsAnswer ? prompt + answer.tokens : prompt) }
    events.yield(.started(promptTokens: prompt.count, reused: reused, contextLength: capacity))
    var plan = decoding.plan(
      model: model, tokenizer: self.model.tokenizer, cache: cache, settings: request.settings)
    try shelf.install(request.methods, in: &plan, for: self.model, memory: shelf.memory)
    keepsAnswer = plan.loop is SpeculativeLoop
    methodBytes = plan.extraByteCount + (plan.drafter?.byteCount ?? 0)
    costCurve = plan.governor?.curve
    let finish = try decode(prompt, reused: reused, plan: &plan, into: answer)
    if let rest = answer.finish() { events.yield(.tokens(rest)) }
    let end = monotonicNanoseconds()
    tell(at: end, cache: cache, always: true)
    events.yield(
      .finished(provenance(of: answer, prompt: prompt.count, reused: reused, finish, end: end)))
  }

  /// A bias for a token that is none would be lost without a word.
  private func checkBias() throws(InferenceError) {
    let count = model.summary.shape.vocabulary
    if let token = request.settings.logitBias.keys.sorted().first(where: { $0 >= count }) {
      throw InferenceError(
        .invalidRequest, "bias \(token): \(model.summary.name) has tokens 0 to \(count - 1)")
    }
  }

  private func decode(
    _ prompt: [TokenID], reused: Int, plan: inout DecodingPlan, into answer: AnswerStream
  ) throws(InferenceError) -> FinishReason {
    let cache = plan.cache
    let (drafter, extraBytes) = (plan.drafter, plan.extraByteCount)
    schedule.apply(before: 0, to: control)
    loopTime = monotonicNanoseconds()
    let loopRequest = DecodingRequest(
      prompt: prompt, cachedCount: reused, maximumTokens: request.maximumTokens,
      stopTokens: model.tokenizer.endTokens, control: control
    ) { [self] event in
      switch event {
      case .prefill(let done, let total):
        let now = monotonicNanoseconds()
        if done == total { promptEnd = now }
        events.yield(.prefill(done: done, total: total, seconds: secondsBetween(loopTime, now)))
        tell(at: now, cache: cache)
      case .token(let record):
        events.yield(.tokens(answer.append(record)))
        schedule.apply(before: record.index + 1, to: control)
        ticker.add(record.operations)
        tell(at: record.time, cache: cache)
      case .round(let round):
        rounds.add(round)
        methodBytes = extraBytes + (drafter?.byteCount ?? 0)
        events.yield(.round(round))
      }
      return answer.hasStopped ? .stop : .go
    }
    let finish = try plan.loop.run(loopRequest, plan: &plan, on: pool)
    return answer.hasStopped ? .stop : finish
  }

  /// Sends a profile sample where one is due.
  private func tell(at time: UInt64, cache: any KVCache, always: Bool = false) {
    guard let operations = ticker.take(at: time, always: always) else { return }
    var sample = ProfileSample(
      time: time, weightBytes: model.file?.byteCount ?? model.model.weightByteCount,
      cacheBytes: cache.byteCount, scratchBytes: model.scratchBytes(),
      residentBytes: ProcessMemory.residentBytes, operations: operations, threads: pool.count,
      roofs: roofs)
    sample.methodBytes = methodBytes
    sample.costCurve = costCurve?.values
    events.yield(.profile(sample))
  }

  private func provenance(
    of answer: AnswerStream, prompt: Int, reused: Int, _ finish: FinishReason, end: UInt64
  ) -> Provenance {
    let first = answer.firstTokenTime ?? end
    var provenance = Provenance(
      model: model.summary.name, settings: request.settings, promptTokens: prompt,
      reusedTokens: reused, tokens: answer.tokens.count, finish: finish,
      promptSeconds: secondsBetween(loopTime, first),
      generationSeconds: secondsBetween(promptEnd ?? first, max(first, answer.lastTokenTime)),
      timeToFirstToken: secondsBetween(startTime, first))
    provenance.changes = answer.changes
    provenance.methods = request.methods
    provenance.passes = rounds.passes
    return provenance
  }
}

/// Seconds between two readings of the monotonic clock; 0 where they are out of order.
func secondsBetween(_ from: UInt64, _ to: UInt64) -> Double {
  to > from ? Double(to - from) / 1e9 : 0
}
