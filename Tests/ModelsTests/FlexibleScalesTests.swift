import Compute
import Foundation
import Inference
import Models
import Testing

/// Tokens of any scales against PyTorch with the same small weights (see assets/training/pictures/reference.py).
@Suite struct FlexibleScalesTests {
  struct Reference: Decodable {
    struct Choice: Decodable {
      var sides: [Int]
      var tokens: [[Int]]
      var pictures: [[Float]]
    }
    var text: [Float]
    var choices: [Choice]
  }

  let reference: Reference
  let file: GGUFWeightFile
  let pool = WorkerPool(count: 2)

  init() throws {
    let folder = (#filePath as NSString).deletingLastPathComponent + "/Fixtures"
    let data = try Data(contentsOf: URL(filePath: folder + "/toy-pictures.json"))
    reference = try JSONDecoder().decode(Reference.self, from: data)
    file = try GGUFWeightFile(path: folder + "/toy-pictures.bin")
  }

  private func networks(
    _ sides: [Int]
  ) throws -> (FlexibleTokenizer, ScaleTransformer) {
    let compute = MapCompute(pool: pool)
    let tokenizer = try FlexibleTokenizer(file, prefix: "flexible.tokenizer", on: compute)
    let transformer = try ScaleTransformer(
      file, prefix: "flexible.transformer", isFlexible: true, on: compute)
    return (tokenizer.with(scales: sides), try transformer.with(scales: sides))
  }

  /// The second one goes beyond the size that the networks were made for.
  @Test(arguments: 0..<2) func picturesAreThoseOfPyTorch(number: Int) throws {
    defer { pool.shutDown() }
    let choice = reference.choices[number]
    let (tokenizer, transformer) = try networks(choice.sides)
    var settings = TokenPaintingSettings()
    (settings.topK, settings.topP, settings.temperature) = (40, 0.96, 1)
    var painter = try TokenPainter(
      tokenizer: tokenizer, transformer: transformer, settings: settings)
    painter.boldestSide = 4
    let text = try #require(TextVector(reference.text))
    let run = painter.begin(PaintingSubject(text: text, seed: 5))
    #expect(run.stepCount == choice.sides.count)
    for wanted in choice.pictures {
      let found = try run.step().picture
      let picture = Picture(width: found.width, height: found.height) { wanted[4 * $0 + $1] }
      let worst = zip(found.pixels, picture.pixels).map { abs(Int($0) - Int($1)) }.max()
      #expect(found.pixels.count == wanted.count && (worst ?? 255) <= 1)
    }
  }

  @Test func scalesThatCannotBePaintedAreRefused() throws {
    defer { pool.shutDown() }
    #expect(throws: InferenceError.self) { try networks([2, 4]) }
    #expect(throws: InferenceError.self) { try networks([1, 4, 100]) }
    let fixed = try ScaleTransformer(file, prefix: "scales", on: MapCompute(pool: pool))
    #expect(throws: InferenceError.self) { try fixed.with(scales: [1, 4]) }
  }
}
