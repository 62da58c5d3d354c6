import Compute
import Inference

/// Reads the prompt once, then lets all writers go on, one row of each in every pass.
struct HogwildLoop: DecodingLoop {
  let method: HogwildWorkers
  let tokenizer: any Tokenizer

  func start(
    _ request: DecodingRequest, plan: DecodingPlan, on pool: WorkerPool
  ) throws(InferenceError) -> any DecodingRun {
    try request.checkPrompt(vocabulary: plan.model.shape.vocabulary)
    return try HogwildRun(self, request, plan: plan, pool: pool)
  }
}

/// One of the writers.
struct HogwildWriter {
  let cache: HogwildCache
  /// The prompt and its own text, what it was handed included.
  var history: TokenHistory
  /// Tokens that it has not read yet; the last one's row gives its next token.
  var pending: [TokenID]
  var sampler: SamplerChain
  /// Tokens that it chose.
  var written = 0
  /// Steps begun.
  var step = 1
  var end = HogwildStepEnd()
  var hasEnded = false

  /// Takes settings over, with random numbers of its own; the first writer's are those of a single one.
  mutating func take(_ settings: SamplerSettings, as index: Int) {
    sampler.settings = settings
    sampler.settings.seed = settings.seed &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15
  }
}
