import Foundation
import Inference
import Runtime
import TestSupport
import Testing

/// Pictures as jobs of the engine, with small networks of random weights.
@Suite struct PaintingTests {
  /// A folder of weights: the toy networks in the places of the trained ones, and the closed vocabulary.
  private func withWeights(
    without missing: String? = nil, _ body: (Engine) async throws -> Void
  ) async throws {
    let folder = NSTemporaryDirectory() + "/" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let toys =
      (RealModel.assets as NSString).deletingLastPathComponent
      + "/Tests/ModelsTests/Fixtures/toy-pictures.bin"
    let files = [
      ("next-scale", toys), ("raster-scan", toys),
      ("captions", RealModel.assets + "/weights/captions.gguf"),
    ]
    for (name, source) in files where name != missing {
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/\(name).gguf", withDestinationPath: source)
    }
    var supplies = MethodSupplies.methodsOnly
    supplies.weightsFolder = folder
    try await body(Engine(threads: 2, supplies: supplies))
  }

  private func events(_ request: PaintingRequest, _ engine: Engine) async -> [JobEvent] {
    var events: [JobEvent] = []
    for await event in engine.submit(.paint(request)).events { events.append(event) }
    return events
  }

  private func report(_ request: PaintingRequest, _ engine: Engine) async -> PaintingReport? {
    for event in await events(request, engine) {
      if case .painting(.finished(let report)) = event { return report }
    }
    return nil
  }

  private func failure(_ request: PaintingRequest, _ engine: Engine) async -> InferenceError? {
    for event in await events(request, engine) {
      if case .failed(let error) = event { return error }
    }
    return nil
  }

  @Test func aPictureComesStepByStepAndRepeats() async throws {
    try await withWeights { engine in
      let request = PaintingRequest(description: "a red heart", seed: 5)
      let events = await events(request, engine)
      var steps: [PaintingStep] = []
      for event in events {
        if case .painting(.step(let step, let cost)) = event {
          steps.append(step)
          #expect(cost.seconds > 0 && cost.operations.totalNanoseconds > 0)
        }
      }
      #expect(steps.map(\.index) == [0, 1, 2, 3] && steps.last?.isLast == true)
      #expect(steps.map(\.tokens) == [1, 5, 14, 30])
      let report = try #require(await report(request, engine))
      #expect(report.steps == steps && report.picture?.width == 16)
      let other = PaintingRequest(description: "a red heart", seed: 6)
      #expect(await self.report(other, engine)?.steps != steps)
    }
  }

  @Test func aBranchKeepsWhatIsBeforeIt() async throws {
    try await withWeights { engine in
      let request = PaintingRequest(description: "star", seed: 5)
      var branched = request
      branched.branches = [PaintingBranch(step: 2, seed: 77)]
      let first = try #require(await report(request, engine))
      let second = try #require(await report(branched, engine))
      #expect(first.steps.prefix(2) == second.steps.prefix(2))
      #expect(first.steps[2].picture != second.steps[2].picture)
      // The seed of the branch is all that counts from there on.
      branched.branches = [PaintingBranch(step: 2, seed: 5)]
      #expect(await report(branched, engine)?.steps == first.steps)
    }
  }

  @Test func painterAndKnobsAreTheRequests() async throws {
    try await withWeights { engine in
      let raster = PaintingRequest(
        description: "star", seed: 5, methods: [MethodChoice("raster-scan")])
      let report = try #require(await report(raster, engine))
      #expect(report.steps.last?.evaluations == 30)
      let guided = PaintingRequest(
        description: "star", seed: 5,
        methods: [MethodChoice("raster-scan", values: ["guidance": 2])])
      #expect(
        await self.report(guided, engine)?.steps.last?.evaluations == 60,
        "each token with and without the words")
      let short = PaintingRequest(
        description: "star", seed: 5, methods: [MethodChoice("next-scale", values: ["scales": 2])])
      #expect(await self.report(short, engine)?.steps.count == 2)
    }
  }

  @Test func whatCannotBePaintedIsSaidInWords() async throws {
    try await withWeights { engine in
      let cases: [(PaintingRequest, String)] = [
        (PaintingRequest(description: "  ", seed: 1), "say what to paint"),
        (PaintingRequest(description: "qwertyish", seed: 1), "minilm"),
        (
          PaintingRequest(
            description: "star", seed: 1, methods: [MethodChoice("lookahead-trie")]),
          "no method is called lookahead-trie"
        ),
        (
          PaintingRequest(
            description: "star", seed: 1,
            methods: [MethodChoice("next-scale", values: ["guidance": 99])]),
          "out of range"
        ),
        (
          PaintingRequest(
            description: "star", seed: 1,
            methods: [MethodChoice("next-scale"), MethodChoice("raster-scan")]),
          "painter"
        ),
      ]
      for (request, words) in cases {
        let error = await failure(request, engine)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "no error")")
      }
      // What is not known of a description is named, and the rest is painted.
      let events = await events(
        PaintingRequest(description: "a qwertyish red heart", seed: 1), engine)
      guard case .painting(.started(let steps, let note)) = events.first else {
        Issue.record("nothing was painted")
        return
      }
      #expect(steps == 4 && note?.contains("qwertyish") == true)
    }
  }

  @Test(arguments: ["next-scale", "captions"])
  func missingWeightsAreNamed(_ file: String) async throws {
    try await withWeights(without: file) { engine in
      let error = await failure(PaintingRequest(description: "star", seed: 1), engine)
      #expect(error?.code == .modelFile && error?.message.contains("\(file).gguf") == true)
    }
  }

  @Test func aCancelledPictureKeepsItsSteps() async throws {
    try await withWeights { engine in
      let job = engine.submit(.paint(PaintingRequest(description: "star", seed: 1)))
      var report: PaintingReport?
      for await event in job.events {
        switch event {
        case .painting(.step(let step, _)) where step.index == 0: job.cancel()
        case .painting(.finished(let finished)): report = finished
        default: break
        }
      }
      let finished = try #require(report)
      #expect(finished.steps.count >= 1 && finished.isCancelled == (finished.steps.count < 4))
    }
  }
}
