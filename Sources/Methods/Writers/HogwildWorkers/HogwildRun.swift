import Compute
import Inference

/// One run of the writers.
///
/// The conversation's cache is left as it is: the writers' blocks are the run's own.
final class HogwildRun: DecodingRun {
  private let method: HogwildWorkers
  private let tokenizer: any Tokenizer
  private let text: HogwildText
  private let request: DecodingRequest
  private let pool: WorkerPool
  private let clock = PhaseClock()
  private(set) var plan: DecodingPlan
  private let store: HogwildStore
  private var writers: [HogwildWriter] = []
  /// Texts that are read before the writers begin: the block each goes into, and what it then sees.
  private var readings: [Reading]
  private var done = 0
  private let total: Int
  private var hasBegun = false
  /// Tokens that were told.
  private var emitted = 0
  /// Tokens since a writer was last asked whether it repeats the others.
  private var sinceCheck = 0
  /// Settings that act, but of which no emitted token has told yet.
  private var untold: SamplerSettings?

  private struct Reading {
    var tokens: ArraySlice<TokenID>
    var cache: HogwildCache
  }

  init(
    _ loop: HogwildLoop, _ request: DecodingRequest, plan: DecodingPlan, pool: WorkerPool
  ) throws(InferenceError) {
    let count = max(1, loop.method.workers)
    let layout = HogwildLayout(rawValue: loop.method.layout) ?? .combined
    let text = HogwildText(writers: count, layout: layout)
    let capacity = plan.cache.capacity
    let encode = { (text: String) in loop.tokenizer.encode(text, parsesSpecial: false) }
    let (others, own) = (encode(text.othersHeader), encode(text.ownHeader))
    let store = try HogwildStore(
      writers: count, layout: layout, shape: plan.model.shape, capacity: capacity,
      headers: (others.count, own.count))
    // What is common to all; a single writer's first row is computed with its first token.
    let common = request.prompt + encode(text.rules)
    let isSingle = count == 1
    var blocks = [store.prompt]
    readings = [
      Reading(
        tokens: isSingle ? common.dropLast() : common[...],
        cache: HogwildCache(blocks: blocks, capacity: capacity))
    ]
    for (header, tokens) in [(store.othersHeader, others), (store.ownHeader, own)] {
      guard let header else { continue }
      blocks.append(header)
      readings.append(
        Reading(
          tokens: tokens[...], cache: HogwildCache(blocks: blocks, capacity: capacity)))
    }
    method = loop.method
    tokenizer = loop.tokenizer
    self.text = text
    self.request = request
    self.plan = plan
    self.pool = pool
    self.store = store
    total = readings.reduce(isSingle ? 1 : 0) { $0 + $1.tokens.count }
    self.plan.sampler.reset()
    for index in 0..<count {
      let prefix = isSingle ? common.suffix(1) : encode(text.prefix(of: index, step: 1))[...]
      var writer = HogwildWriter(
        cache: HogwildCache(blocks: store.view(of: index), capacity: capacity),
        history: TokenHistory(prompt: isSingle ? common : common + prefix),
        pending: Array(prefix), sampler: self.plan.sampler)
      writer.take(self.plan.sampler.settings, as: index)
      writers.append(writer)
    }
  }

  private var cancellation: CancellationFlag { request.control.cancellation }

  func step() throws(InferenceError) -> FinishReason? {
    clock.start()
    defer { clock.mark(.other) }
    do throws(InferenceError) {
      if !hasBegun {
        hasBegun = true
        if request.emit(.prefill(done: 0, total: total)) == .stop { return .cancelled }
      }
      request.control.waitWhileHeld(clock)
      if cancellation.isRaised { return .cancelled }
      if let place = readings.firstIndex(where: { !$0.tokens.isEmpty }) {
        return try read(place)
      }
      return try round()
    } catch {
      switch error.code {
      case .cancelled: return .cancelled
      case .contextFull: return .contextFull
      default: throw error
      }
    }
  }

  /// Reads a chunk of what is common to all.
  private func read(_ place: Int) throws(InferenceError) -> FinishReason? {
    let rows = readings[place].tokens.prefix(max(1, request.chunkLength))
    let cache = readings[place].cache
    _ = try plan.model.forward(
      TokenBatch(chain: Array(rows), logits: .none, cancellation: cancellation),
      caches: [cache], on: pool, clock: clock)
    cache.commit(Array(0..<rows.count))
    readings[place].tokens = readings[place].tokens.dropFirst(rows.count)
    done += rows.count
    return request.emit(.prefill(done: done, total: total)) == .stop ? .cancelled : nil
  }

