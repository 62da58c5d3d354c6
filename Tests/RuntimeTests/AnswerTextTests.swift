import Inference
import Runtime
import Testing

@Suite struct AnswerTextTests {
  /// The text of an answer made of these tokens, chunk by chunk.
  func chunks(_ tokens: [TokenID], stops: [String] = []) async -> JobLog {
    let harness = await EngineHarness.loaded(model: FakeModel(answer: tokens, after: promptEnd))
    return await harness.generate(.chat("hello", stops: stops))
  }

  @Test func neverHoldsHalfACharacter() async {
    let text = "aé€😀z"
    let log = await chunks(bytes(text))
    #expect(log.text == text)
    #expect(log.chunks.map(\.text) == ["a", "", "é", "", "", "€", "", "", "", "😀", "z"])
  }

  @Test func aCharacterThatNeverBecomesWholeIsReplacedAtTheEnd() async {
    let log = await chunks(bytes("ok") + [0xF0, 0x9F])
    #expect(log.text == "ok\u{FFFD}")
    #expect(log.chunks.last?.records.isEmpty == true)
    #expect(log.provenance?.tokens == 4)
  }

  @Test func aStopStringAcrossTokensEndsTheAnswerAndIsNotPartOfIt() async {
    let log = await chunks(bytes("one STOP two"), stops: ["STOP"])
    #expect(log.text == "one ")
    #expect(log.provenance?.finish == .stop)
    // The stop string's own tokens were generated and count.
    #expect(log.tokens == bytes("one STOP"))
    #expect(log.provenance?.tokens == 8)
    #expect(log.chunks.map(\.text) == ["o", "n", "e", " ", "", "", "", ""])
  }

  @Test func textThatOnlyBeginsLikeAStopStringComesThrough() async {
    let log = await chunks(bytes("STSTOX end ST"), stops: ["STOP"])
    #expect(log.text == "STSTOX end ST")
  }

  @Test func theEarliestStopStringCounts() async {
    let log = await chunks(bytes("abcdef"), stops: ["def", "bc", ""])
    #expect(log.text == "a")
  }

  @Test func aStopStringInsideOneTokenCutsIt() async {
    let hello = FakeTokenizer.firstPieceID + 2
    let log = await chunks(bytes("ab") + [hello] + bytes("cd"), stops: ["ell"])
    #expect(log.text == "abh")
    #expect(log.tokens == bytes("ab") + [hello])
  }

  @Test func aStopStringOfManyBytesIsFoundByteByByte() async {
    let log = await chunks(bytes("gut🛑mehr"), stops: ["🛑"])
    #expect(log.text == "gut")
  }

  @Test func controlTokensAreNoText() async {
    let log = await chunks(bytes("a") + [FakeTokenizer.startID] + bytes("b"))
    #expect(log.text == "ab")
    #expect(log.tokens.count == 3)
  }

  @Test func alternativesComeWithTheirText() async {
    let harness = await EngineHarness.loaded(
      model: FakeModel { tokens in
        tokens.last == promptEnd
          ? [97: 5, FakeTokenizer.firstPieceID: 4, FakeTokenizer.startID: 3]
          : [FakeTokenizer.endID: 9]
      })
    var request = GenerateRequest.chat("hello")
    request.settings = SamplerSettings()
    request.settings.temperature = 0.01
    let chunk = await harness.generate(request).chunks.first
    #expect(chunk?.pieces[97] == "a")
    #expect(
      chunk?.records.first?.sampled.alternatives.allSatisfy { chunk?.pieces[$0.token] != nil }
        == true)
  }
}
