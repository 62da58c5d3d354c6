import Compute
import Glibc
import Inference
import Methods
import Models
import TestSupport

/// A tiny model with a draft model that often agrees with it, to try methods on.
final class MethodLab {
  let target: LoadedModel
  let draft: LoadedModel
  let tokenizer: any Tokenizer
  let pool = WorkerPool(count: 2, adapts: false)
  /// Weights of our own, by name.
  var weights: [String: any WeightFile] = [:]
  var memory = MethodMemory()
  /// Changed before each run, to break something on purpose.
  var sabotage: (inout DecodingPlan) -> Void = { _ in }
  /// The target's file, for methods that read it while it computes.
  private let path = "/tmp/paceline-lab-\(getpid())-\(UInt64.random(in: 0...UInt64.max)).gguf"

  init(architecture: String = "llama") throws {
    let tiny = TinyModel(architecture: architecture, format: .f16)
    try tiny.writer().write(to: path)
    target = try ModelLoader.load(path: path)
    // The same weights after coarse rounding: it agrees often, but not always.
    draft = try TinyModel(architecture: architecture, format: .q4_0).load()
    tokenizer = try TokenizerLoader.load(from: target.gguf)
  }

  deinit {
    pool.shutDown()
    unlink(path)
  }

  struct Outcome: Equatable {
    var tokens: [TokenID]
    var finish: FinishReason
    var rounds: RoundTotals
  }

  var context: MethodContext {
    var context = MethodContext(
      tokenizer: tokenizer, pool: pool, contextLength: 256, modelName: "tiny", memory: memory)
    context.draftModel = { [draft] () throws(InferenceError) in draft.model }
    context.weights = { [weights] name throws(InferenceError) in
      guard let file = weights[name] else {
        throw InferenceError(.invalidRequest, "there are no weights called \(name)")
      }
      return file
    }
    context.streamed = { [target] (options: StreamingOptions) throws(InferenceError) in
      // Not all of the tiny model fits.
      var options = options
      options.byteCap = min(options.byteCap, target.model.weightByteCount - 1)
      return try target.streamed(options)
    }
    return context
  }

  /// A prompt that repeats itself, as texts do.
  static let prompt: [TokenID] = {
    let phrase: [TokenID] = [40, 51, 62, 73, 84, 95]
    return [11, 12] + phrase + [20, 21] + phrase + [30, 31] + phrase.prefix(3)
  }()

  func run(
    _ selection: MethodSelection, settings: SamplerSettings, prompt: [TokenID] = prompt,
    maximumTokens: Int = 48
  ) throws -> Outcome {
    var plan = DecodingPlan(
      model: target.model, cache: try target.model.makeCache(capacity: 256),
      verifier: SampleMatchVerifier(), sampler: SamplerChain(settings: settings),
      loop: SpeculativeLoop())
    try plan.install(MethodCatalog.all.make(selection), context: context)
    if selection.isGoverned, plan.drafter != nil {
      plan.governor = Governor(curve: CostCurve(base: 1e6))
    }
    sabotage(&plan)
    var outcome = Outcome(tokens: [], finish: .cancelled, rounds: RoundTotals())
    let request = DecodingRequest(
      prompt: prompt, maximumTokens: maximumTokens, stopTokens: [], chunkLength: 7
    ) { event in
      switch event {
      case .prefill: break
      case .token(let record): outcome.tokens.append(record.sampled.token)
      case .round(let round): outcome.rounds.add(round)
      }
      return .go
    }
    outcome.finish = try plan.loop.run(request, plan: &plan, on: pool)
    return outcome
  }
}

extension SamplerSettings {
  /// Draws from nearly the whole distribution.
  static func drawn(seed: UInt64) -> SamplerSettings {
    var settings = SamplerSettings()
    settings.temperature = 0.9
    settings.seed = seed
    return settings
  }
}