  /// One pass of the model: every writer that has not ended gets a token.
  private func round() throws(InferenceError) -> FinishReason? {
    guard emitted < request.maximumTokens else { return .length }
    let active = writers.indices.filter { !writers[$0].hasEnded }
    let start = monotonicNanoseconds()
    let batch = try batch(of: active)
    let pass = try plan.model.forward(
      batch, caches: active.map { writers[$0].cache }, on: pool, clock: clock)
    for index in active {
      writers[index].cache.commit(Array(writers[index].pending.indices))
    }
    let computed = monotonicNanoseconds()
    if done < total {
      done = total
      if request.emit(.prefill(done: done, total: total)) == .stop { return .cancelled }
    }
    takeSettings()
    let before = emitted
    var reason: FinishReason?
    for (row, index) in active.enumerated() where reason == nil {
      reason = try write(pass.row(row), as: index)
    }
    let record = RoundRecord(
      emitted: emitted - before, rows: batch.count, passNanoseconds: computed - start,
      verifyNanoseconds: monotonicNanoseconds() - computed)
    if request.emit(.round(record)) == .stop { return reason ?? .stop }
    if reason == nil, writers.allSatisfy(\.hasEnded) {
      // The budget ended those that no token did.
      return method.budget > 0 && writers.contains { $0.written >= method.budget } ? .length : .stop
    }
    return reason
  }

  private func batch(of active: [Int]) throws(InferenceError) -> TokenBatch {
    var batch = TokenBatch(chain: [], cancellation: cancellation)
    for (sequence, index) in active.enumerated() {
      let pending = writers[index].pending
      try store.reserve(pending.count, for: index)
      let first = batch.count
      batch.parents += pending.indices.map { $0 == 0 ? -1 : first + $0 - 1 }
      batch.sequences += pending.map { _ in sequence }
      batch.tokens += pending
      batch.logitRows.append(batch.count - 1)
    }
    // Only now are all blocks in place.
    for index in active { writers[index].cache.blocks = store.view(of: index) }
    return batch
  }

  /// Chooses a writer's next token and tells it.
  ///
  /// - Returns: why all writing ends with it; nil while it goes on.
  private func write(_ logits: LogitRow, as index: Int) throws(InferenceError) -> FinishReason? {
    let history = writers[index].history
    let sampled = writers[index].sampler.sample(logits, history: history)
    clock.mark(.sampling)
    if request.stopTokens.contains(sampled.token) {
      writers[index].hasEnded = true
      try store.finishStep(of: index)
      return nil
    }
    let record = TokenRecord(
      sampled: sampled, index: emitted, time: monotonicNanoseconds(), operations: clock.take(),
      settings: untold, writer: index)
    untold = nil
    emitted += 1
    sinceCheck += 1
    writers[index].written += 1
    writers[index].history.append(sampled.token)
    writers[index].pending = [sampled.token]
    if writers.count > 1,
      writers[index].end.append(tokenizer.bytes(of: sampled.token, special: false))
    {
      try beginStep(of: index)
    }
    if method.budget > 0, writers[index].written >= method.budget {
      writers[index].hasEnded = true
    }
    if request.emit(.token(record)) == .stop { return .stop }
    if cancellation.isRaised { return .cancelled }
    return emitted >= request.maximumTokens ? .length : nil
  }

  /// Moves a writer's step behind the common text and hands it the beginning of the next one.
  private func beginStep(of index: Int) throws(InferenceError) {
    try store.finishStep(of: index)
    writers[index].step += 1
    writers[index].end = HogwildStepEnd()
    var words = text.prefix(of: index, step: writers[index].step)
    if method.check > 0, sinceCheck >= method.check, text.layout != .private {
      words += text.check
      sinceCheck = 0
    }
    let tokens = tokenizer.encode(words, parsesSpecial: false)
    writers[index].pending += tokens
    for token in tokens { writers[index].history.append(token) }
  }

  private func takeSettings() {
    guard let settings = request.control.takeSettings() else { return }
    plan.sampler.settings = settings
    for index in writers.indices { writers[index].take(settings, as: index) }
    untold = settings
  }
}
