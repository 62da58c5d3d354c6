import Inference
import Runtime
import Testing

@Suite struct RaceTests {
  static let lookup = MethodSelection([MethodChoice("prompt-lookup")], isGoverned: false)
  static let words = "the cat sat on the mat and the cat sat on the mat again"

  private func race(
    _ lanes: [MethodSelection], mode: RaceRequest.Mode = .turns, answer: String = words
  ) async -> JobLog {
    let harness = await EngineHarness.loaded(
      model: FakeModel(answer: bytes(answer), after: promptEnd))
    return await harness.engine.submit(.race(request(lanes, mode: mode))).record()
  }

  private func request(_ lanes: [MethodSelection], mode: RaceRequest.Mode) -> RaceRequest {
    RaceRequest(
      source: .chat([ChatTurn(role: .user, text: "hello")]), settings: .greedy,
      maximumTokens: 100, lanes: lanes, mode: mode)
  }

  @Test func lanesOfAnExactMethodAgreeAndTheMethodTakesFewerPasses() async throws {
    let log = await race([Self.lookup, .none])
    let result = try #require(log.result)
    #expect(result.isIdentical)
    #expect(result.lanes.map(\.text) == [Self.words, Self.words])
    #expect(result.lanes[1].passes == result.lanes[1].tokens.count)
    #expect(result.lanes[0].passes < result.lanes[1].passes)
    #expect(result.lanes[0].accepted > 0 && result.lanes[1].drafted == 0)
    #expect(result.ratios.count == 1)
  }

  @Test(arguments: [.none, lookup])
  func tokensPerPassAreCountedAlikeEverywhere(_ lane: MethodSelection) async throws {
    let log = await race([lane, .none])
    let result = try #require(log.result?.lanes.first)
    #expect(lane != .none || result.tokensPerPass == 1)
    let harness = await EngineHarness.loaded(
      model: FakeModel(answer: bytes(Self.words), after: promptEnd))
    var request = GenerateRequest.chat("hello")
    request.methods = lane
    let answer = await harness.generate(request)
    #expect(answer.provenance?.tokensPerPass == result.tokensPerPass)
    // The round that ends the prompt is not counted.
    let rounds = answer.events.compactMap { event -> RoundRecord? in
      if case .round(let round) = event { round } else { nil }
    }.dropFirst()
    let totals = rounds.reduce(into: RoundTotals()) { $0.add($1) }
    #expect(totals.tokensPerPass == result.tokensPerPass)
  }

  @Test func lanesTakeTurns() async throws {
    let log = await race([.none, .none])
    let order = log.events.compactMap { event -> Int? in
      if case .race(.tokens(let lane, _, _)) = event { lane } else { nil }
    }
    // Plain lanes give a token a turn.
    #expect(order.prefix(8) == [0, 1, 0, 1, 0, 1, 0, 1])
  }

  @Test func aLanesClockOnlyGoesForward() async throws {
    let log = await race([Self.lookup, .none])
    for lane in 0...1 {
      let clock = log.events.compactMap { event -> UInt64? in
        if case .race(.tokens(lane, _, let time)) = event { time } else { nil }
      }
      #expect(clock.first != nil)
      #expect(zip(clock, clock.dropFirst()).allSatisfy { $0 <= $1 })
    }
  }

  @Test func soloModeGivesARatioForEachRepeat() async throws {
    let log = await race([Self.lookup, .none], mode: .solo(repeats: 3))
    let result = try #require(log.result)
    #expect(result.ratios.count == 3)
    #expect(result.ratio == result.ratios.sorted()[1])
    let progress = log.events.compactMap { event -> Int? in
      if case .race(.progress(let done, 3)) = event { done } else { nil }
    }
    #expect(progress == [1, 2, 3])
  }

  @Test func everyLaneCanBeHeldAgainstTheLast() async throws {
    let log = await race([.none, Self.lookup, .none], mode: .solo(repeats: 1))
    let result = try #require(log.result)
    let pair = result.againstLast(1)
    #expect(pair.lanes == [result.lanes[1], result.lanes[2]])
    #expect(pair.isIdentical && pair.ratios.count == 1)
  }

  @Test func lanesThatKeepThePromptReadItOnceAndSayTheSame() async throws {
    let harness = await EngineHarness.loaded(
      model: FakeModel(answer: bytes(Self.words), after: promptEnd))
    var request = request([Self.lookup, .none], mode: .solo(repeats: 1, warmsUp: false))
    request.keepsPrompt = true
    for round in 0...1 {
      let log = await harness.engine.submit(.race(request)).record()
      let result = try #require(log.result)
      #expect(result.isIdentical)
      #expect(result.lanes.map(\.text) == [Self.words, Self.words])
      let rows = log.events.compactMap { event -> Int? in
        if case .race(.prefill(_, 0, let total)) = event { total } else { nil }
      }
      #expect(rows.count == 2 && rows[1] == 1)
      #expect((rows[0] == 1) == (round == 1))
    }
  }

  @Test(arguments: [
    ([3, 4], [3, 5], 1), ([3], [3, 5], 1), ([], [7], 0), ([3, 4], [3, 4], nil),
  ])
  func lanesOfThreePartWhereTheirTokensDo(
    _ left: [TokenID], _ right: [TokenID], _ index: Int?
  ) {
    func lane(_ tokens: [TokenID]) -> LaneResult {
      LaneResult(
        methods: .none, tokens: tokens, text: "", finish: .length, promptSeconds: 1,
        generationSeconds: 1, rounds: RoundTotals(), extraBytes: 0)
    }
    let result = RaceResult(
      lanes: [lane([9]), lane(left), lane(right)], difference: nil, ratios: [])
    #expect(result.againstLast(1).difference?.index == index)
  }

  @Test func preparingAMethodTellsWhatItLacks() async {
    let harness = await EngineHarness.loaded(
      model: FakeModel(answer: bytes(Self.words), after: promptEnd))
    let good = await harness.engine.submit(.prepare(Self.lookup)).record()
    guard case .prepared = good.events.last else {
      Issue.record("\(good.events)")
      return
    }
    let drafter = MethodSelection([MethodChoice("resident-drafter")])
    let bad = await harness.engine.submit(.prepare(drafter)).record()
    #expect(bad.failure?.message.contains("no draft model") == true)
  }

  @Test func anUnknownMethodIsRefusedByName() async {
    let log = await race([MethodSelection([MethodChoice("perpetual-motion")]), .none])
    #expect(log.failure?.message.contains("perpetual-motion") == true)
  }

  @Test func oneLaneIsNoRace() async {
    #expect(await race([.none]).failure?.code == .invalidRequest)
  }

  @Test func answersAreTheSameWithAMethodSwitchedOn() async {
    let harness = await EngineHarness.loaded(
      model: FakeModel(answer: bytes(Self.words), after: promptEnd))
    var request = GenerateRequest.chat("hello")
    request.methods = Self.lookup
    let log = await harness.generate(request)
    #expect(log.text == Self.words)
    #expect(log.provenance?.methods == Self.lookup)
    #expect((log.provenance?.passes ?? .max) < (log.provenance?.tokens ?? 0))
    let rounds = log.events.compactMap { event -> RoundRecord? in
      if case .round(let round) = event { round } else { nil }
    }
    #expect(rounds.reduce(0) { $0 + $1.emitted } == log.provenance?.tokens)
  }
}

extension JobLog {
  fileprivate var result: RaceResult? {
    if case .race(.finished(let result)) = events.last { result } else { nil }
  }
}
