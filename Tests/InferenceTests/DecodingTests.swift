import Compute
import Inference
import Testing

@Suite struct DecodingTests {
  /// The settings under which drafting must change nothing.
  static let settings: [SamplerSettings] = [
    .greedy, .neutral, SamplerSettings(),
    .neutral {
      $0.mirostat = 1
      $0.mirostatTau = 2
    },
    .neutral {
      $0.repetitionPenalty = 1.4
      $0.dryMultiplier = 0.8
      $0.xtcProbability = 0.5
      $0.xtcThreshold = 0.05
      $0.seed = 7
    },
  ]

  func plain(_ settings: SamplerSettings, tokens: Int = 40) throws -> DecodingScenario {
    let scenario = DecodingScenario(settings)
    scenario.maximumTokens = tokens
    _ = try scenario.run()
    return scenario
  }

  /// A draft that knows the right continuation, shaped by a closure.
  func oracle(
    _ settings: SamplerSettings, _ shape: @escaping ([TokenID], Int) -> Draft
  ) throws -> ScriptedDrafter {
    let known = try plain(settings, tokens: 60)
    let text = known.prompt + known.tokens
    return ScriptedDrafter { history, limit in
      shape(Array(text.dropFirst(history.count).prefix(limit)), limit)
    }
  }

  static func chain(_ tokens: [TokenID]) -> Draft {
    Draft(tokens: tokens, parents: tokens.indices.map { $0 - 1 })
  }

  func expectSame(_ drafted: DecodingScenario, as plain: DecodingScenario) {
    #expect(drafted.tokens == plain.tokens)
    #expect(drafted.cache.tokens == plain.cache.tokens)
    #expect(drafted.records.map(\.sampled) == plain.records.map(\.sampled))
    #expect(drafted.plan.sampler.mirostat == plain.plan.sampler.mirostat)
  }

  @Test func theCacheHoldsThePromptAndAllButTheLastToken() throws {
    let scenario = DecodingScenario()
    #expect(try scenario.run() == .length)
    #expect(scenario.tokens.count == 40)
    #expect(scenario.records.map(\.index) == Array(0..<40))
    #expect(scenario.cache.tokens == scenario.prompt + scenario.tokens.dropLast())
    #expect(scenario.model.passes == 40)
  }

  @Test(arguments: settings) func rightDraftsTakeFewerPassesForTheSameTokens(
    settings: SamplerSettings
  ) throws {
    let drafter = try oracle(settings) { right, _ in Self.chain(right) }
    let drafted = DecodingScenario(settings, drafter: drafter)
    #expect(try drafted.run() == .length)
    expectSame(drafted, as: try plain(settings))
    #expect(drafted.model.passes <= 4)
    #expect(drafter.told == drafted.tokens)
  }

  @Test(arguments: settings) func wrongDraftsChangeNothing(settings: SamplerSettings) throws {
    let drafter = try oracle(settings) { right, _ in Self.chain(right.map { ($0 + 1) % 24 }) }
    let drafted = DecodingScenario(settings, drafter: drafter)
    _ = try drafted.run()
    expectSame(drafted, as: try plain(settings))
    #expect(drafter.accepted == 0)
  }

  @Test(arguments: settings) func draftsRightUpToSomePointChangeNothing(
    settings: SamplerSettings
  ) throws {
    var random = TestRandom(4)
    let drafter = try oracle(settings) { right, _ in
      var tokens = right
      if let place = tokens.indices.randomElement(using: &random) { tokens[place] = 0 }
      return Self.chain(tokens)
    }
    let drafted = DecodingScenario(settings, drafter: drafter)
    _ = try drafted.run()
    expectSame(drafted, as: try plain(settings))
    #expect(drafter.accepted > 5 && drafted.model.passes < 40)
  }

  @Test(arguments: settings) func treesChangeNothing(settings: SamplerSettings) throws {
    // At each depth a wrong sibling comes before the right one, with a child of its own.
    let drafter = try oracle(settings) { right, limit in
      var draft = Draft()
      var parent = -1
      for token in right where draft.tokens.count + 3 <= limit {
        draft.tokens += [(token + 1) % 24, token, token]
        draft.parents += [parent, parent, draft.tokens.count - 3]
        parent = draft.tokens.count - 2
      }
      return draft
    }
    let drafted = DecodingScenario(settings, drafter: drafter)
    _ = try drafted.run()
    expectSame(drafted, as: try plain(settings))
    #expect(drafter.accepted > 20 && drafted.model.passes < 20)
  }

  @Test(arguments: settings) func malformedDraftsChangeNothing(settings: SamplerSettings) throws {
    var random = TestRandom(8)
    let drafter = ScriptedDrafter { _, limit in
      let count = Int.random(in: 0...limit * 2, using: &random)
      return Draft(
        tokens: (0..<count).map { _ in TokenID.random(in: -3...30, using: &random) },
        parents: (0..<Int.random(in: 0...limit * 2, using: &random)).map { _ in
          Int.random(in: -2...limit, using: &random)
        })
    }
    let drafted = DecodingScenario(settings, drafter: drafter)
    _ = try drafted.run()
    expectSame(drafted, as: try plain(settings))
  }

