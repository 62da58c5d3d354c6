import Compute
import Inference
import Methods
import Models
import TestSupport
import Testing

/// Trees that a small model drafts, and what becomes of them.
@Suite struct DynamicTreeTests {
  private static let shapes: [(id: Double, name: String)] = [
    (0, "dynamic"), (1, "chain"), (2, "2-2-1"), (3, "4-ary"), (4, "by rank"),
  ]

  private static func method(_ values: [String: Double] = [:]) -> MethodSelection {
    MethodSelection([MethodChoice("dynamic-tree", values: values)], isGoverned: false)
  }

  /// The drafter of a plan that the method was installed in.
  private static func drafter(
    _ lab: MethodLab, _ values: [String: Double] = [:]
  ) throws -> any Drafter {
    var plan = DecodingPlan(
      model: lab.target.model, cache: try lab.target.model.makeCache(capacity: 256),
      verifier: SampleMatchVerifier(), sampler: SamplerChain(settings: .greedy),
      loop: SpeculativeLoop())
    try plan.install(MethodCatalog.all.make(method(values)), context: lab.context)
    #expect(plan.verifier is RejectionVerifier && plan.draftLimit == Int(values["nodes"] ?? 16))
    return try #require(plan.drafter)
  }

  private static func request(
    _ lab: MethodLab, _ settings: SamplerSettings, limit: Int, least: Double = 0,
    text: [TokenID] = MethodLab.prompt
  ) -> DraftRequest {
    DraftRequest(
      history: TokenHistory(prompt: text), limit: limit, leastConfidence: least,
      sampler: SamplerChain(settings: settings), pool: lab.pool)
  }

  /// Tiny models are unsure of everything; this makes some tokens likely.
  private static var drawn: SamplerSettings {
    var settings = SamplerSettings()
    settings.temperature = 0.4
    settings.minP = 0
    settings.topP = 1
    return settings
  }

  // MARK: Answers

  @Test(arguments: shapes.map { ["shape": $0.id] } + [["order": 1]])
  func greedyAnswersAreThoseOfPlainDecoding(_ kind: [String: Double]) throws {
    let lab = try MethodLab(architecture: "qwen2")
    var strict = SamplerSettings.greedy
    strict.repetitionPenalty = 1.3
    strict.dryMultiplier = 0.7
    strict.logitBias = [40: 1.5, 51: -2]
    for settings in [SamplerSettings.greedy, strict] {
      let plain = try lab.run(.none, settings: settings, maximumTokens: 24)
      for values in [
        ["threshold": 0.0, "nodes": 9], ["nodes": 5, "threshold": 0.2, "draft-temp": 0.3],
      ] {
        let choice = values.merging(kind) { $1 }
        let got = try lab.run(Self.method(choice), settings: settings, maximumTokens: 24)
        #expect(got.tokens == plain.tokens, "\(choice)")
        #expect(got.rounds.accepted > 0)
      }
    }
  }

  @Test func aWrongMaskIsNoticed() throws {
    let lab = try MethodLab()
    let plain = try lab.run(.none, settings: .greedy)
    lab.sabotage = { $0.cache = SabotagedCache($0.cache, .ignoresTheTree) }
    let got = try lab.run(Self.method(["threshold": 0, "nodes": 12]), settings: .greedy)
    #expect(got.tokens != plain.tokens)
  }

  @Test func runsRepeatWhateverWasSaidBefore() throws {
    let lab = try MethodLab()
    let first = try lab.run(Self.method(), settings: Self.drawn)
    _ = try lab.run(Self.method(), settings: .greedy, prompt: [9, 8, 7])
    let second = try lab.run(Self.method(), settings: Self.drawn)
    #expect(first.tokens == second.tokens)
    #expect(first.rounds.accepted > 0)
    var other = Self.drawn
    other.seed = 43
    #expect(try lab.run(Self.method(), settings: other).tokens != first.tokens)
  }

