import Compute
import Inference
import Methods
import TestSupport
import Testing

@Suite struct ResidentDrafterTests {
  static let settings: [SamplerSettings] = [
    .greedy, SamplerSettings(),
    {
      var settings = SamplerSettings.greedy
      settings.repetitionPenalty = 1.3
      return settings
    }(),
    {
      var settings = SamplerSettings()
      settings.mirostat = 1
      settings.seed = 9
      return settings
    }(),
  ]

  /// Nearly greedy, which makes the made-up models as sure of themselves as real ones are.
  static let sure: SamplerSettings = {
    var settings = SamplerSettings()
    settings.temperature = 0.02
    return settings
  }()

  static func streamed(_ cap: Int = 4, throttle: Int = 0) -> StreamedWeights {
    var method = StreamedWeights()
    method.cap = cap
    method.throttle = throttle
    return method
  }

  static func resident(
    nodes: Int = 0, overlap: Int = 1, alpha: Double = 0.01, adaptive: Int = 1, width: Int = 3
  ) -> ResidentDrafter {
    var method = ResidentDrafter()
    method.nodes = nodes
    method.overlap = overlap
    method.alpha = alpha
    method.adaptive = adaptive
    method.width = width
    return method
  }

  @Test(arguments: settings, [1, 4, 24])
  func theAnswerIsThatOfPlainDecoding(_ settings: SamplerSettings, nodes: Int) throws {
    for isTwin in [false, true] {
      let scenario = try StreamingScenario(isTwin: isTwin)
      let expected = try scenario.run([], settings)
      #expect(try scenario.run([Self.resident(nodes: nodes)], settings) == expected)
      // Warm, with the cache of the answer before.
      #expect(try scenario.run([Self.resident(nodes: nodes)], settings) == expected)
    }
  }

  @Test(arguments: settings, [0, 1])
  func theAnswerIsTheSameWithStreamedWeights(_ settings: SamplerSettings, overlap: Int) throws {
    for isTwin in [false, true] {
      let scenario = try StreamingScenario(isTwin: isTwin)
      let expected = try scenario.run([], settings)
      let methods: [any DecodingMethod] = [
        Self.streamed(throttle: 400), Self.resident(nodes: 8, overlap: overlap),
      ]
      #expect(try scenario.run(methods, settings) == expected)
    }
  }

  @Test func aTwinSavesMostPasses() throws {
    let scenario = try StreamingScenario(isTwin: true)
    _ = try scenario.run([Self.resident(nodes: 6, width: 2)], Self.sure)
    // The first pass ends the prompt; of the others each gives up to six tokens and one more.
    #expect(scenario.rounds.count <= 12)
    #expect(scenario.totals.passesSaved > 0.7)
  }

  @Test func workDoneWhileTheLargeModelWaitedIsKept() throws {
    let scenario = try StreamingScenario(isTwin: true)
    let methods: [any DecodingMethod] = [
      Self.streamed(throttle: 100), Self.resident(nodes: 4, width: 2),
    ]
    _ = try scenario.run(methods, Self.sure, tokens: 60)
    let sources = scenario.totals.sources
    #expect(sources.count == 2 && sources[1] > 0, "\(sources)")
    let without: [any DecodingMethod] = [
      Self.streamed(throttle: 100), Self.resident(nodes: 4, overlap: 0, width: 2),
    ]
    _ = try scenario.run(without, Self.sure, tokens: 60)
    #expect(scenario.totals.sources.count == 1)
  }

