import Inference
import Runtime

/// Has the engine run races one after the other, and tells how far it is.
struct RaceRunner {
  private let engine: Engine
  private let interruption: Interruption
  private var line = ProgressLine()
  private var isWarm = false
  private var count = 0
  private(set) var modelName = ""
  private var hasTemplate = false

  init(engine: Engine, interruption: Interruption) {
    self.engine = engine
    self.interruption = interruption
  }

  /// How often and with what settings prompts are answered.
  struct Plan {
    var settings: [SamplerSettings]
    var repeats: Int
    var limit: Int?
    var maximumTokens: Int?
    var isCold: Bool
    var keepsPrompts: Bool
  }

  mutating func load(_ path: String, contextLength: Int) async throws(InferenceError) {
    let summary = try await engine.load(path, contextLength: contextLength)
    modelName = summary.name
    hasTemplate = summary.template != nil
    isWarm = false
  }

  /// Has what methods need loaded and measured.
  ///
  /// - Throws: what they lack.
  func prepare(_ lane: MethodSelection) async throws {
    for await event in engine.submit(.prepare(lane)).events {
      if case .failed(let error) = event { throw error }
    }
  }

  /// Every prompt of a set, with all settings, so many times.
  ///
  /// - Throws: what the engine throws; `ExitStatus.interrupted` after C-c.
  mutating func race(
    _ lanes: [MethodSelection], on set: RacePrompts, plan: Plan
  ) async throws -> [RaceResult] {
    var results: [RaceResult] = []
    let entries = set.entries.prefix(plan.limit ?? .max)
    let total = plan.repeats * plan.settings.count * entries.count
    isWarm = false
    for number in 0..<plan.repeats {
      for (place, entry) in entries.enumerated() {
        for (variant, settings) in plan.settings.enumerated() {
          line.show(
            "\(modelName) \(lanes.dropLast().map(\.title).joined(separator: ", ")) \(set.name) "
              + "\(results.count + 1)/\(total)")
          var request = RaceRequest(
            source: entry.source(hasTemplate: hasTemplate), settings: settings,
            maximumTokens: plan.maximumTokens ?? entry.maxTokens ?? 128, lanes: lanes,
            mode: .solo(
              repeats: 1, warmsUp: !isWarm, startsReversed: (number + place + variant) % 2 == 1))
          if !plan.isCold { request.memory = "\(count) \(variant)" }
          request.keepsPrompt = plan.keepsPrompts
          results.append(try await result(of: request))
          isWarm = true
        }
      }
      count += 1
    }
    line.clear()
    return results
  }

  private mutating func result(of request: RaceRequest) async throws -> RaceResult {
    let job = engine.submit(.race(request))
    interruption.onInterrupt { job.cancel() }
    defer { interruption.onInterrupt(nil) }
    for await event in job.events {
      switch event {
      case .race(.finished(let result)): return result
      case .contextFull(let needed, let capacity):
        line.clear()
        throw InferenceError(
          .contextFull, "a prompt has \(needed) tokens and the context \(capacity): give --context")
      case .failed(let error):
        line.clear()
        if error.code == .cancelled { throw ExitStatus.interrupted }
        throw error
      default: break
      }
    }
    throw InferenceError(.cancelled, "the race ended early")
  }
}