  /// The pair of tokens after a prompt, counted against its exact probability.
  @Test(arguments: [
    ["threshold": 0.0, "nodes": 5], ["threshold": 0.1, "nodes": 4, "order": 1],
    ["shape": 2, "nodes": 4, "draft-temp": 1.5],
  ])
  func twoTokensHaveTheirDistribution(_ values: [String: Double]) throws {
    let lab = try MethodLab()
    var settings = Self.drawn
    settings.temperature = 1.2
    settings.topK = 4
    let exact = try Self.pairs(lab, settings).sorted {
      $0.key.lexicographicallyPrecedes($1.key)
    }
    let places = Dictionary(
      uniqueKeysWithValues: exact.enumerated().map { ($0.element.key, $0.offset) })
    var counts = [Int](repeating: 0, count: exact.count)
    var accepted = 0
    let cache = try lab.target.model.makeCache(capacity: 256)
    for seed in 0..<700 {
      settings.seed = UInt64(seed)
      var plan = DecodingPlan(
        model: lab.target.model, cache: cache, verifier: SampleMatchVerifier(),
        sampler: SamplerChain(settings: settings), loop: SpeculativeLoop())
      try plan.install(MethodCatalog.all.make(Self.method(values)), context: lab.context)
      var pair: [TokenID] = []
      let request = DecodingRequest(
        prompt: MethodLab.prompt, cachedCount: min(cache.count, MethodLab.prompt.count),
        maximumTokens: 20, stopTokens: []
      ) { event in
        guard case .token(let record) = event else { return .go }
        pair.append(record.sampled.token)
        accepted += record.wasDrafted ? 1 : 0
        return pair.count < 2 ? .go : .stop
      }
      #expect(try plan.loop.run(request, plan: &plan, on: lab.pool) == .stop)
      counts[try #require(places[pair])] += 1
    }
    let result = ChiSquare(counts: counts, probabilities: exact.map(\.value))
    #expect(result.isPlausible, "\(result.deviation)")
    #expect(result.degrees > 6 && accepted > 350)
  }

  private static func pairs(
    _ lab: MethodLab, _ settings: SamplerSettings
  ) throws -> [[TokenID]: Double] {
    let sampler = SamplerChain(settings: settings)
    func next(_ text: [TokenID]) throws -> Distribution {
      let pass = try lab.target.model.forward(
        TokenBatch(chain: text), caches: [try lab.target.model.makeCache(capacity: 64)],
        on: lab.pool, clock: PhaseClock())
      return sampler.distribution(pass.row(0), history: TokenHistory(prompt: text))
    }
    var pairs: [[TokenID]: Double] = [:]
    let first = try next(MethodLab.prompt)
    for (token, probability) in zip(first.tokens, first.probabilities) {
      let second = try next(MethodLab.prompt + [token])
      for (other, share) in zip(second.tokens, second.probabilities) {
        pairs[[token, other]] = probability * share
      }
    }
    return pairs
  }

  /// What a run's rounds come to where the model drafts for itself.
  private static func roundsOfOneModel(
    _ lab: MethodLab, _ settings: SamplerSettings, _ values: [String: Double]
  ) throws -> RoundTotals {
    var context = lab.context
    context.memory = MethodMemory()
    context.draftModel = { [lab] () throws(InferenceError) in lab.target.model }
    var plan = DecodingPlan(
      model: lab.target.model, cache: try lab.target.model.makeCache(capacity: 256),
      verifier: SampleMatchVerifier(), sampler: SamplerChain(settings: settings),
      loop: SpeculativeLoop())
    try plan.install(MethodCatalog.all.make(method(values)), context: context)
    var totals = RoundTotals()
    let request = DecodingRequest(
      prompt: MethodLab.prompt, maximumTokens: 41, stopTokens: []
    ) { event in
      if case .round(let round) = event { totals.add(round) }
      return .go
    }
    _ = try plan.loop.run(request, plan: &plan, on: lab.pool)
    return totals
  }

  @Test(arguments: [SamplerSettings.greedy, drawn])
  func aDraftModelThatIsTheModelIsAlwaysRight(_ settings: SamplerSettings) throws {
    let totals = try Self.roundsOfOneModel(MethodLab(), settings, ["shape": 1, "nodes": 7])
    // The prompt's round has no draft.
    #expect(totals.tokens == 41 && totals.passes == 1 + 5)
    #expect(totals.accepted == totals.drafted)
  }

  /// Tokens drawn from the model's own distribution always stand, which their probabilities do not tell.
  @Test func treesGrowDeeperWhereTokensStandMoreOftenThanTheirProbability() throws {
    let lab = try MethodLab()
    var passes: [Int] = []
    for calibrates in [0.0, 1] {
      let totals = try Self.roundsOfOneModel(
        lab, Self.drawn, ["calibrate": calibrates, "nodes": 7, "threshold": 0])
      #expect(totals.tokens == 41)
      passes.append(totals.passes)
    }
    #expect(passes[1] < passes[0], "\(passes)")
  }

  @Test func theAnswerGoesOnWhereTheSmallModelsContextEnds() throws {
    let lab = try MethodLab()
    var tiny = TinyModel(format: .q4_0)
    tiny.contextLength = 40
    let small = try tiny.load()
    var context = lab.context
    context.draftModel = { () throws(InferenceError) in small.model }
    var plan = DecodingPlan(
      model: lab.target.model, cache: try lab.target.model.makeCache(capacity: 256),
      verifier: SampleMatchVerifier(), sampler: SamplerChain(settings: .greedy),
      loop: SpeculativeLoop())
    let method = Self.method(["threshold": 0])
    try plan.install(MethodCatalog.all.make(method), context: context)
    var tokens: [TokenID] = []
    var drafted: [Int] = []
    let request = DecodingRequest(
      prompt: MethodLab.prompt, maximumTokens: 48, stopTokens: []
    ) { event in
      if case .token(let record) = event { tokens.append(record.sampled.token) }
      if case .round(let round) = event { drafted.append(round.drafted) }
      return .go
    }
    #expect(try plan.loop.run(request, plan: &plan, on: lab.pool) == .length)
    #expect(tokens == (try lab.run(.none, settings: .greedy)).tokens)
    #expect(drafted.contains { $0 > 4 } && drafted.suffix(20).allSatisfy { $0 == 0 })
  }

  @Test func aDraftModelOfAnotherVocabularyIsRefusedInWords() throws {
    let lab = try MethodLab()
    let other = try MethodLab(architecture: "gemma3")
    var context = lab.context
    context.draftModel = { () throws(InferenceError) in other.draft.model }
    var plan = DecodingPlan(
      model: lab.target.model, cache: try lab.target.model.makeCache(capacity: 64),
      verifier: SampleMatchVerifier(), sampler: SamplerChain(settings: .greedy),
      loop: SpeculativeLoop())
    do {
      try plan.install(MethodCatalog.all.make(Self.method()), context: context)
      Issue.record("two vocabularies went together")
    } catch {
      let sizes = [lab.target.model.shape.vocabulary, other.draft.model.shape.vocabulary]
      #expect(sizes.allSatisfy { error.message.contains("\($0)") })
    }
  }

  @Test func theSmallModelStaysWarmBetweenAnswers() throws {
    let lab = try MethodLab()
    var calls = 0
    var context = lab.context
    context.draftModel = { [lab] () throws(InferenceError) in
      calls += 1
      return lab.draft.model
    }
    for _ in 0..<3 {
      var plan = DecodingPlan(
        model: lab.target.model, cache: try lab.target.model.makeCache(capacity: 64),
        verifier: SampleMatchVerifier(), sampler: SamplerChain(settings: .greedy),
        loop: SpeculativeLoop())
      try plan.install(MethodCatalog.all.make(Self.method()), context: context)
      #expect((plan.drafter?.byteCount ?? 0) >= lab.draft.model.weightByteCount)
    }
    #expect(calls == 1)
  }

  // MARK: Trees

  /// Each row with what it was worth before it was drawn: the probability that verification comes to it.
  private static func worths(_ draft: Draft) -> [Double] {
    var left: [Int: Double] = [:]
    return draft.tokens.indices.map { row in
      let parent = draft.parents[row]
      let value = left[parent] ?? (parent < 0 ? 1 : Double(draft.confidences[parent]))
      left[parent] = value * (1 - draft.proposals[row][draft.tokens[row]])
      return value
    }
  }

  @Test(arguments: [0.0, 1])
  func drawnTreesAreWhatTheySay(order: Double) throws {
    let lab = try MethodLab()
    let drafter = try Self.drafter(lab, ["order": order, "threshold": 0, "nodes": 48])
    let sampler = SamplerChain(settings: Self.drawn)
    for seed in 0..<12 {
      var settings = Self.drawn
      settings.seed = UInt64(seed)
      let draft = try drafter.propose(Self.request(lab, settings, limit: 20))
      #expect(draft.count == 20 && draft.proposals.count == 20 && draft.confidences.count == 20)
      let worths = Self.worths(draft)
      #expect(zip(worths, worths.dropFirst()).allSatisfy { $0 >= $1 - 1e-6 }, "\(worths)")
      for row in 0..<draft.count {
        let parent = draft.parents[row]
        #expect(parent < row)
        let siblings = draft.children(of: parent).filter { $0 < row }
        let own = draft.proposals[row]
        let share = own[draft.tokens[row]]
        #expect(abs(Double(draft.confidences[row]) - worths[row] * share) < 1e-5)
        if let last = siblings.last {
          #expect(own == draft.proposals[last].removing(draft.tokens[last]))
        } else {
          var path = [TokenID]()
          var ancestor = parent
          while ancestor >= 0 {
            path.insert(draft.tokens[ancestor], at: 0)
            ancestor = draft.parents[ancestor]
          }
          let text = MethodLab.prompt + path
          let pass = try lab.draft.model.forward(
            TokenBatch(chain: text), caches: [try lab.draft.model.makeCache(capacity: 64)],
            on: lab.pool, clock: PhaseClock())
          let exact = sampler.distribution(pass.row(0), history: TokenHistory(prompt: text))
          #expect(own == exact)
        }
      }
    }
  }

  @Test func nothingIsDraftedThatIsWorthLessThanAsked() throws {
    let lab = try MethodLab()
    for (values, asked) in [(["threshold": 0.2], 0.0), (["threshold": 0.0], 0.2)] {
      for order in [0.0, 1] {
        let knobs = values.merging(["order": order, "draft-temp": 0.3]) { $1 }
        let drafter = try Self.drafter(lab, knobs)
        let drawn = try drafter.propose(Self.request(lab, Self.drawn, limit: 16, least: asked))
        #expect(drawn.count > 0 && drawn.count < 16)
        #expect(Self.worths(drawn).allSatisfy { $0 >= 0.2 - 1e-6 })
        let chosen = try drafter.propose(Self.request(lab, .greedy, limit: 16, least: asked))
        #expect(chosen.confidences.allSatisfy { $0 >= 0.2 - 1e-6 })
      }
    }
  }

  /// So a limit, which comes before the draws, cannot depend on them.
  @Test func aSmallerTreeIsTheBeginningOfALargerOne() throws {
    let lab = try MethodLab()
    let drafter = try Self.drafter(lab, ["order": 1, "threshold": 0, "nodes": 48])
    for settings in [SamplerSettings.greedy, Self.drawn] {
      let large = try drafter.propose(Self.request(lab, settings, limit: 24))
      for limit in 1..<24 {
        let small = try drafter.propose(Self.request(lab, settings, limit: limit))
        #expect(small.untimed == large.prefix(limit).untimed)
      }
    }
  }

  @Test(arguments: [1, 2, 7, 16, 33])
  func layersGiveTheVeryTreeOfGrowingNodeByNode(limit: Int) throws {
    for architecture in ["llama", "gemma3"] {
      let lab = try MethodLab(architecture: architecture)
      let layers = try Self.drafter(lab, ["threshold": 0, "nodes": 48])
      let nodes = try Self.drafter(lab, ["threshold": 0, "nodes": 48, "order": 1])
      for length in [3, 9, 20] {
        let text = Array(MethodLab.prompt.prefix(length))
        let request = Self.request(lab, .greedy, limit: limit, text: text)
        let draft = try layers.propose(request)
        #expect(try nodes.propose(request).untimed == draft.untimed)
        #expect(draft.count == limit && draft.proposals.isEmpty)
        #expect(zip(draft.confidences, draft.confidences.dropFirst()).allSatisfy { $0 >= $1 })
      }
    }
  }

  @Test func noFixedTreeOfTheSizeIsExpectedToGiveMore() throws {
    let lab = try MethodLab()
    for limit in [4, 16, 32, 48] {
      let expected = try Self.shapes.map { shape in
        let drafter = try Self.drafter(
          lab, ["shape": shape.id, "threshold": 0, "nodes": 48, "draft-temp": 0.3])
        let draft = try drafter.propose(Self.request(lab, .greedy, limit: limit))
        return draft.confidences.reduce(0, +)
      }
      #expect(expected.dropFirst().allSatisfy { $0 <= expected[0] + 1e-5 }, "\(expected)")
      #expect((expected.dropFirst().max() ?? 0) < expected[0])
    }
  }

  @Test func fixedShapesAreWhatTheyAreCalled() throws {
    let lab = try MethodLab()
    for settings in [SamplerSettings.greedy, Self.drawn] {
      func parents(_ shape: Double, _ limit: Int) throws -> [Int] {
        let drafter = try Self.drafter(lab, ["shape": shape, "nodes": 48])
        let draft = try drafter.propose(Self.request(lab, settings, limit: limit))
        #expect(Set(zip(draft.parents, draft.tokens).map { "\($0) \($1)" }).count == limit)
        return draft.parents
      }
      #expect(try parents(1, 5) == [-1, 0, 1, 2, 3])
      #expect(try parents(2, 12) == [-1, -1, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7])
      #expect(try parents(3, 10) == [-1, -1, -1, -1, 0, 1, 2, 3, 0, 1])
      let byRank = try parents(4, 48)
      #expect(byRank.prefix(2) == [-1, -1] && byRank.count == 48)
    }
  }
}

extension Draft {
  /// Without what differs from run to run.
  fileprivate var untimed: Draft {
    var draft = self
    draft.catchUpNanoseconds = 0
    return draft
  }
}
