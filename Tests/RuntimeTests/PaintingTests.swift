import Foundation
import Inference
import Methods
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
      ("next-scale", toys), ("raster-scan", toys), ("flexible-scales", toys), ("denoiser", toys),
      ("student", toys), ("judges", toys),
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

  @Test(arguments: ["next-scale", "flow"])
  func fewerPreviewsChangeNothingButWhatIsShown(_ id: String) async throws {
    try await withWeights { engine in
      func pictures(_ previews: Double) async throws -> [Picture] {
        var request = PaintingRequest(description: "star", seed: 5)
        request.methods = [MethodChoice(id, values: ["previews": previews])]
        return try #require(await self.report(request, engine)).steps.map(\.picture)
      }
      let (all, two, one) = (try await pictures(10), try await pictures(2), try await pictures(1))
      #expect(two.first == all.first && two.last == all.last && Set(two).count <= 3)
      #expect(one.last == all.last)
      let size = try #require(all.first)
      let empty = Picture(width: size.width, height: size.height) { _, _ in -1 }
      #expect(one.dropLast().allSatisfy { $0 == empty }, "only the last one is decoded")
      var unseen = PaintingRequest(
        description: "star", seed: 5, methods: [MethodChoice(id)], isWatched: false)
      #expect(try #require(await self.report(unseen, engine)).steps.map(\.picture) == one)
      unseen.methods = [MethodChoice(id, values: ["previews": 2])]
      #expect(try #require(await self.report(unseen, engine)).steps.map(\.picture) == two)
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

  /// Every method of the catalogue paints with its own weights, alone or with the painter that it changes.
  @Test(arguments: MethodCatalog.painting.map(\.card.id))
  func everyMethodPaintsAndRepeats(_ id: String) async throws {
    // The toy's flexible networks end at another size than the trained ones, which the method counts on.
    guard id != "flexible-scales" else { return }
    try await withWeights { engine in
      var choice = MethodChoice(id)
      if ["ddpm", "ddim"].contains(id) { choice.values["steps"] = 20 }
      var methods = [choice]
      let entry = try MethodCatalog.painting.named(id)
      if !entry.card.slots.contains(.painter) {
        methods.append(MethodChoice(try #require(entry.baseline), values: ["steps": 6]))
      }
      let request = PaintingRequest(description: "a red heart", seed: 5, methods: methods)
      let report = try #require(await report(request, engine))
      #expect(report.steps.last?.isLast == true && report.picture?.width == 16)
      #expect(try #require(report.agreement) >= -1 && report.byteCount > 0)
      #expect(report.steps.allSatisfy { $0.evaluations > 0 })
      #expect(await self.report(request, engine)?.steps == report.steps)
      // What only changes a painter finds it by itself.
      let alone = PaintingRequest(description: "a red heart", seed: 5, methods: [choice])
      #expect(await self.report(alone, engine) != nil)
    }
  }

  /// With the weights that ship: the toy's end at another size.
  @Test(arguments: [(64, 6), (96, 6), (128, 8)])
  func flexibleScalesPaintTheSizeThatIsAskedFor(_ size: Int, _ scales: Int) async throws {
    var supplies = MethodSupplies.methodsOnly
    supplies.weightsFolder = RealModel.assets + "/weights"
    let engine = Engine(threads: 2, supplies: supplies)
    let choice = MethodChoice(
      "flexible-scales", values: ["size": Double(size), "scales": Double(scales)])
    let request = PaintingRequest(description: "red heart", seed: 1, methods: [choice])
    let report = try #require(await report(request, engine))
    #expect(report.picture?.width == size && report.picture?.height == size)
    #expect(report.steps.count == scales + (size - 64) / 32)
    #expect(try #require(report.agreement) > 0.2, "it looks like what was asked for")
  }

  @Test func aBranchOfADenoisingPainterKeepsWhatIsBeforeIt() async throws {
    try await withWeights { engine in
      let flow = [MethodChoice("flow", values: ["steps": 6])]
      let request = PaintingRequest(description: "star", seed: 5, methods: flow)
      var branched = request
      branched.branches = [PaintingBranch(step: 3, seed: 77)]
      let first = try #require(await report(request, engine))
      let second = try #require(await report(branched, engine))
      #expect(first.steps.prefix(3) == second.steps.prefix(3))
      #expect(first.steps[3].picture != second.steps[3].picture)
    }
  }

  @Test func aSearchKeepsWhatItsJudgeLikesBest() async throws {
    try await withWeights { engine in
      let methods = [
        MethodChoice("noise-search", values: ["tries": 4, "rounds": 3, "search-steps": 2]),
        MethodChoice("flow", values: ["steps": 2]),
      ]
      let request = PaintingRequest(description: "star", seed: 5, methods: methods)
      let report = try #require(await report(request, engine))
      #expect(report.steps.map(\.candidates.count) == [4, 4, 4, 0])
      let best = report.steps.flatMap(\.candidates).max {
        ($0.score ?? -2) < ($1.score ?? -2)
      }
      // The last picture is painted from the same noise with as many steps: it is the best try.
      #expect(report.picture == best?.picture)
      #expect(report.steps[2].picture == best?.picture)
      // Two passes a step: three rounds of four in two steps, and the last picture.
      #expect(abs((report.steps.last?.evaluations ?? 0) - 52) < 1e-9)
    }
  }

  @Test func particlesAreDrawnFromThoseThatCount() async throws {
    try await withWeights { engine in
      let methods = [
        MethodChoice(
          "particle-steering", values: ["particles": 6, "every": 2, "spread": 1, "strength": 50]),
        MethodChoice("ddim", values: ["steps": 8]),
      ]
      let report = try #require(
        await report(
          PaintingRequest(description: "star", seed: 5, methods: methods), engine))
      let drawn = report.steps.filter { $0.candidates.contains { $0.parent != nil } }
      #expect(drawn.map(\.index) == [1, 3, 5], "every second step but the last one")
      for step in drawn {
        for candidate in step.candidates {
          let parent = try #require(candidate.parent)
          #expect((0..<6).contains(parent) && candidate.score != nil)
        }
      }
      // Copies have the score of what they are copies of, and part again.
      let copies = drawn[0].candidates
      let pairs = copies.indices.flatMap { a in (a + 1..<copies.count).map { (a, $0) } }.filter {
        copies[$0].parent == copies[$1].parent
      }
      #expect(!pairs.isEmpty && pairs.allSatisfy { copies[$0] == copies[$1] })
      let later = report.steps[3].candidates
      #expect(Set(later.compactMap(\.score)).count > 1)
      #expect(
        report.picture
          == report.steps.last?.candidates.max { ($0.score ?? -2) < ($1.score ?? -2) }?.picture)
    }
  }

  /// What is asked while a picture is painted is done between two steps; another picture waits.
  @Test func textDoesNotWaitForAPicture() async throws {
    try await withWeights { engine in
      let long = [MethodChoice("ddpm", values: ["steps": 300])]
      let picture = engine.submit(
        .paint(PaintingRequest(description: "star", seed: 1, methods: long)))
      var steps = 0
      var asked: Task<Int, Never>?
      var report: PaintingReport?
      for await event in picture.events {
        switch event {
        case .painting(.step(let step, _)):
          steps += 1
          guard step.index == 0 else { continue }
          let question = engine.submit(.prepare(.none))
          asked = Task {
            var failures = 0
            for await event in question.events { if case .failed = event { failures += 1 } }
            return failures
          }
        case .painting(.finished(let finished)):
          // There is no model: the question was answered with an error, long before the picture was done.
          #expect(await asked?.value == 1)
          report = finished
        default: break
        }
      }
      #expect(steps == 300 && report?.isCancelled == false)
    }
  }

  @Test func productsInIntegersTakeMemoryOfTheirOwn() async throws {
    try await withWeights { engine in
      let flow = MethodChoice("flow", values: ["steps": 2])
      let floats = try #require(
        await report(PaintingRequest(description: "star", seed: 1, methods: [flow]), engine))
      let integers = PaintingRequest(
        description: "star", seed: 1, methods: [flow, MethodChoice("int8")])
      let report = try #require(await report(integers, engine))
      #expect(report.byteCount > floats.byteCount && report.picture != floats.picture)
      // What other painters loaded is not theirs.
      let scales = PaintingRequest(description: "star", seed: 1)
      #expect(await self.report(scales, engine) != nil)
      let again = PaintingRequest(description: "star", seed: 1, methods: [flow])
      #expect(await self.report(again, engine)?.byteCount == floats.byteCount)
    }
  }

  @Test func whatNeedsAPainterThatTakesNoiseAwaySaysSo() async throws {
    try await withWeights { engine in
      for id in ["encoder-reuse", "noise-search", "particle-steering"] {
        let request = PaintingRequest(
          description: "star", seed: 1, methods: [MethodChoice(id), MethodChoice("next-scale")])
        let error = await failure(request, engine)
        #expect(error?.message.contains("takes noise away") == true)
      }
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