  @Test func aCacheThatKeepsRejectedRowsIsCaught() throws {
    let drafter = try oracle(.greedy) { right, _ in Self.chain(right.map { ($0 + 1) % 24 }) }
    let drafted = DecodingScenario(.greedy, drafter: drafter, keepsRejectedRows: true)
    _ = try drafted.run()
    #expect(drafted.tokens != (try plain(.greedy)).tokens)
  }

  @Test(arguments: [1, 2, 3, 4, 5, 100]) func chunksOfThePromptChangeNothing(chunk: Int) throws {
    let scenario = DecodingScenario()
    scenario.chunkLength = chunk
    _ = try scenario.run()
    expectSame(scenario, as: try plain(.neutral))
    #expect(scenario.prefills.first == [0, 5] && scenario.prefills.last == [5, 5])
    #expect(scenario.prefills.count == 1 + (5 + chunk - 1) / chunk)
    #expect(scenario.prefills.map { $0[0] } == scenario.prefills.map { $0[0] }.sorted())
  }

  @Test(arguments: [0, 3, 4, 5, 9]) func aPrefixInTheCacheIsNotReadAgain(cached: Int) throws {
    let scenario = DecodingScenario()
    try scenario.cache.begin(parents: Array(-1..<5))
    scenario.cache.fill(scenario.prompt + [9])
    scenario.cache.commit(Array(0..<6))
    scenario.cachedCount = cached
    _ = try scenario.run()
    expectSame(scenario, as: try plain(.neutral))
    #expect(scenario.model.rows == 5 - min(cached, 4) + 39)
  }

  @Test func aPrefixThatTheCacheCannotContinueIsReadAgain() throws {
    let scenario = DecodingScenario()
    scenario.cache.leastKept = 5
    try scenario.cache.begin(parents: Array(-1..<5))
    scenario.cache.fill(scenario.prompt + [9])
    scenario.cache.commit(Array(0..<6))
    scenario.cachedCount = 3
    _ = try scenario.run()
    expectSame(scenario, as: try plain(.neutral))
    #expect(scenario.model.rows == 5 + 39)
    #expect(scenario.prefills.first == [0, 5])
  }

  @Test func continuingAPartialAnswerGivesTheSameTokens() throws {
    let whole = try plain(SamplerSettings())
    let rest = DecodingScenario(SamplerSettings())
    rest.prompt = whole.prompt + whole.tokens.prefix(13)
    rest.maximumTokens = 27
    _ = try rest.run()
    #expect(rest.tokens == Array(whole.tokens.dropFirst(13)))
  }

  @Test func aStopTokenEndsTheAnswerWithoutBeingPartOfIt() throws {
    let known = try plain(.neutral)
    let stop = known.tokens[12]
    let length = try #require(known.tokens.firstIndex(of: stop))
    let exact = try oracle(.neutral) { right, _ in Self.chain(right) }
    for drafter in [nil, exact] {
      let scenario = DecodingScenario(.neutral, drafter: drafter)
      scenario.stopTokens = [stop]
      #expect(try scenario.run() == .stop)
      #expect(scenario.tokens == Array(known.tokens[..<length]))
      #expect(scenario.cache.tokens == scenario.prompt + scenario.tokens)
    }
  }

  @Test func theConsumerCanStopInTheMiddleOfADraft() throws {
    let known = try plain(.neutral)
    for length in 1...20 {
      let drafter = try oracle(.neutral) { right, _ in Self.chain(right) }
      let scenario = DecodingScenario(.neutral, drafter: drafter)
      scenario.onEvent = { event in
        if case .token(let record) = event, record.index == length - 1 { return .stop }
        return .go
      }
      #expect(try scenario.run() == .stop)
      #expect(scenario.tokens == Array(known.tokens[..<length]))
      #expect(scenario.cache.tokens == scenario.prompt + scenario.tokens.dropLast())
    }
  }

  @Test(arguments: [false, true]) func newSettingsActExactlyFromTheNextToken(drafts: Bool) throws {
    var hot = SamplerSettings.neutral
    hot.temperature = 1.9
    hot.seed = 99
    let known = try plain(.neutral)
    for place in 0..<15 {
      let drafter = drafts ? try oracle(.neutral) { right, _ in Self.chain(right) } : nil
      let scenario = DecodingScenario(.neutral, drafter: drafter)
      scenario.maximumTokens = 25
      scenario.onEvent = { event in
        if case .token(let record) = event, record.index == place {
          scenario.control.change(to: .greedy)
          scenario.control.change(to: hot)
        }
        return .go
      }
      _ = try scenario.run()
      scenario.onEvent = { _ in .go }
      // What comes after the change is what the new settings give after the same text.
      let rest = DecodingScenario(hot)
      rest.prompt = known.prompt + known.tokens.prefix(place + 1)
      rest.maximumTokens = 24 - place
      _ = try rest.run()
      #expect(scenario.tokens == Array(known.tokens.prefix(place + 1)) + rest.tokens)
      #expect(scenario.records.firstIndex { $0.settings != nil } == place + 1)
      #expect(scenario.records.filter { $0.settings != nil }.map(\.settings) == [hot])
      #expect(scenario.cache.tokens == scenario.prompt + scenario.tokens.dropLast())
    }
  }

