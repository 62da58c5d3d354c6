import Compute
import Foundation
import Inference
import Models
import Testing

/// Networks that take noise away, and the ways to use them, against PyTorch with the same small weights (see
/// assets/training/pictures/reference.py).
@Suite struct DenoisingTests {
  struct Reference: Decodable {
    struct Walk: Decodable {
      var kind: String
      var steps: Int
      var eta: Double
      var cosine: Bool
      var every: Int
      var picture: [Float]
    }
    var text: [Float]
    var mapsIn: [Float]
    var times: [Float]
    var velocities: [Float]
    var walks: [Walk]
    var seen: [UInt8]
    var features: [Float]
    var caption: [Float]
  }

  let reference: Reference
  let file: GGUFWeightFile
  let pool: WorkerPool
  let text: TextVector

  init() throws {
    let folder = (#filePath as NSString).deletingLastPathComponent + "/Fixtures"
    let data = try Data(contentsOf: URL(filePath: folder + "/toy-pictures.json"))
    reference = try JSONDecoder().decode(Reference.self, from: data)
    file = try GGUFWeightFile(path: folder + "/toy-pictures.bin")
    pool = WorkerPool(count: 2)
    text = try #require(TextVector(reference.text))
  }

  private func difference(_ a: [Float], _ b: [Float]) -> Float {
    #expect(a.count == b.count)
    return zip(a, b).map { abs($0 - $1) }.max() ?? 0
  }

  private func rows(_ times: [Float], copies: Int = 1) -> [DenoiserRow] {
    times.map { DenoiserRow(time: $0, text: $0 == times[0] ? text : nil) }
  }

  @Test func velocitiesAreThoseOfPyTorch() throws {
    defer { pool.shutDown() }
    let denoiser = try MapDenoiser(file, prefix: "denoiser", on: MapCompute(pool: pool))
    let maps = Buffer(count: reference.mapsIn.count)
    maps.replace(at: 0, with: reference.mapsIn)
    let rows = rows(reference.times)
    let found = denoiser.encode(maps, rows).decode(rows)
    #expect(difference(found.array(0..<found.count), reference.velocities) < 1e-4)
    #expect(denoiser.encoderShare > 0.2 && denoiser.encoderShare < 0.8)
  }

  /// What the encoder found serves several times of the decoder at once, to the last bit.
  @Test func decodingTogetherIsDecodingOneByOne() throws {
    defer { pool.shutDown() }
    let denoiser = try MapDenoiser(file, prefix: "denoiser", on: MapCompute(pool: pool))
    let maps = Buffer(count: reference.mapsIn.count)
    maps.replace(at: 0, with: reference.mapsIn)
    let (first, second) = (rows([0.9, 0.8]), rows([0.5, 0.4]))
    let features = denoiser.encode(maps, first)
    let together = features.decode(first + second)
    let apart = [features.decode(first), features.decode(second)]
    #expect(
      together.array(0..<together.count) == apart.flatMap { $0.array(0..<$0.count) })
  }

  private func painter(_ walk: Reference.Walk, on compute: MapCompute) throws -> DenoisingPainter {
    var settings = DenoisingSettings(steps: walk.steps)
    settings.guidance = 2
    let straight = NoiseSchedule.straight(steps: walk.steps)
    let curved = NoiseSchedule.curved(steps: walk.steps, isCosine: walk.cosine)
    let ways: [String: ([NoisePoint], NoiseSolver)] = [
      "flow": (straight, .first(share: 0)), "heun": (straight, .heun),
      "multistep": (straight, .multistep), "student": (straight, .anew),
      "ddim": (curved, .first(share: walk.eta)), "ddpm": (curved, .first(share: 1)),
    ]
    let (points, solver) = try #require(ways[walk.kind])
    var painter = try DenoisingPainter(
      tokenizer: ScaleTokenizer(file, on: compute),
      denoiser: MapDenoiser(
        file, prefix: walk.kind == "student" ? "student" : "denoiser", on: compute),
      settings: settings, points: points, solver: solver)
    if walk.every > 0 { painter.reuse = FeatureReuse(every: walk.every, injection: 0) }
    return painter
  }

  private func paint(_ painter: DenoisingPainter, seed: UInt64) throws -> [PaintingStep] {
    let run = painter.begin(PaintingSubject(text: text, seed: seed))
    return try (0..<run.stepCount).map { _ in try run.step() }
  }

  @Test(arguments: 0..<8) func picturesAreThoseOfPyTorch(number: Int) throws {
    defer { pool.shutDown() }
    let walk = reference.walks[number]
    let steps = try paint(painter(walk, on: MapCompute(pool: pool)), seed: 3)
    let found = try #require(steps.last?.picture)
    let wanted = Picture(width: found.width, height: found.height) { walk.picture[4 * $0 + $1] }
    let worst = zip(found.pixels, wanted.pixels).map { abs(Int($0) - Int($1)) }.max()
    #expect(try #require(worst) <= 1, "\(walk.kind)")
  }

  @Test func passesAreCountedInFull() throws {
    defer { pool.shutDown() }
    let compute = MapCompute(pool: pool)
    func passes(_ number: Int) throws -> Double {
      try #require(paint(painter(reference.walks[number], on: compute), seed: 3).last).evaluations
    }
    #expect(abs(try passes(0) - 12) < 1e-9, "six steps, each with and without the words")
    #expect(abs(try passes(1) - 14) < 1e-9, "the last of four steps looks at one end only")
    #expect(abs(try passes(3) - 3) < 1e-9, "guidance is within")
    let reused = try passes(7)
    let share = try MapDenoiser(file, prefix: "denoiser", on: compute).encoderShare
    #expect(abs(reused - (20 - 12 * share)) < 1e-9, "four of ten steps run the encoder")
  }

  @Test func bitsDoNotDependOnThreads() throws {
    pool.shutDown()
    var pictures: [[Picture]] = []
    for threads in 1...3 {
      let pool = WorkerPool(count: threads)
      defer { pool.shutDown() }
      let painter = try painter(reference.walks[6], on: MapCompute(pool: pool))
      pictures.append(try paint(painter, seed: 9).map(\.picture))
    }
    #expect(pictures[0] == pictures[1] && pictures[1] == pictures[2])
  }

  @Test func aJudgeSeesWhatPyTorchSees() throws {
    defer { pool.shutDown() }
    let judge = try ConvolutionJudge(file, prefix: "judge", on: MapCompute(pool: pool))
    let half = reference.seen.count / 2
    let pictures = try [0, half].map {
      try #require(Picture(width: 16, height: 16, pixels: Array(reference.seen[$0..<$0 + half])))
    }
    let opinions = judge.look(at: pictures)
    #expect(difference(opinions.flatMap(\.features), reference.features) < 1e-4)
    #expect(difference(opinions.flatMap(\.caption), reference.caption) < 1e-4)
    #expect(judge.look(at: [pictures[1]])[0] == opinions[1])
    let own = try #require(TextVector(opinions[0].caption))
    #expect(abs(opinions[0].agreement(with: own) - 1) < 1e-5)
  }

  @Test func schedulesRunFromNoiseToPicture() {
    for points in [
      NoiseSchedule.straight(steps: 7, shift: 3), NoiseSchedule.linear(steps: 50),
      NoiseSchedule.cosine(steps: 1000),
    ] {
      #expect(points.last == NoisePoint(picture: 1, noise: 0))
      #expect(points[0].time > 0.98)
      #expect(zip(points, points.dropFirst()).allSatisfy { $0.time > $1.time })
    }
    #expect(NoiseSchedule.straight(steps: 4, shift: 3)[2].time == 0.75)
  }
}
