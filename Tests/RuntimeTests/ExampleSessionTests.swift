import Foundation
import Inference
import Runtime
import Testing

/// The sessions of the repository's folder of examples.
///
/// Recorded anew by `PACELINE_RECORD=1 swift test --filter ExampleSessionTests`.
@Suite(
  .serialized,
  .enabled(
    if: RealModels.smolLM2 != nil,
    "needs model SmolLM2-135M-Instruct: run `paceline models get smollm2-135m-instruct`"))
struct ExampleSessionTests {
  static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("sessions").path
  static let isRecording = ProcessInfo.processInfo.environment["PACELINE_RECORD"] == "1"

  @Test(.enabled(if: isRecording, "records the examples anew with PACELINE_RECORD=1"))
  func record() async throws {
    let model = URL(fileURLWithPath: try #require(RealModels.smolLM2))
    let hash = try ModelHash(file: nil).hash(of: model.path)
    let engine = Engine()
    let log = await engine.submit(.load(path: model.path, contextLength: 2048)).record()
    guard case .loaded(let summary) = log.events.last else {
      throw log.failure ?? InferenceError(.invalidRequest, "not loaded")
    }
    for talk in ExampleTalk.all {
      try? FileManager.default.removeItem(atPath: "\(Self.folder)/\(talk.name).jsonl")
      let writer = SessionWriter(
        newIn: Self.folder,
        header: SessionHeader(
          id: talk.name, created: "2026-03-01T12:30:00.000Z", program: "paceline",
          modelName: summary.name, modelPath: model.lastPathComponent, modelHash: hash,
          contextLength: summary.contextLength, threads: 2, instructionSet: ""))
      try await talk.lead(on: engine) { writer.append($0) }
      if let failure = writer.close() { throw failure }
    }
  }

  @Test func everyExampleReplaysTokenForToken() async throws {
    let model = URL(fileURLWithPath: try #require(RealModels.smolLM2))
    let examples = SessionStore(folder: Self.folder).list()
    #expect(examples.count >= ExampleTalk.all.count)
    let replay = Replay(
      engine: Engine(), hashes: ModelHash(file: nil),
      modelFolder: model.deletingLastPathComponent().path)
    for example in examples {
      let session = try SessionReader.read(example.path)
      let outcome = try await replay.run(session)
      #expect(outcome.divergence == nil, "\(example.id): \(String(describing: outcome.divergence))")
      #expect(outcome.notes == [], "\(example.id)")
      #expect(outcome.answers == session.answers.count)
      #expect(outcome.tokens > 0)
    }
  }
}
