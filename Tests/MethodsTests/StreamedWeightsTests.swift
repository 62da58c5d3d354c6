import Inference
import Methods
import Testing

@Suite struct StreamedWeightsTests {
  /// Caps in megabytes, of a model of about five: from two layers to all of it.
  @Test(arguments: [4, 5, 50]) func theAnswerIsThatOfPlainDecoding(cap: Int) throws {
    let scenario = try StreamingScenario()
    var method = StreamedWeights()
    method.cap = cap
    for settings in [SamplerSettings.greedy, SamplerSettings()] {
      let expected = try scenario.run([], settings)
      #expect(try scenario.run([method], settings) == expected)
    }
  }

  @Test func theModelIsKeptFromAnswerToAnswerUntilItsKnobsChange() throws {
    let scenario = try StreamingScenario()
    var method = StreamedWeights()
    method.cap = 4
    let first = try scenario.plan([method], .greedy).model
    #expect(try scenario.plan([method], .greedy).model === first)
    method.throttle = 500
    let second = try scenario.plan([method], .greedy).model
    #expect(second !== first)
    let streamed = try #require(second as? any WaitsForWeights)
    #expect(streamed.residentByteCount <= 4_300_000)
  }

  @Test func aCapThatIsTooSmallIsAnErrorAndLeavesThePlanAlone() throws {
    let scenario = try StreamingScenario()
    var method = StreamedWeights()
    method.cap = 1
    do {
      _ = try scenario.run([method])
      Issue.record("one megabyte was enough")
    } catch let error as InferenceError {
      #expect(error.code == .invalidRequest && error.message.contains("at least"))
    }
    method.cap = 4
    #expect(try scenario.run([method]) == scenario.run())
  }

  @Test func itCannotBeAskedForTwice() throws {
    let scenario = try StreamingScenario()
    #expect(throws: InferenceError.self) {
      try scenario.run([StreamedWeights(), StreamedWeights()])
    }
  }
}
