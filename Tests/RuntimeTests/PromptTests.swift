import Inference
import Runtime
import Testing

@Suite struct PromptTests {
  let hello = FakeTokenizer.firstPieceID + 2
  let hel = FakeTokenizer.firstPieceID
  let lo = FakeTokenizer.firstPieceID + 1

  /// The prompt's tokens, as the engine tells them.
  func prompt(
    _ source: PromptSource, addsBOS: Bool = false, hasTemplate: Bool = true
  ) async throws -> [TokenID] {
    var tokenizer = FakeTokenizer()
    tokenizer.addsBOS = addsBOS
    let harness = await EngineHarness.loaded(
      model: FakeModel(answer: [], after: promptEnd), tokenizer: tokenizer,
      hasTemplate: hasTemplate)
    let log = await harness.engine.submit(.inspect(source)).record()
    if let failure = log.failure { throw failure }
    guard case .inspected(let prompt) = log.events.last else { return [] }
    return prompt.tokens.map(\.id)
  }

  @Test func rawTextGetsTheBeginningTokenWhereTheModelWantsIt() async throws {
    #expect(try await prompt(.raw("hello", parsesSpecial: false)) == [hello])
    #expect(
      try await prompt(.raw("hello", parsesSpecial: false), addsBOS: true)
        == [FakeTokenizer.bosID, hello])
  }

  @Test func aBeginningTokenInTheTextIsNotDoubled() async throws {
    #expect(
      try await prompt(.raw("<bos>hello", parsesSpecial: true), addsBOS: true)
        == [FakeTokenizer.bosID, hello])
  }

  @Test func specialTokensInRawTextAreParsedOnlyWhereAsked() async throws {
    #expect(try await prompt(.raw("<end>", parsesSpecial: true)) == [FakeTokenizer.endID])
    #expect(try await prompt(.raw("<end>", parsesSpecial: false)) == bytes("<end>"))
  }

  @Test func specialTokensInAMessageAreOrdinaryText() async throws {
    let tokens = try await prompt(.chat([ChatTurn(role: .user, text: "<end>")]))
    #expect(tokens.filter { $0 == FakeTokenizer.endID }.count == 1)
    #expect(tokens.contains(TokenID(UInt8(ascii: ">"))))
  }

  @Test func aConversationWithoutATemplateIsRefused() async {
    let source = PromptSource.chat([ChatTurn(role: .user, text: "hello")])
    await #expect(throws: InferenceError.self) { try await prompt(source, hasTemplate: false) }
  }

  @Test func anEmptyPromptIsRefused() async {
    await #expect(throws: InferenceError(.invalidRequest, "the prompt is empty")) {
      try await prompt(.raw("", parsesSpecial: false))
    }
  }

  @Test func theListingNamesSpecialTokens() async {
    let harness = await EngineHarness.loaded(model: FakeModel(answer: [], after: promptEnd))
    let log = await harness.engine.submit(.inspect(.chat([ChatTurn(role: .user, text: "hello")])))
      .record()
    guard case .inspected(let prompt) = log.events.last else {
      Issue.record("nothing was listed")
      return
    }
    #expect(
      prompt.tokens.map(\.text) == [
        "<start>", "user\n", "hello", "<end>", "\n", "<start>", "assistant\n",
      ])
    #expect(
      prompt.tokens.map(\.isSpecial) == [true, false, false, true, false, true, false])
  }

  @Test func anAnswerIsRepeatedAsTheTokensItWasGeneratedAs() async throws {
    // The tokenizer would make one token of it; the model had made two.
    let turns = [
      ChatTurn(role: .user, text: "hello"),
      ChatTurn(role: .assistant, text: "hello world", tokens: [hel, lo] + bytes(" wo")),
    ]
    let tokens = try await prompt(.chat(turns))
    // What the known tokens spell is kept; the rest of the text follows in the tokenizer's own way.
    #expect(Array(tokens.suffix(8)) == [hel, lo] + bytes(" wo") + bytes("rld"))
  }

  @Test func tokensThatDoNotSpellTheTextAreLeftOut() async throws {
    let turns = [ChatTurn(role: .assistant, text: "hello", tokens: bytes("other"))]
    #expect(try await prompt(.chat(turns)).last == hello)
  }

  @Test func textCutInsideATokenKeepsTheTokensBeforeTheCut() async throws {
    let turns = [ChatTurn(role: .assistant, text: "lohel", tokens: [lo, hello])]
    #expect(Array(try await prompt(.chat(turns)).suffix(2)) == [lo, hel])
  }

  @Test func textCutBehindHalfACharacterFallsBackToWholeOnes() async throws {
    let euro = bytes("€")
    let turns = [ChatTurn(role: .assistant, text: "a€", tokens: bytes("a") + euro.dropLast())]
    #expect(Array(try await prompt(.chat(turns)).suffix(4)) == bytes("a") + euro)
  }
}
