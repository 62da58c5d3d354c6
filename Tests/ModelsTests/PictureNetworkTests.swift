import Compute
import Foundation
import Inference
import Models
import Testing

/// The picture networks against what PyTorch computes with the same small weights (see
/// assets/training/pictures/reference.py).
@Suite struct PictureNetworkTests {
  struct Reference: Decodable {
    struct Case: Decodable {
      var seed: UInt64
      var raster: Bool
      var tokens: [[Int]]
      var pictures: [[Float]]
    }
    var text: [Float]
    var maps: [[Float]]
    var told: [Float]
    var logits: [Float]
    var cases: [Case]
  }

  static let folder = (#filePath as NSString).deletingLastPathComponent + "/Fixtures"

  let reference: Reference
  let file: GGUFWeightFile
  let pool: WorkerPool

  init() throws {
    let data = try Data(contentsOf: URL(filePath: Self.folder + "/toy-pictures.json"))
    reference = try JSONDecoder().decode(Reference.self, from: data)
    file = try GGUFWeightFile(path: Self.folder + "/toy-pictures.bin")
    pool = WorkerPool(count: 2)
  }

  private func text() throws -> TextVector { try #require(TextVector(reference.text)) }

  private func difference(_ a: [Float], _ b: [Float]) -> Float {
    #expect(a.count == b.count)
    return zip(a, b).map { abs($0 - $1) }.max() ?? 0
  }

  @Test func mapsOfTokensAreThoseOfPyTorch() throws {
    defer { pool.shutDown() }
    let tokenizer = try ScaleTokenizer(file, on: MapCompute(pool: pool))
    let total = tokenizer.emptyMap(pictures: 1)
    var told: [Float] = []
    for (scale, tokens) in reference.cases[0].tokens.enumerated() {
      if scale > 0 { told += tokenizer.smaller(total, pictures: 1, scale: scale) }
      tokenizer.add(tokens, scale: scale, to: total)
      #expect(difference(total.array(0..<total.count), reference.maps[scale]) < 1e-4)
    }
    #expect(difference(told, reference.told) < 1e-4)
  }

  @Test func logitsAreThoseOfPyTorch() throws {
    defer { pool.shutDown() }
    let model = try ScaleTransformer(file, prefix: "scales", on: MapCompute(pool: pool))
    let sequences = model.begin([try text(), nil])
    let latent = reference.told.count / 29
    var found = [[Float]](repeating: [], count: 2)
    for side in model.scales {
      let rows = side * side
      let first = (sequences.count - 1) * latent
      let told = side == 1 ? [] : Array(reference.told[first..<first + rows * latent])
      let logits = sequences.logits(told: told + told, rows: rows)
      for sequence in 0..<2 {
        found[sequence] += logits.array(
          sequence * rows * model.codes..<(sequence + 1) * rows * model.codes)
      }
    }
    #expect(difference(found[0] + found[1], reference.logits) < 2e-4)
  }

  @Test(arguments: 0..<4) func picturesAreThoseOfPyTorch(number: Int) throws {
    defer { pool.shutDown() }
    let expected = reference.cases[number]
    let compute = MapCompute(pool: pool)
    var settings = TokenPaintingSettings()
    (settings.guidance, settings.guidanceFloor) = (3, 1)
    (settings.topK, settings.topP, settings.temperature) = (40, 0.96, 1)
    let painter = try TokenPainter(
      tokenizer: ScaleTokenizer(file, on: compute),
      transformer: ScaleTransformer(
        file, prefix: expected.raster ? "raster" : "scales", on: compute),
      settings: settings, isRaster: expected.raster)
    let run = painter.begin(PaintingSubject(text: try text(), seed: expected.seed))
    for (index, wanted) in expected.pictures.enumerated() {
      let step = try run.step()
      let picture = Picture(width: step.picture.width, height: step.picture.height) {
        wanted[4 * $0 + $1]
      }
      #expect(step.index == index && step.count == expected.pictures.count)
      let worst = zip(step.picture.pixels, picture.pixels).map { abs(Int($0) - Int($1)) }.max()
      #expect(try #require(worst) <= 1)
    }
    #expect(throws: InferenceError.self) { try run.step() }
  }

  @Test func bitsDoNotDependOnThreads() throws {
    var pictures: [[Picture]] = []
    for threads in 1...3 {
      let pool = WorkerPool(count: threads)
      defer { pool.shutDown() }
      let compute = MapCompute(pool: pool)
      let painter = try TokenPainter(
        tokenizer: ScaleTokenizer(file, on: compute),
        transformer: ScaleTransformer(file, prefix: "scales", on: compute),
        settings: TokenPaintingSettings())
      let run = painter.begin(PaintingSubject(text: try text(), seed: 7))
      pictures.append(try (0..<run.stepCount).map { _ in try run.step().picture })
    }
    #expect(pictures[0] == pictures[1] && pictures[1] == pictures[2])
  }
}
