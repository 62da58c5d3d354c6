import Compute
import Inference

/// Runs the passes that are timed, in this process.
struct BenchRunner {
  let model: any LanguageModel
  let pool: WorkerPool
  /// Rows of one pass over a prompt.
  let chunk: Int
  let isCancelled: () -> Bool

  /// Tokens per second of each repetition, and what all of them cost by class of operation.
  struct Measurement {
    var samples: [Double] = []
    var totals = OperationTotals()
    /// Tokens that `totals` covers.
    var tokens = 0
  }

  /// Measures after one warm-up; the positions before the test's own are filled once.
  ///
  /// - Parameter between: called before each repetition.
  func measure(
    _ test: BenchTest, repetitions: Int, between: () -> Void = {}
  ) throws(InferenceError) -> Measurement {
    guard let (count, depth, isPrompt) = test.speed else { return Measurement() }
    let tokens = randomTokens(depth + count)
    let cache = try model.makeCache(capacity: depth + count)
    let clock = PhaseClock()
    try read(tokens[..<depth], into: cache, clock)
    let timed = tokens[depth...]
    // One token touches every weight; a prompt also wants its working memory.
    try run(isPrompt ? timed : timed.prefix(test.passRows), test, cache, clock)
    _ = clock.take()
    var result = Measurement()
    for _ in 0..<repetitions {
      between()
      cache.truncate(to: depth)
      let start = monotonicNanoseconds()
      try run(timed, test, cache, clock)
      let seconds = Double(max(1, monotonicNanoseconds() - start)) / 1e9
      result.samples.append(Double(count) / seconds)
      result.tokens += count
    }
    result.totals = clock.take()
    return result
  }

  private func run(
    _ tokens: ArraySlice<TokenID>, _ test: BenchTest, _ cache: any KVCache, _ clock: PhaseClock
  ) throws(InferenceError) {
    if case .prompt = test { return try read(tokens, into: cache, clock) }
    // Every token's logits are computed; none is sampled.
    var rest = tokens
    while !rest.isEmpty {
      if isCancelled() { throw InferenceError(.cancelled, "stopped") }
      let batch = TokenBatch(chain: Array(rest.prefix(test.passRows)), logits: .all)
      rest = rest.dropFirst(test.passRows)
      _ = try model.forward(batch, caches: [cache], on: pool, clock: clock)
      cache.commit(Array(0..<batch.count))
    }
  }

  /// Reads a prompt; as for a real one, only the last token's logits are wanted.
  private func read(
    _ tokens: ArraySlice<TokenID>, into cache: any KVCache, _ clock: PhaseClock
  ) throws(InferenceError) {
    var rest = tokens
    while !rest.isEmpty {
      if isCancelled() { throw InferenceError(.cancelled, "stopped") }
      let part = Array(rest.prefix(chunk))
      rest = rest.dropFirst(chunk)
      let batch = TokenBatch(chain: part, logits: rest.isEmpty ? .last : .none)
      _ = try model.forward(batch, caches: [cache], on: pool, clock: clock)
      cache.commit(Array(0..<batch.count))
    }
  }

  /// The same tokens in every run, spread over the vocabulary.
  private func randomTokens(_ count: Int) -> [TokenID] {
    var generator = SeededGenerator(seed: 1)
    let limit = TokenID(clamping: max(model.shape.vocabulary, 1))
    return (0..<count).map { _ in TokenID.random(in: 0..<limit, using: &generator) }
  }
}
