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
    #expect(summary.template == "ChatML")
    #expect(summary.templateNote == nil)
    return engine
  }

  func request(_ turns: [ChatTurn], _ count: Int) -> GenerateRequest {
    var settings = SamplerSettings()
    settings.seed = 42
    return GenerateRequest(source: .chat(turns), settings: settings, maximumTokens: count)
  }

  @Test func reusedAndContinuedAnswersEqualTheUninterruptedOne() async throws {
    let engine = try await engine()
    let question = ChatTurn(role: .user, text: "Name the capital of France.")
    let whole = await engine.submit(.generate(request([question], 6))).record()
    #expect(whole.tokens.count == 6)
    #expect(whole.started?.reused == 0)
    #expect(whole.text.contains("Paris"))

    let again = await engine.submit(.generate(request([question], 3))).record()
    #expect(again.started.map { $0.reused == $0.prompt - 1 } == true)
    #expect(again.tokens == Array(whole.tokens.prefix(3)))
    #expect(again.profiles.last.map { $0.weightBytes > 50_000_000 && $0.cacheBytes > 0 } == true)

    let part = ChatTurn(role: .assistant, text: again.text, tokens: again.tokens)
    let rest = await engine.submit(.generate(request([question, part], 3))).record()
    #expect(rest.started.map { $0.reused == $0.prompt - 1 } == true)
    #expect(again.tokens + rest.tokens == whole.tokens)
    #expect(again.text + rest.text == whole.text)
  }
}
