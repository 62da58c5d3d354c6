import Inference
import Runtime
import Synchronization

/// An engine with a fake model, and the means to follow its jobs.
struct EngineHarness {
  let engine: Engine
  let model: FakeModel

  init(
    model: FakeModel, tokenizer: FakeTokenizer = FakeTokenizer(), contextLength: Int = 1000,
    hasTemplate: Bool = true
  ) {
    self.model = model
    engine = Engine(threads: 1) { path, length throws(InferenceError) in
      if path == "missing" { throw InferenceError(.modelFile, "no such model") }
      var ready = EngineModel(
        model: model, tokenizer: tokenizer, template: nil, file: nil,
        summary: .fake(name: path, contextLength: length ?? contextLength))
      if hasTemplate { ready.template = { FakeTokenizer.render($0) } }
      return ready
    }
  }

  /// An engine that has its model already.
  static func loaded(
    model: FakeModel, tokenizer: FakeTokenizer = FakeTokenizer(), contextLength: Int = 1000,
    hasTemplate: Bool = true
  ) async -> EngineHarness {
    let harness = EngineHarness(
      model: model, tokenizer: tokenizer, contextLength: contextLength, hasTemplate: hasTemplate)
    _ = await harness.engine.submit(.load(path: "fake", contextLength: nil)).record()
    return harness
  }

  func generate(_ request: GenerateRequest) async -> JobLog {
    await engine.submit(.generate(request)).record()
  }
}

/// Everything that a job told.
struct JobLog {
  var events: [JobEvent] = []

  var text: String { chunks.map(\.text).joined() }
  var chunks: [TokenChunk] {
    events.compactMap { if case .tokens(let chunk) = $0 { chunk } else { nil } }
  }
  var tokens: [TokenID] { chunks.flatMap(\.records).map(\.sampled.token) }
  var provenance: Provenance? {
    if case .finished(let provenance) = events.last { provenance } else { nil }
  }
  var failure: InferenceError? {
    if case .failed(let error) = events.last { error } else { nil }
  }
  var started: (prompt: Int, reused: Int)? {
    for case .started(let prompt, let reused, _) in events { return (prompt, reused) }
    return nil
  }
  var profiles: [ProfileSample] {
    events.compactMap { if case .profile(let sample) = $0 { sample } else { nil } }
  }
}

extension Job {
  /// Follows the job to its end.
  func record(_ each: (JobEvent) -> Void = { _ in }) async -> JobLog {
    var log = JobLog()
    for await event in events {
      log.events.append(event)
      each(event)
    }
    return log
  }
}

extension ModelSummary {
  static func fake(name: String, contextLength: Int) -> ModelSummary {
    ModelSummary(
      name: name, path: name, architecture: "fake", format: "F32", parameters: 1, fileBytes: 1,
      shape: ModelShape(
        layers: 1, width: 1, heads: 1, kvHeads: 1, headDimension: 1, feedForward: 1,
        vocabulary: 320, contextLength: 4096),
      contextLength: contextLength, template: "fake", templateNote: nil, instructionSet: "",
      threads: 0, loadSeconds: 0)
  }
}

extension GenerateRequest {
  /// A greedy answer to one message.
  static func chat(_ text: String, maximumTokens: Int = 100, stops: [String] = []) -> Self {
    GenerateRequest(
      source: .chat([ChatTurn(role: .user, text: text)]), settings: .greedy,
      maximumTokens: maximumTokens, stopStrings: stops)
  }
}

/// The byte tokens of a text.
func bytes(_ text: String) -> [TokenID] { text.utf8.map { TokenID($0) } }

/// The token that a rendered prompt ends with.
let promptEnd = FakeTokenizer.firstPieceID + 5
