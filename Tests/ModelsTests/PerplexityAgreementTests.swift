import Compute
import Foundation
import Inference
import Models
import TestSupport
import Testing

@Suite(.serialized) struct PerplexityAgreementTests {
  @Test(arguments: RealModel.allCases)
  func perplexityIsWithinHalfAPercentOfTheJudge(_ real: RealModel) throws {
    guard let path = real.path else {
      print("skipped \(real.rawValue): \(RealModel.advice)")
      return
    }
    let loaded = try ModelLoader.load(path: path, contextLength: 512)
    let tokenizer = try TokenizerLoader.load(from: loaded.gguf)
    let text = try String(
      contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures/perplexity.txt"), encoding: .utf8)
    var tokens = tokenizer.encode(text, parsesSpecial: false)
    let bos = tokenizer.addsBOS ? tokenizer.bos : nil
    if let bos { tokens.insert(bos, at: 0) }
    let pool = WorkerPool()
    defer { pool.shutDown() }
    let measured = try Perplexity(contextLength: 512, bos: bos)
      .measure(tokens, model: loaded.model, on: pool)
    let expected = try #require(try GreedyFixture.load().models[real.rawValue]).perplexity
    print("\(real.rawValue): perplexity \(measured), llama.cpp \(expected)")
    #expect(abs(measured / expected - 1) < 0.005)
  }
}
