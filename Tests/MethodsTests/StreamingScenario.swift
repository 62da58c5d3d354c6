import Compute
import Glibc
import Inference
import Methods
import Models
import TestSupport
import Testing

/// A large and a small made-up model of one vocabulary, and runs of the decoding loop with methods over them.
final class StreamingScenario {
  let path: String
  let large: LoadedModel
  let small: any LanguageModel
  let pool: WorkerPool
  let memory = MethodMemory()
  let prompt: [TokenID] = [40, 41, 77, 90, 41, 77, 90, 120, 33, 60, 61]
  private(set) var rounds: [RoundRecord] = []
  private(set) var drafter: (any Drafter)?
  var control = DecodingControl()
  var onRound: (RoundRecord) -> Void = { _ in }

  /// - Parameter isTwin: whether the small model is the large one once more, so that its drafts are right.
  init(isTwin: Bool = false, threads: Int = 2) throws {
    var tiny = TinyModel(architecture: "qwen2", format: .f32)
    tiny.layers = 3
    tiny.feedForward = 256
    path = "/tmp/paceline-methods-\(getpid())-\(UInt64.random(in: 0...UInt64.max)).gguf"
    try tiny.writer().write(to: path)
    large = try ModelLoader.load(path: path)
    if isTwin {
      small = try ModelLoader.load(path: path).model
    } else {
      // The same embedding and first layer, and none of the others.
      tiny.layers = 1
      small = try tiny.load().model
    }
    pool = WorkerPool(count: threads)
  }

  deinit {
    pool.shutDown()
    unlink(path)
  }

  func context() throws -> MethodContext {
    let (large, small) = (large, small)
    return MethodContext(
      tokenizer: try TokenizerLoader.load(from: large.gguf), pool: pool, contextLength: 200,
      memory: memory,
      draftModel: { () throws(InferenceError) in small },
      streamed: { (options: StreamingOptions) throws(InferenceError) in
        try large.streamed(options)
      })
  }

  func plan(_ methods: [any DecodingMethod], _ settings: SamplerSettings) throws -> DecodingPlan {
    var plan = DecodingPlan(
      model: large.model, cache: try large.model.makeCache(capacity: 200),
      verifier: SampleMatchVerifier(), sampler: SamplerChain(settings: settings),
      loop: SpeculativeLoop())
    try plan.install(methods, context: try context())
    drafter = plan.drafter
    return plan
  }

  func request(
    _ tokens: Int, emit: @escaping (TokenID) -> Void
  ) -> DecodingRequest {
    DecodingRequest(
      prompt: prompt, maximumTokens: tokens, stopTokens: [], control: control
    ) { [self] event in
      switch event {
      case .token(let record): emit(record.sampled.token)
      case .round(let round):
        rounds.append(round)
        onRound(round)
      case .prefill: break
      }
      return .go
    }
  }

  /// The tokens of an answer.
  func run(
    _ methods: [any DecodingMethod] = [], _ settings: SamplerSettings = .greedy, tokens: Int = 48
  ) throws -> [TokenID] {
    var plan = try plan(methods, settings)
    return try run(&plan, tokens: tokens)
  }

  func run(_ plan: inout DecodingPlan, tokens: Int = 48) throws -> [TokenID] {
    rounds = []
    var answer: [TokenID] = []
    _ = try plan.loop.run(
      request(tokens) { answer.append($0) }, plan: &plan, on: pool)
    return answer
  }

  var totals: RoundTotals {
    rounds.reduce(into: RoundTotals()) { $0.add($1) }
  }
}
