import Inference
import Runtime
import Testing

@Suite(
  .enabled(
    if: RealModels.smolLM2 != nil,
    "needs model SmolLM2-135M-Instruct: run `paceline models get smollm2-135m-instruct`"))
struct RealModelTests {
  func engine() async throws -> Engine {
    let engine = Engine()
    let path = try #require(RealModels.smolLM2)
    let log = await engine.submit(.load(path: path, contextLength: 256)).record()
    guard case .loaded(let summary) = log.events.last else {
      throw log.failure ?? InferenceError(.invalidRequest, "not loaded")
    }
    #expect(summary.architecture == "llama")
    #expect(summary.contextLength == 256)
    return engine
  }

  func request(_ text: String, _ count: Int) -> GenerateRequest {
    var settings = SamplerSettings()
    settings.seed = 11
    return GenerateRequest(
      source: .raw(text, parsesSpecial: false), settings: settings, maximumTokens: count)
  }

  @Test func aReusedBeginningChangesNoToken() async throws {
    let engine = try await engine()
    let prompt = "The lighthouse keeper opened the door and"
    let first = await engine.submit(.generate(request(prompt, 8))).record()
    #expect(first.tokens.count == 8)
    #expect(first.started?.reused == 0)
    let again = await engine.submit(.generate(request(prompt, 8))).record()
    #expect(again.started.map { $0.reused == $0.prompt - 1 } == true)
    #expect(again.tokens == first.tokens)
    #expect(again.profiles.last.map { $0.weightBytes > 50_000_000 && $0.cacheBytes > 0 } == true)
  }
}
