import Compute
import Inference

/// A cache that remembers the tokens themselves, so that any mistake in bookkeeping shows in the next logits.
final class ScriptedCache: KVCache {
  let capacity: Int
  /// A deliberate mistake: rows that were rejected stay.
  let keepsRejectedRows: Bool
  /// Truncations to fewer tokens lose all of them.
  var leastKept = 0
  private(set) var tokens: [TokenID] = []
  private var provisional: [(token: TokenID, parent: Int)] = []
  private(set) var firstNew = 0

  init(capacity: Int, keepsRejectedRows: Bool = false) {
    self.capacity = capacity
    self.keepsRejectedRows = keepsRejectedRows
  }

  var count: Int { tokens.count }
  var byteCount: Int { tokens.count }

  var provisionalCount: Int { provisional.count }

  func begin(parents: [Int], isGrowing: Bool) throws(InferenceError) {
    if !isGrowing { provisional = [] }
    firstNew = provisional.count
    guard count + provisional.count + parents.count <= capacity else {
      throw InferenceError(.contextFull, "full")
    }
    provisional += parents.map { (-1, $0) }
  }

  func fill(_ tokens: [TokenID]) {
    for row in tokens.indices { provisional[firstNew + row].token = tokens[row] }
  }

  /// The whole text that leads to a provisional row.
  func path(to row: Int) -> [TokenID] {
    var path: [TokenID] = []
    var row = row
    while row >= 0 {
      path.append(provisional[row].token)
      row = provisional[row].parent
    }
    return tokens + path.reversed()
  }

  func attend(_ step: AttentionStep, as worker: Worker) {}

  func commit(_ path: [Int]) {
    var parent = -1
    for row in path {
      precondition(provisional[row].parent == parent, "row \(row) does not continue \(parent)")
      parent = row
    }
    let kept = keepsRejectedRows ? Array(provisional.indices) : path
    tokens += kept.map { provisional[$0].token }
    provisional = []
  }

  func truncate(to count: Int) -> Int {
    let kept = count < leastKept ? 0 : count
    tokens.removeSubrange(kept...)
    provisional = []
    return kept
  }

  func fork() throws(InferenceError) -> any KVCache {
    let copy = ScriptedCache(capacity: capacity)
    copy.tokens = tokens
    return copy
  }
}

/// A model whose logits are a function of the text in the cache and the rows before.
final class ScriptedModel: LanguageModel, @unchecked Sendable {
  let shape: ModelShape
  let weightByteCount = 0
  /// Called before each pass with its batch.
  var onForward: (TokenBatch) -> Void = { _ in }
  /// What its caches are made with.
  var leastKept = 0
  private(set) var passes = 0
  private(set) var rows = 0

  init(vocabulary: Int = 24) {
    shape = ModelShape(
      layers: 1, width: 1, heads: 1, kvHeads: 1, headDimension: 1, feedForward: 1,
      vocabulary: vocabulary, contextLength: 1000)
  }

  func makeCache(capacity: Int) throws(InferenceError) -> any KVCache {
    let cache = ScriptedCache(capacity: capacity)
    cache.leastKept = leastKept
    return cache
  }

  func forward(
    _ batch: TokenBatch, caches: [any KVCache], on pool: WorkerPool, clock: PhaseClock
  ) throws(InferenceError) -> ForwardPass {
    guard let cache = caches[0] as? ScriptedCache else { fatalError("a scripted cache is needed") }
    onForward(batch)
    if batch.cancellation?.isRaised == true { throw InferenceError(.cancelled, "cancelled") }
    try cache.begin(parents: batch.parents, isGrowing: batch.isGrowing)
    cache.fill(batch.tokens)
    clock.mark(.feedForward)
    passes += 1
    rows += batch.count
    let logits = Buffer(count: batch.logitRows.count * shape.vocabulary)
    for (place, row) in batch.logitRows.enumerated() {
      logits.replace(
        at: place * shape.vocabulary, with: self.logits(after: cache.path(to: cache.firstNew + row))
      )
    }
    return ForwardPass(logits: logits, vocabulary: shape.vocabulary)
  }

  /// Depends on the last seven tokens and the length.
  func logits(after text: [TokenID]) -> [Float] {
    var hash = UInt64(text.count)
    for token in text.suffix(7) { hash = (hash ^ UInt64(token)) &* 0x100_0000_01B3 }
    var random = TestRandom(hash)
    return (0..<shape.vocabulary).map { _ in Float.random(in: -3...3, using: &random) }
  }
}

/// Proposes whatever a closure says, and notes what it is told.
final class ScriptedDrafter: Drafter {
  let body: (TokenHistory, Int) -> Draft
  private(set) var accepted = 0
  private(set) var told: [TokenID] = []

  init(_ body: @escaping (TokenHistory, Int) -> Draft) { self.body = body }

  func propose(_ request: DraftRequest) throws(InferenceError) -> Draft {
    body(request.history, request.limit)
  }

  func observe(_ outcome: DraftOutcome) {
    accepted += outcome.kept.count
    told += outcome.emitted
  }
}

/// One run of the loop over the fakes and all that it told.
final class DecodingScenario {
  let model: ScriptedModel
  let cache: ScriptedCache
  let pool = WorkerPool(count: 1)
  var plan: DecodingPlan
  var prompt: [TokenID] = [1, 2, 3, 4, 5]
  var cachedCount = 0
  var maximumTokens = 40
  var stopTokens: Set<TokenID> = []
  var chunkLength = 128
  let control = DecodingControl()
  var onEvent: (DecodingEvent) -> DecodingRequest.Flow = { _ in .go }
  private(set) var records: [TokenRecord] = []
  private(set) var prefills: [[Int]] = []
  private(set) var rounds: [RoundRecord] = []

  init(
    _ settings: SamplerSettings = .neutral, drafter: (any Drafter)? = nil, capacity: Int = 200,
    keepsRejectedRows: Bool = false
  ) {
    model = ScriptedModel()
    cache = ScriptedCache(capacity: capacity, keepsRejectedRows: keepsRejectedRows)
    plan = DecodingPlan(
      model: model, cache: cache, drafter: drafter, verifier: SampleMatchVerifier(),
      sampler: SamplerChain(settings: settings), loop: SpeculativeLoop())
  }

  deinit { pool.shutDown() }

  var tokens: [TokenID] { records.map(\.sampled.token) }

  func run() throws -> FinishReason {
    let request = DecodingRequest(
      prompt: prompt, cachedCount: cachedCount, maximumTokens: maximumTokens,
      stopTokens: stopTokens, chunkLength: chunkLength, control: control
    ) { [self] event in
      switch event {
      case .prefill(let done, let total): prefills.append([done, total])
      case .token(let record): records.append(record)
      case .round(let round): rounds.append(round)
      }
      return onEvent(event)
    }
    return try plan.loop.run(request, plan: &plan, on: pool)
  }
}
