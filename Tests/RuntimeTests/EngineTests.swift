import Dispatch
import Inference
import Runtime
import Synchronization
import Testing

@Suite struct EngineTests {
  @Test func answersWithTheModelsTextAndCountsItExactly() async {
    let harness = await EngineHarness.loaded(
      model: FakeModel(answer: bytes("fine, thanks"), after: promptEnd))
    let log = await harness.generate(.chat("hello world"))
    #expect(log.text == "fine, thanks")
    #expect(log.tokens == bytes("fine, thanks"))
    // <start> user\n hello _world <end> \n <start> assistant\n
    #expect(log.started?.prompt == 8)
    let provenance = log.provenance
    #expect(provenance?.tokens == 12)
    #expect(provenance?.promptTokens == 8)
    #expect(provenance?.reusedTokens == 0)
    #expect(provenance?.finish == .stop)
    #expect(provenance?.model == "fake")
    #expect(provenance?.settings == .greedy)
    #expect(provenance?.changes == [])
    #expect(log.chunks.last?.contextCount == 8 + 12)
  }

  @Test func tellsPrefillBeforeTokensAndAProfileAtTheEnd() async {
    let harness = await EngineHarness.loaded(
      model: FakeModel(answer: bytes("ok"), after: promptEnd))
    let log = await harness.generate(.chat("hello"))
    let firstToken = log.events.firstIndex { if case .tokens = $0 { true } else { false } }
    let lastPrefill = log.events.lastIndex { if case .prefill = $0 { true } else { false } }
    #expect((lastPrefill ?? .max) < (firstToken ?? -1))
    #expect(log.profiles.count >= 1)
    let operations = log.profiles.reduce(into: OperationTotals()) { $0.add($1.operations) }
    // The prompt's pass and one pass for each token that follows the first.
    #expect(operations[.feedForward].bytes >= 2 * 1000)
    #expect(log.profiles.allSatisfy { $0.residentBytes > 0 && $0.threads == 1 })
  }

  @Test func endsAtTheTokenLimit() async {
    let harness = await EngineHarness.loaded(
      model: FakeModel(answer: bytes("abcdefgh"), after: promptEnd))
    let log = await harness.generate(.chat("hello", maximumTokens: 3))
    #expect(log.text == "abc")
    #expect(log.provenance?.finish == .length)
    #expect(log.provenance?.tokens == 3)
  }

  @Test func submitReturnsAtOnceAndJobsRunInOrder() async {
    let gate = DispatchSemaphore(value: 0)
    let order = Mutex<[String]>([])
    let engine = Engine(threads: 1) { path, _ throws(InferenceError) in
      if path == "first" { gate.wait() }
      order.withLock { $0.append(path) }
      throw InferenceError(.modelFile, path)
    }
    let jobs = ["first", "second", "third"].map {
      engine.submit(.load(path: $0, contextLength: nil))
    }
    #expect(order.withLock { $0 }.isEmpty)
    gate.signal()
    for job in jobs { _ = await job.record() }
    #expect(order.withLock { $0 } == ["first", "second", "third"])
  }

  @Test func aWaitingJobIsCancelledWhileTheEngineIsBusy() async {
    let gate = DispatchSemaphore(value: 0)
    let engine = Engine(threads: 1) { path, _ throws(InferenceError) in
      gate.wait()
      throw InferenceError(.modelFile, path)
    }
    let busy = engine.submit(.load(path: "busy", contextLength: nil))
    let waiting = engine.submit(.generate(.chat("hello")))
    waiting.cancel()
    // The first job still holds the engine, yet the second is told to be over.
    let log = await waiting.record()
    #expect(log.failure?.code == .cancelled)
    #expect(log.events.count == 1)
    gate.signal()
    #expect(await busy.record().failure?.code == .modelFile)
  }

  @Test func cancellingKeepsWhatCame() async {
    let gate = DispatchSemaphore(value: 0)
    let rows = Atomic<Int>(0)
    let model = FakeModel(answer: bytes("abcdefgh"), after: promptEnd) { _ in
      // The pass for the fourth token waits until the test has cancelled.
      if rows.add(1, ordering: .relaxed).newValue == 4 { gate.wait() }
    }
    let harness = await EngineHarness.loaded(model: model)
    let job = harness.engine.submit(.generate(.chat("hello")))
    var seen = 0
    let log = await job.record { event in
      if case .tokens = event { seen += 1 }
      if seen == 3, case .tokens = event {
        job.cancel()
        gate.signal()
      }
    }
    #expect(log.text == "abc")
    #expect(log.provenance?.finish == .cancelled)
    #expect(log.provenance?.tokens == 3)
  }

  @Test func aJobThatNobodyFollowsAnyMoreIsCancelled() async {
    let gate = DispatchSemaphore(value: 0)
    let model = FakeModel(answer: bytes("abc"), after: promptEnd) { _ in gate.wait() }
    let harness = await EngineHarness.loaded(model: model)
    let job = harness.engine.submit(.generate(.chat("hello")))
    let follower = Task { for await _ in job.events {} }
    follower.cancel()
    await follower.value
    #expect(job.control.cancellation.isRaised)
    gate.signal()
  }

  @Test func aFailedLoadLeavesTheModelInPlace() async {
    let harness = await EngineHarness.loaded(
      model: FakeModel(answer: bytes("ok"), after: promptEnd))
    let load = await harness.engine.submit(.load(path: "missing", contextLength: nil)).record()
    #expect(load.failure?.code == .modelFile)
    #expect(await harness.generate(.chat("hello")).text == "ok")
  }

  @Test func withoutAModelAJobFailsAndSaysSo() async {
    let harness = EngineHarness(model: FakeModel(answer: [], after: promptEnd))
    let log = await harness.generate(.chat("hello"))
    #expect(log.failure == InferenceError(.invalidRequest, "no model is loaded"))
  }

  @Test func loadingTellsTheModelAndTheMachine() async {
    let harness = EngineHarness(model: FakeModel(answer: [], after: promptEnd))
    let log = await harness.engine.submit(.load(path: "fake", contextLength: 77)).record()
    guard case .loaded(let summary) = log.events.last else {
      Issue.record("the model was not loaded")
      return
    }
    #expect(summary.contextLength == 77)
    #expect(summary.threads == 1)
    #expect(!summary.instructionSet.isEmpty)
  }
}
