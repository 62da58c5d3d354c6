import Dispatch
import Inference
import Runtime
import Synchronization
import Testing

/// What the next token may be, spread widely and different after every sequence.
func varied(_ tokens: [TokenID]) -> [TokenID: Float] {
  var state: UInt64 = 0xcbf2_9ce4_8422_2325
  for token in tokens { state = (state ^ UInt64(UInt32(bitPattern: token))) &* 0x100_0000_01b3 }
  var logits: [TokenID: Float] = [:]
  for token in TokenID(97)...122 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    logits[token] = Float(state >> 40) / Float(1 << 24) * 4
  }
  return logits
}

@Suite struct KnobTests {
  func hot(_ seed: UInt64) -> SamplerSettings {
    var settings = SamplerSettings()
    settings.temperature = 1.5
    settings.seed = seed
    return settings
  }

  @Test func settingsTurnedInMidAnswerActFromTheNextTokenOnAndAreBooked() async {
    let gate = DispatchSemaphore(value: 0)
    let passes = Atomic<Int>(0)
    let willForward: @Sendable ([TokenID]) -> Void = { _ in
      // The pass for the sixth token waits until the knob was turned.
      if passes.add(1, ordering: .relaxed).newValue == 6 { gate.wait() }
    }
    let model = FakeModel(willForward: willForward, logits: varied)
    let harness = await EngineHarness.loaded(model: model)
    var request = GenerateRequest.chat("hello", maximumTokens: 20)
    request.settings = hot(1)
    let job = harness.engine.submit(.generate(request))
    let target = hot(99)
    let log = await job.record { event in
      if case .tokens(let chunk) = event, chunk.records.first?.index == 4 {
        job.control.change(to: target)
        gate.signal()
      }
    }
    #expect(log.chunks.flatMap(\.records).filter { $0.settings != nil }.map(\.index) == [5])
    #expect(log.provenance?.changes == [KnobChange(tokenIndex: 5, settings: target)])
    #expect(log.provenance?.settings == hot(1))
  }

  @Test func scheduledChangesActOnExactlyTheTokenTheyName() async {
    let harness = await EngineHarness.loaded(model: FakeModel(logits: varied))
    var request = GenerateRequest.chat("hello", maximumTokens: 20)
    request.settings = hot(1)
    let changes = [
      KnobChange(tokenIndex: 0, settings: hot(2)), KnobChange(tokenIndex: 7, settings: .greedy),
      KnobChange(tokenIndex: 12, settings: hot(3)),
    ]
    request.scheduledChanges = changes.reversed()
    let log = await harness.generate(request)
    #expect(log.provenance?.changes == changes)
    #expect(log.chunks.flatMap(\.records).filter { $0.settings != nil }.map(\.index) == [0, 7, 12])

    // Played again from its provenance, the answer is the same.
    var again = request
    again.scheduledChanges = log.provenance?.changes ?? []
    #expect(await harness.generate(again).tokens == log.tokens)

    // And the knobs did something.
    again.scheduledChanges = []
    #expect(await harness.generate(again).tokens != log.tokens)
  }

  @Test func seededAnswersRepeat() async {
    let harness = await EngineHarness.loaded(model: FakeModel(logits: varied))
    var request = GenerateRequest.chat("hello", maximumTokens: 30)
    request.settings = hot(5)
    let first = await harness.generate(request)
    #expect(await harness.generate(request).tokens == first.tokens)
    request.settings.seed = 6
    #expect(await harness.generate(request).tokens != first.tokens)
  }
}
