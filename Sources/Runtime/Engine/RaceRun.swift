import Compute
import Glibc
import Inference

/// One race in the making: lanes that decode the same prompt, each with its own methods, cache and clock.
///
/// Belongs to the engine's thread.
final class RaceRun {
  private let request: RaceRequest
  private let events: AsyncStream<JobEvent>.Continuation
  private let control: DecodingControl
  private let model: EngineModel
  private let decoding: DecodingParts
  private let shelf: MethodShelf
  private let pool: WorkerPool
  private let prompt: [TokenID]
  /// Of lanes that take turns with one cache.
  private var caches = CacheStore()

  init(
    request: RaceRequest, entry: JobQueue.Entry, model: EngineModel, decoding: DecodingParts,
    shelf: MethodShelf, pool: WorkerPool
  ) throws(InferenceError) {
    self.request = request
    events = entry.events
    control = entry.control
    self.model = model
    self.decoding = decoding
    self.shelf = shelf
    self.pool = pool
    guard request.lanes.count >= 2 else {
      throw InferenceError(.invalidRequest, "a race takes at least two lanes")
    }
    prompt = try PromptBuilder(model: model).tokens(of: request.source)
  }

  /// Runs the race; the last event is its `finished`, or `contextFull`.
  ///
  /// - Parameter kept: what races that keep their prompt leave to each other.
  func run(keeping kept: inout CacheStore) throws(InferenceError) {
    if request.keepsPrompt { swap(&caches, &kept) }
    defer { if request.keepsPrompt { swap(&caches, &kept) } }
    let capacity = model.summary.contextLength
    guard prompt.count <= capacity else {
      events.yield(.contextFull(needed: prompt.count, capacity: capacity))
      return
    }
    events.yield(.race(.started(promptTokens: prompt.count, lanes: request.lanes.count)))
    switch request.mode {
    case .turns: try runTurns()
    case .solo(let repeats, let warmsUp, let startsReversed):
      try runSolo(max(1, repeats), warmsUp: warmsUp, startsReversed: startsReversed)
    }
  }

  private func runTurns() throws(InferenceError) {
    let lanes = try request.lanes.indices.map { index throws(InferenceError) in
      try makeLane(index, isShown: true)
    }
    while lanes.contains(where: { !$0.hasEnded }) {
      for lane in lanes where !lane.hasEnded { try lane.step() }
    }
    try throwIfCancelled()
    finish([lanes])
  }

  /// Lanes one after the other, the order reversed from repeat to repeat, after a short run that is not counted.
  private func runSolo(
    _ repeats: Int, warmsUp: Bool, startsReversed: Bool
  ) throws(InferenceError) {
    var rounds: [[RaceLane]] = []
    for number in (warmsUp ? -1 : 0)..<repeats {
      let isWarmUp = number < 0
      var lanes: [Int: RaceLane] = [:]
      let order = Array(request.lanes.indices)
      let isReversed = (number % 2 != 0) != startsReversed
      for index in isReversed ? order.reversed() : order {
        let lane = try makeLane(
          index, isShown: number == 0, maximumTokens: isWarmUp ? 8 : nil, isWarmUp: isWarmUp)
        while !lane.hasEnded { try lane.step() }
        if request.keepsPrompt { caches.settle(prompt + lane.records.map(\.token)) }
        try throwIfCancelled()
        lanes[index] = lane
      }
      guard !isWarmUp else { continue }
      rounds.append(request.lanes.indices.compactMap { lanes[$0] })
      events.yield(.race(.progress(done: number + 1, total: repeats)))
    }
    finish(rounds)
  }

  private func throwIfCancelled() throws(InferenceError) {
    if control.cancellation.isRaised { throw InferenceError(.cancelled, "the race was stopped") }
  }

  private func makeLane(
    _ index: Int, isShown: Bool, maximumTokens: Int? = nil, isWarmUp: Bool = false
  ) throws(InferenceError) -> RaceLane {
    let selection = request.lanes[index]
    let (cache, cachedCount) = try lendCache()
    var plan = decoding.plan(
      model: model.model, tokenizer: model.tokenizer, cache: cache, settings: request.settings)
    let memory =
      isWarmUp ? MethodMemory() : request.memory.map { shelf.raceMemory("\($0)/\(index)") }
    try shelf.install(selection, in: &plan, for: model, memory: memory ?? MethodMemory())
    return try RaceLane(
      index: index, selection: selection, plan: plan, prompt: prompt, cachedCount: cachedCount,
      maximumTokens: maximumTokens ?? request.maximumTokens, stopStrings: request.stopStrings,
      tokenizer: model.tokenizer, control: control, pool: pool
    ) { [events] event in if isShown { events.yield(.race(event)) } }
  }

  /// A lane's cache, and how many of the prompt's tokens it holds.
  private func lendCache() throws(InferenceError) -> (any KVCache, Int) {
    let make = { [model] () throws(InferenceError) -> any KVCache in
      try model.model.makeCache(capacity: model.summary.contextLength)
    }
    guard request.keepsPrompt, request.mode != .turns else { return (try make(), 0) }
    return try caches.lend(for: prompt, make: make)
  }

  private func finish(_ rounds: [[RaceLane]]) {
    let results = rounds.map { $0.map(\.result) }
    let ratios = results.compactMap { lanes -> Double? in
      guard let first = lanes[0].tokensPerSecond, let second = lanes[1].tokensPerSecond else {
        return nil
      }
      return first / second
    }
    events.yield(
      .race(
        .finished(
          RaceResult(
            lanes: results[0], difference: difference(rounds[0][0], rounds[0][1]), ratios: ratios)))
    )
  }

  private func difference(_ first: RaceLane, _ second: RaceLane) -> RaceResult.Difference? {
    let lanes = [first, second]
    let count = lanes.map(\.records.count).max() ?? 0
    let index = (0..<count).first { index in
      let tokens = lanes.map { $0.record(at: index)?.token }
      return tokens[0] != tokens[1]
    }
    guard let index else { return nil }
    return RaceResult.Difference(
      index: index, tokens: lanes.map { $0.record(at: index)?.token },
      probabilities: lanes.map { lane in
        lane.record(at: index).map { exp(Double($0.modelLogProbability)) }
      })
  }
}
