import Compute
import Foundation
import Inference
import Models
import TestSupport
import Testing

/// What llama.cpp computed on the same files; see Fixtures/make-greedy.py.
struct GreedyFixture: Decodable {
  struct Continuation: Decodable {
    var prompt: String
    var promptTokens: [Int32]
    var tokens: [Int32]
    var gaps: [Double?]
  }
  struct Model: Decodable {
    var perplexity: Double
    var continuations: [Continuation]
  }
  var models: [String: Model]

  static func load() throws -> GreedyFixture {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/greedy.json")
    return try JSONDecoder().decode(GreedyFixture.self, from: Data(contentsOf: url))
  }
}

@Suite(.serialized) struct GreedyAgreementTests {
  @Test(arguments: RealModel.allCases)
  func greedyContinuationsAgreeWithTheJudge(_ real: RealModel) throws {
    guard let path = real.path else {
      print("skipped \(real.rawValue): \(RealModel.advice)")
      return
    }
    let loaded = try ModelLoader.load(path: path, contextLength: 512)
    let fixture = try #require(try GreedyFixture.load().models[real.rawValue])
    let pool = WorkerPool()
    defer { pool.shutDown() }
    var agreeing = 0
    for continuation in fixture.continuations {
      let tokens = try greedy(
        loaded.model, after: continuation.promptTokens, count: continuation.tokens.count, on: pool)
      if let place = tokens.indices.first(where: { tokens[$0] != continuation.tokens[$0] }) {
        let gap = continuation.gaps[place].map { String($0) } ?? "unknown"
        print(
          "\(real.rawValue): \(continuation.prompt.debugDescription) parts at token \(place), "
            + "where the judge's best two are \(gap) apart")
      } else {
        agreeing += 1
      }
    }
    print("\(real.rawValue): \(agreeing) of \(fixture.continuations.count) continuations agree")
    #expect(agreeing >= 18)
  }

  private func greedy(
    _ model: Transformer, after prompt: [Int32], count: Int, on pool: WorkerPool
  ) throws -> [Int32] {
    let cache = try model.makeCache(capacity: prompt.count + count)
    let clock = PhaseClock()
    var output: [Int32] = []
    var next = prompt
    while output.count < count {
      let pass = try model.forward(
        TokenBatch(chain: next), caches: [cache], on: pool, clock: clock)
      cache.commit(Array(next.indices))
      next = [Int32(model.kernels.argmax(pass.logits, pass.range(0)))]
      output += next
    }
    return output
  }
}