  @Test func draftsFallInConfidenceWithParentsFirstAndKeepToTheLimit() throws {
    let scenario = try StreamingScenario()
    let plan = try scenario.plan([Self.resident(nodes: 24, adaptive: 0)], .greedy)
    let drafter = try #require(plan.drafter)
    let history = TokenHistory(prompt: scenario.prompt)
    try drafter.begin(history)
    for limit in [1, 3, 24] {
      let draft = try drafter.propose(
        DraftRequest(
          history: history, limit: limit, sampler: plan.sampler, pool: scenario.pool))
      #expect(draft.count > 0 && draft.count <= limit)
      #expect(draft.sound(limit: limit, vocabulary: plan.model.shape.vocabulary) == draft)
      #expect(zip(draft.confidences, draft.confidences.dropFirst()).allSatisfy(>=))
      #expect(
        Set(draft.tokens.indices.map { [Int(draft.tokens[$0]), draft.parents[$0]] }).count
          == draft.count)
      for (row, parent) in draft.parents.enumerated() where parent >= 0 {
        #expect(draft.confidences[row] <= draft.confidences[parent])
      }
    }
  }

  /// Confidence is the product of the small model's probabilities along the path.
  @Test func confidenceIsTheProductOfProbabilities() throws {
    let scenario = try StreamingScenario()
    let plan = try scenario.plan([Self.resident(nodes: 12)], .greedy)
    let drafter = try #require(plan.drafter)
    let history = TokenHistory(prompt: scenario.prompt)
    let draft = try drafter.propose(
      DraftRequest(history: history, limit: 12, sampler: plan.sampler, pool: scenario.pool))
    for row in draft.tokens.indices {
      var path: [TokenID] = []
      var node = row
      while node >= 0 {
        path.append(draft.tokens[node])
        node = draft.parents[node]
      }
      var expected = 1.0
      var text = scenario.prompt
      for token in path.reversed() {
        expected *= try probability(of: token, after: text, scenario)
        text.append(token)
      }
      #expect(abs(Double(draft.confidences[row]) - expected) < 1e-4 + 0.01 * expected)
    }
  }

  private func probability(
    of token: TokenID, after text: [TokenID], _ scenario: StreamingScenario
  ) throws -> Double {
    let cache = try scenario.small.makeCache(capacity: 200)
    let pass = try scenario.small.forward(
      TokenBatch(chain: text), caches: [cache], on: scenario.pool, clock: PhaseClock())
    let logits = pass.logits.array(pass.range(0)).map(Double.init)
    let top = logits.max() ?? 0
    let sum = logits.reduce(0) { $0 + exponential($1 - top) }
    return exponential(logits[Int(token)] - top) / sum
  }

  /// By repeated squaring of `1 + x / 2^20`, near enough for a tolerance of a percent.
  private func exponential(_ x: Double) -> Double {
    guard x > -600 else { return 0 }
    var value = 1 + x / 1_048_576
    for _ in 0..<20 { value *= value }
    return value
  }

  @Test func theLargeModelChecksAsSoonAsConfidenceFallsBelowAlpha() throws {
    let scenario = try StreamingScenario()
    let history = TokenHistory(prompt: scenario.prompt)
    func depth(_ alpha: Double) throws -> Int {
      let plan = try scenario.plan([Self.resident(nodes: 48, alpha: alpha, adaptive: 0)], .greedy)
      let draft = try #require(plan.drafter).propose(
        DraftRequest(history: history, limit: 48, sampler: plan.sampler, pool: scenario.pool))
      // What was expanded was at least that probable; only leaves are less so.
      for parent in draft.parents where parent >= 0 {
        #expect(Double(draft.confidences[parent]) >= alpha)
      }
      return draft.depth
    }
    #expect(try depth(0.5) <= depth(0.05))
    #expect(try depth(0.05) <= depth(0.001))
    #expect(try depth(0.5) < depth(0.001))
  }

  @Test func alphaHalvesWhenAllWasRightAndGrowsWithTheErrors() {
    var threshold = FallbackThreshold(start: 0.01)
    threshold.adjust(correct: 4, of: 4, confidence: 0.3)
    #expect(threshold.value == 0.005)
    // Half the tokens of a branch of confidence 0.04 were wrong: divided by its root.
    threshold.adjust(correct: 2, of: 4, confidence: 0.04)
    #expect(abs(threshold.value - 0.025) < 1e-12)
    threshold.adjust(correct: 0, of: 3, confidence: 0.1)
    #expect(abs(threshold.value - 0.25) < 1e-12)
    for _ in 0..<100 { threshold.adjust(correct: 0, of: 5, confidence: 0) }
    #expect(threshold.value == FallbackThreshold.bounds.upperBound)
    for _ in 0..<100 { threshold.adjust(correct: 5, of: 5, confidence: 0) }
    #expect(threshold.value == FallbackThreshold.bounds.lowerBound)
    let before = threshold.value
    threshold.adjust(correct: 0, of: 0, confidence: 1)
    #expect(threshold.value == before)
  }

  @Test func theBestMatchGoesOnFromTheAcceptedRows() {
    let draft = Draft(
      tokens: [5, 6, 7, 8, 9], parents: [-1, 0, -1, 1, 2], confidences: [0.8, 0.5, 0.15, 0.4, 0.1])
    #expect(FallbackThreshold.bestMatch(of: draft, accepted: []) == (3, Double(Float(0.4))))
    #expect(FallbackThreshold.bestMatch(of: draft, accepted: [2]) == (2, Double(Float(0.1))))
    #expect(FallbackThreshold.bestMatch(of: draft, accepted: [0, 1, 3]) == (3, Double(Float(0.4))))
  }

  /// Two answers in turns share the small model, and each finds its rows gone.
  @Test func drafterThatShareTheSmallModelDoNotDisturbEachOther() throws {
    let scenario = try StreamingScenario(isTwin: true)
    let expected = try scenario.run()
    var answers: [[TokenID]] = [[], []]
    let runs = try (0..<2).map { lane in
      let plan = try scenario.plan([Self.resident(nodes: lane == 0 ? 3 : 9)], .greedy)
      return try plan.loop.start(
        scenario.request(48) { answers[lane].append($0) }, plan: plan, on: scenario.pool)
    }
    var isRunning = [true, true]
    while isRunning.contains(true) {
      for lane in 0..<2 where isRunning[lane] {
        isRunning[lane] = try runs[lane].step() == nil
      }
    }
    #expect(answers == [expected, expected])
  }

  @Test(arguments: [0, 1]) func cancellingInTheMiddleLeavesABeginningOfTheAnswer(
    overlap: Int
  ) throws {
    let scenario = try StreamingScenario(isTwin: true)
    let expected = try scenario.run()
    let methods: [any DecodingMethod] = [
      Self.streamed(throttle: 400), Self.resident(nodes: 6, overlap: overlap),
    ]
    scenario.onRound = { [control = scenario.control] round in
      if round.drafted > 0 { control.cancel() }
    }
    let part = try scenario.run(methods)
    #expect(part.count < expected.count && expected.starts(with: part))
    scenario.onRound = { _ in }
    scenario.control = DecodingControl()
    #expect(try scenario.run(methods) == expected)
  }

  @Test func aShortlistChangesDraftsButNotTheAnswer() throws {
    let scenario = try StreamingScenario(isTwin: true)
    let expected = try scenario.run([], Self.sure)
    let kept = KeptResident(try DraftModel(scenario.small, capacity: 200))
    let vocabulary = scenario.small.shape.vocabulary
    var plan = try scenario.plan([], Self.sure)
    plan.draftLimit = 6
    plan.drafter = ResidentTreeDrafter(
      kept, vocabulary: vocabulary, width: 3, adapts: true, waiting: nil,
      shortlist: DraftShortlist(frequent: 128, vocabulary: vocabulary))
    #expect(try scenario.run(&plan) == expected)
    #expect(kept.model.headRows?.contains { $0.contains(0) } == true)
    #expect(scenario.totals.accepted > 0)
  }

  @Test func aShortlistHoldsTheFrequentTokensAndThoseOfTheText() {
    let list = DraftShortlist(frequent: 128, vocabulary: 1000)
    #expect(list.rows(with: []) == [0..<128])
    #expect(list.rows(with: [500]) == [0..<128, 448..<512])
    #expect(list.rows(with: [500, 999, 130]) == [0..<192, 448..<512, 960..<1000])
    list.restart()
    #expect(list.rows(with: [70]) == [0..<192, 448..<512, 960..<1000])
  }

  @Test func aTextThatDoesNotFitTheSmallModelIsNotDrafted() throws {
    let scenario = try StreamingScenario(isTwin: true)
    let expected = try scenario.run()
    let kept = KeptResident(try DraftModel(scenario.small, capacity: 20))
    var plan = try scenario.plan([], .greedy)
    plan.draftLimit = 6
    plan.drafter = ResidentTreeDrafter(
      kept, vocabulary: scenario.small.shape.vocabulary, width: 3, adapts: true, waiting: nil,
      shortlist: nil)
    #expect(try scenario.run(&plan) == expected)
  }

  @Test func aGovernedAnswerIsTheSame() throws {
    for isTwin in [false, true] {
      let scenario = try StreamingScenario(isTwin: isTwin)
      let expected = try scenario.run(tokens: 80)
      var plan = try scenario.plan([Self.resident(nodes: 8)], .greedy)
      plan.governor = Governor(
        curve: try CostCurve.measure(plan.model, on: scenario.pool, nanoseconds: 20_000_000))
      #expect(try scenario.run(&plan, tokens: 80) == expected)
    }
  }
}
