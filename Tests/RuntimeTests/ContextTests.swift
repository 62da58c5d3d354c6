import Dispatch
import Inference
import Runtime
import Synchronization
import Testing

@Suite struct ContextTests {
  @Test func theNextTurnReadsOnlyWhatIsNew() async {
    let model = FakeModel(answer: bytes("fine"), after: promptEnd)
    let harness = await EngineHarness.loaded(model: model)
    let first = await harness.generate(.chat("hello"))
    #expect(first.started?.reused == 0)

    var second = GenerateRequest.chat("hello")
    second.source = .chat([
      ChatTurn(role: .user, text: "hello"), ChatTurn(role: .assistant, text: "fine"),
      ChatTurn(role: .user, text: "lo"),
    ])
    let log = await harness.generate(second)
    // 7 tokens of the first prompt and the 4 of the answer.
    #expect(log.started?.reused == 11)
    #expect(log.provenance?.reusedTokens == 11)
    #expect(log.started?.prompt == 20)
    #expect(log.text == "fine")
    let read = model.batches.dropFirst(5).first
    #expect(read?.count == 20 - 11)
  }

  @Test func regeneratingReadsOneRow() async {
    let model = FakeModel(answer: bytes("fine"), after: promptEnd)
    let harness = await EngineHarness.loaded(model: model)
    _ = await harness.generate(.chat("hello"))
    let again = await harness.generate(.chat("hello"))
    #expect(again.started?.reused == 6)
    #expect(again.text == "fine")
  }

  @Test func anotherBeginningSharesNothing() async {
    let harness = await EngineHarness.loaded(
      model: FakeModel(answer: bytes("fine"), after: promptEnd))
    _ = await harness.generate(.chat("hello"))
    var request = GenerateRequest.chat("")
    request.source = .raw("xyz", parsesSpecial: false)
    request.maximumTokens = 1
    #expect(await harness.generate(request).started?.reused == 0)
  }

  @Test func aStoppedAnswerIsReusedAsFarAsItWent() async {
    let harness = await EngineHarness.loaded(
      model: FakeModel(answer: bytes("one STOP two"), after: promptEnd))
    _ = await harness.generate(.chat("hello", stops: ["STOP"]))
    var request = GenerateRequest.chat("hello")
    request.source = .chat([
      ChatTurn(role: .user, text: "hello"), ChatTurn(role: .assistant, text: "one "),
    ])
    // The cache holds 7 + "one STO"; the prompt is 7 + "one ", whose last row gives the next logits.
    let log = await harness.generate(request)
    #expect(log.started?.prompt == 11)
    #expect(log.started?.reused == 10)
    #expect(log.text == "STOP two")
  }

  @Test func aContinuedAnswerGoesOnWithoutASeam() async {
    let answer = [FakeTokenizer.firstPieceID, FakeTokenizer.firstPieceID + 1] + bytes(", you")
    let harness = await EngineHarness.loaded(model: FakeModel(answer: answer, after: promptEnd))
    let first = await harness.generate(.chat("hello", maximumTokens: 2))
    #expect(first.text == "hello")
    var request = GenerateRequest.chat("hello")
    request.source = .chat([
      ChatTurn(role: .user, text: "hello"),
      ChatTurn(role: .assistant, text: first.text, tokens: first.tokens),
    ])
    let rest = await harness.generate(request)
    #expect(rest.text == ", you")
    #expect(rest.started?.prompt == 9)
    #expect(rest.started?.reused == 8)
  }

  @Test func aPromptThatDoesNotFitIsNeverCut() async {
    let model = FakeModel(answer: bytes("fine"), after: promptEnd)
    let harness = await EngineHarness.loaded(model: model, contextLength: 6)
    let log = await harness.generate(.chat("hello"))
    guard case .contextFull(let needed, let capacity) = log.events.last else {
      Issue.record("the last event is \(String(describing: log.events.last))")
      return
    }
    #expect(needed == 7)
    #expect(capacity == 6)
    #expect(log.events.count == 1)
    #expect(model.batches.isEmpty)
  }

  @Test func anAnswerThatFillsTheContextStopsAndSaysSo() async {
    let harness = await EngineHarness.loaded(
      model: FakeModel(answer: bytes("abcdefgh"), after: promptEnd), contextLength: 10)
    let log = await harness.generate(.chat("hello"))
    // Three rows fit behind the prompt; the fourth token needs no row of its own.
    #expect(log.text == "abcd")
    #expect(log.provenance?.finish == .contextFull)
    #expect(log.provenance?.tokens == 4)
  }

  @Test func cancelledReadingKeepsTheRowsThatWereRead() async {
    let gate = DispatchSemaphore(value: 0)
    let passes = Atomic<Int>(0)
    let model = FakeModel(answer: bytes("fine"), after: promptEnd) { _ in
      // The second chunk of the prompt waits until the test has cancelled.
      if passes.add(1, ordering: .relaxed).newValue == 2 { gate.wait() }
    }
    let harness = await EngineHarness.loaded(model: model)
    let long = String(repeating: "x", count: 300)
    let job = harness.engine.submit(.generate(.chat(long)))
    let log = await job.record { event in
      if case .prefill(128, _, _) = event {
        job.cancel()
        gate.signal()
      }
    }
    #expect(log.provenance?.finish == .cancelled)
    #expect(log.provenance?.tokens == 0)
    #expect(log.text == "")
    let again = await harness.generate(.chat(long))
    #expect(again.started?.reused == 128)
    #expect(again.text == "fine")
  }
}