  @Test func mirostatIsTakenBackWithTheTokensThatWereNotEmitted() throws {
    let settings = Self.settings[3]
    var other = settings
    other.mirostatEta = 0.9
    func run(_ drafter: (any Drafter)?) throws -> DecodingScenario {
      let scenario = DecodingScenario(settings, drafter: drafter)
      scenario.onEvent = { event in
        if case .token(let record) = event, record.index == 9 { scenario.control.change(to: other) }
        return .go
      }
      _ = try scenario.run()
      scenario.onEvent = { _ in .go }
      return scenario
    }
    let drafted = try run(try oracle(settings) { right, _ in Self.chain(right) })
    expectSame(drafted, as: try run(nil))
    #expect(drafted.plan.sampler.mirostat != (try plain(settings)).plan.sampler.mirostat)
  }

  @Test func cancellingWhileThePromptIsReadLeavesWhatWasRead() throws {
    let scenario = DecodingScenario()
    scenario.chunkLength = 2
    scenario.model.onForward = { batch in
      if batch.tokens == [3, 4] { scenario.control.cancel() }
    }
    #expect(try scenario.run() == .cancelled)
    #expect(scenario.tokens.isEmpty && scenario.cache.tokens == [1, 2])
    scenario.model.onForward = { _ in }
  }

  @Test func cancellingBetweenTokensKeepsThePart() throws {
    for drafts in [false, true] {
      let drafter = drafts ? try oracle(.neutral) { right, _ in Self.chain(right) } : nil
      let scenario = DecodingScenario(.neutral, drafter: drafter)
      scenario.onEvent = { event in
        if case .token(let record) = event, record.index == 6 { scenario.control.cancel() }
        return .go
      }
      #expect(try scenario.run() == .cancelled)
      scenario.onEvent = { _ in .go }
      #expect(scenario.tokens.count == 7)
      #expect(scenario.cache.tokens == scenario.prompt + scenario.tokens.dropLast())
    }
  }

  @Test func cancellingWakesAHeldRun() throws {
    let scenario = DecodingScenario()
    scenario.control.isHeld = true
    let control = scenario.control
    scenario.onEvent = { event in
      // The run holds after this; another thread cancels it.
      ComputeThread.start(name: "canceller") { control.cancel() }
      return .go
    }
    #expect(try scenario.run() == .cancelled)
    #expect(scenario.tokens.isEmpty)
  }

  @Test func aHeldRunGoesOnWhereItStood() throws {
    let known = try plain(.neutral)
    let drafter = try oracle(.neutral) { right, _ in Self.chain(right) }
    let scenario = DecodingScenario(.neutral, drafter: drafter)
    let control = scenario.control
    scenario.onEvent = { event in
      if case .token(let record) = event, record.index == 5 {
        control.isHeld = true
        ComputeThread.start(name: "releaser") { control.isHeld = false }
      }
      return .go
    }
    #expect(try scenario.run() == .length)
    expectSame(scenario, as: known)
  }

  @Test func aFullContextEndsTheAnswer() throws {
    for drafts in [false, true] {
      let drafter = drafts ? try oracle(.neutral) { right, _ in Self.chain(right) } : nil
      let scenario = DecodingScenario(.neutral, drafter: drafter, capacity: 20)
      #expect(try scenario.run() == .contextFull)
      // The cache is full of all but the last token.
      #expect(scenario.tokens.count == 16)
      #expect(scenario.cache.tokens == scenario.prompt + scenario.tokens.dropLast())
    }
  }

  @Test func aPromptThatDoesNotFitIsSaidSo() throws {
    let scenario = DecodingScenario(capacity: 4)
    scenario.chunkLength = 2
    #expect(try scenario.run() == .contextFull)
    #expect(scenario.tokens.isEmpty && scenario.cache.tokens == [1, 2, 3, 4])
  }

  @Test func requestsWithoutSenseAreRefused() throws {
    let scenario = DecodingScenario()
    scenario.prompt = []
    #expect(throws: InferenceError.self) { try scenario.run() }
    scenario.prompt = [1, 24]
    #expect(throws: InferenceError.self) { try scenario.run() }
    scenario.prompt = [1, 2, 3]
    scenario.cachedCount = 2
    #expect(throws: InferenceError.self) { try scenario.run() }
    #expect(scenario.cache.tokens.isEmpty && scenario.records.isEmpty)
  }

  @Test func aLimitOfNothingEmitsNothing() throws {
    let scenario = DecodingScenario()
    scenario.maximumTokens = 0
    #expect(try scenario.run() == .length)
    #expect(scenario.tokens.isEmpty)
  }

  @Test func timeIsBookedByClassAndInOrder() throws {
    let scenario = try plain(.neutral)
    for record in scenario.records {
      #expect(record.operations[.sampling].nanoseconds > 0)
      #expect(record.operations[.feedForward].nanoseconds > 0)
    }
    let times = scenario.records.map(\.time)
    #expect(times == times.sorted())
  }
}
