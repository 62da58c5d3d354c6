import Compute
import Inference

/// A model that says what a script tells it, whatever it reads, and notes what it was asked.
final class WritersModel: LanguageModel, @unchecked Sendable {
  let shape: ModelShape
  let weightByteCount = 0
  /// Logits of the pass's i-th wanted row; both count from 0.
  private let script: (_ pass: Int, _ row: Int) -> [Float]
  private(set) var batches: [TokenBatch] = []

  init(vocabulary: Int, script: @escaping (_ pass: Int, _ row: Int) -> [Float]) {
    shape = ModelShape(
      layers: 1, width: 2, heads: 1, kvHeads: 1, headDimension: 2, feedForward: 2,
      vocabulary: vocabulary, contextLength: 2000)
    self.script = script
  }

  /// Logits that make each of some tokens as likely as its weight.
  func logits(_ weights: [TokenID: Float]) -> [Float] {
    Self.logits(weights, vocabulary: shape.vocabulary)
  }

  static func logits(_ weights: [TokenID: Float], vocabulary: Int) -> [Float] {
    (0..<vocabulary).map { weights[TokenID($0)] ?? -50 }
  }

  func makeCache(capacity: Int) throws(InferenceError) -> any KVCache {
    CountingCache(capacity: capacity)
  }

  func forward(
    _ batch: TokenBatch, caches: [any KVCache], on pool: WorkerPool, clock: PhaseClock
  ) throws(InferenceError) -> ForwardPass {
    for run in batch.runs {
      let first = run.rows.lowerBound
      try caches[run.sequence].begin(
        parents: run.rows.map { batch.parents[$0] < 0 ? -1 : batch.parents[$0] - first })
    }
    // Passes that want no logits read the prompt.
    let pass = batches.count { !$0.logitRows.isEmpty }
    batches.append(batch)
    let logits = Buffer(count: max(1, batch.logitRows.count) * shape.vocabulary)
    for row in batch.logitRows.indices {
      logits.replace(at: row * shape.vocabulary, with: script(pass, row))
    }
    return ForwardPass(logits: logits, vocabulary: shape.vocabulary)
  }
}

/// A cache that counts its positions and holds nothing.
private final class CountingCache: KVCache {
  let capacity: Int
  private(set) var count = 0
  private(set) var provisionalCount = 0
  let byteCount = 0

  init(capacity: Int) { self.capacity = capacity }

  func begin(parents: [Int], isGrowing: Bool) throws(InferenceError) {
    guard count + parents.count <= capacity else { throw InferenceError(.contextFull, "full") }
    provisionalCount = parents.count
  }

  func attend(_ step: AttentionStep, as worker: Worker) {}

  func commit(_ path: [Int]) {
    count += path.count
    provisionalCount = 0
  }

  func truncate(to count: Int) -> Int {
    self.count = count
    provisionalCount = 0
    return count
  }

  func fork() throws(InferenceError) -> any KVCache { CountingCache(capacity: capacity) }
}

/// What a run of a loop told.
final class WritersRun {
  private(set) var records: [TokenRecord] = []
  private(set) var rounds: [RoundRecord] = []
  private(set) var finish = FinishReason.cancelled
  private(set) var plan: DecodingPlan
  /// Answers whether to go on, after each token.
  var goesOn: (TokenRecord) -> Bool = { _ in true }

  init(_ model: any LanguageModel, settings: SamplerSettings = .greedy, capacity: Int = 256) throws
  {
    plan = DecodingPlan(
      model: model, cache: try model.makeCache(capacity: capacity),
      verifier: SampleMatchVerifier(), sampler: SamplerChain(settings: settings),
      loop: SpeculativeLoop())
  }

  func run(
    _ method: (any DecodingMethod)?, _ prompt: [TokenID], tokenizer: any Tokenizer,
    memory: MethodMemory = MethodMemory(), maximumTokens: Int = 48,
    stopTokens: Set<TokenID> = [], threads: Int = 2
  ) throws {
    let pool = WorkerPool(count: threads, adapts: false)
    defer { pool.shutDown() }
    let context = MethodContext(
      tokenizer: tokenizer, pool: pool, contextLength: plan.cache.capacity, memory: memory)
    try plan.install(method.map { [$0] } ?? [], context: context)
    let request = DecodingRequest(
      prompt: prompt, maximumTokens: maximumTokens, stopTokens: stopTokens, chunkLength: 128
    ) { [self] event in
      switch event {
      case .prefill: return .go
      case .token(let record):
        records.append(record)
        return goesOn(record) ? .go : .stop
      case .round(let round):
        rounds.append(round)
        return .go
      }
    }
    finish = try plan.loop.run(request, plan: &plan, on: pool)
  }

  var tokens: [TokenID] { records.map(\.sampled.token) }

  func tokens(of writer: Int) -> [TokenID] {
    records.filter { $0.writer == writer }.map(\.sampled.token)
  }
}
