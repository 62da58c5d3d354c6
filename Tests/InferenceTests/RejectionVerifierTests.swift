import Compute
import Inference
import TestSupport
import Testing

/// What rejection sampling emits, counted against the exact probability of every text.
@Suite struct RejectionVerifierTests {
  /// Eight tokens, three in a row: 512 texts.
  private static func small(
    _ change: (inout SamplerSettings) -> Void = { _ in }
  ) -> RejectionWorld {
    RejectionWorld(vocabulary: 8, length: 3, settings: .neutral(change))
  }

  private func check(
    _ world: RejectionWorld, shape: String, samples: Int,
    verifier: any Verifier = RejectionVerifier(), drafting: RejectionWorld.Drafting = .sound
  ) throws -> ChiSquare {
    let parents = try #require(RejectionWorld.shapes[shape])
    let outcomes = world.outcomes().sorted { $0.key.lexicographicallyPrecedes($1.key) }
    let places = Dictionary(
      uniqueKeysWithValues: outcomes.enumerated().map { ($0.element.key, $0.offset) })
    var counts = [Int](repeating: 0, count: outcomes.count)
    for seed in 0..<samples {
      let text = try world.sample(
        seed: UInt64(seed), parents: parents, verifier: verifier, drafting: drafting)
      counts[try #require(places[text], "\(text) is impossible")] += 1
    }
    return ChiSquare(counts: counts, probabilities: outcomes.map(\.value))
  }

  @Test(arguments: ["chain", "tree"])
  func theDistributionOfThreeTokensIsTheModels(_ shape: String) throws {
    let result = try check(Self.small(), shape: shape, samples: 200_000)
    #expect(result.degrees > 300)
    #expect(result.isPlausible, "\(shape): \(result.deviation)")
  }

  @Test(arguments: ["chain", "siblings", "tree"])
  func theDistributionIsThatOfTheStagesOverALargerVocabulary(_ shape: String) throws {
    let world = RejectionWorld(
      vocabulary: 64, length: 2,
      settings: .neutral {
        $0.temperature = 0.7
        $0.topK = 12
        $0.minP = 0.02
        $0.presencePenalty = 0.8
      })
    let result = try check(world, shape: shape, samples: 20_000)
    #expect(result.degrees > 40)
    #expect(result.isPlausible, "\(shape): \(result.deviation)")
  }

  @Test(arguments: ["chain", "tree"])
  func chosenTokensCountAsDrawnFromThemselves(_ shape: String) throws {
    let result = try check(Self.small(), shape: shape, samples: 20_000, drafting: .chooses)
    #expect(result.isPlausible, "\(shape): \(result.deviation)")
  }

  @Test(arguments: [
    RejectionWorld.Drafting.takesTheBest, .keepsTheSibling, .dropsTheUnlikely,
  ])
  func theCheckCatchesWrongDrafts(_ drafting: RejectionWorld.Drafting) throws {
    let result = try check(Self.small(), shape: "tree", samples: 25_000, drafting: drafting)
    #expect(result.deviation > 6)
  }

  @Test(arguments: ["chain", "tree"])
  func theCheckCatchesARefusalThatIsForgotten(_ shape: String) throws {
    let result = try check(
      Self.small(), shape: shape, samples: 25_000, verifier: ForgetfulVerifier())
    #expect(result.deviation > 6)
  }

  @Test func atTemperatureZeroTheTokensAreTheGreedyOnes() throws {
    let world = RejectionWorld(vocabulary: 8, length: 3, settings: .greedy)
    var greedy: [TokenID] = []
    while greedy.count < 3 { greedy.append(try #require(world.target(greedy).best)) }
    for drafting in [RejectionWorld.Drafting.sound, .chooses, .takesTheBest, .keepsTheSibling] {
      for (shape, parents) in RejectionWorld.shapes {
        for seed in 0..<200 {
          let text = try world.sample(
            seed: UInt64(seed), parents: parents, verifier: RejectionVerifier(), drafting: drafting)
          #expect(text == greedy, "\(shape), seed \(seed)")
        }
      }
    }
  }

  @Test func withoutADraftItDrawsAsPlainDecodingDoes() throws {
    let world = Self.small { $0.mirostat = 1 }
    for seed in 0..<50 {
      var settings = world.settings
      settings.seed = UInt64(seed)
      var drawing = SamplerChain(settings: settings)
      var plain = drawing
      let pass = world.pass([], after: [4])
      let verification = try RejectionVerifier().verify(
        .empty, pass: pass, history: world.history([4]), sampler: &drawing)
      #expect(verification.tokens == [plain.sample(pass.row(0), history: world.history([4]))])
      #expect(verification.accepted.isEmpty && drawing.mirostat == plain.mirostat)
    }
  }

  /// A token's record does not tell how it came about.
  @Test func recordsAreThoseThatPlainDecodingGives() throws {
    let world = Self.small {
      $0.topK = 6
      $0.temperature = 1.3
    }
    let parents = try #require(RejectionWorld.shapes["tree"])
    var accepted = 0
    for seed in 0..<200 {
      var sampler = SamplerChain(settings: world.settings)
      sampler.settings.seed = UInt64(seed)
      var plain = sampler
      let (draft, texts) = world.draft(parents, after: [], seed: UInt64(seed))
      let pass = world.pass(texts, after: [])
      let verification = try RejectionVerifier().verify(
        draft, pass: pass, history: world.history([]), sampler: &sampler)
      #expect(verification.tokens.count == verification.accepted.count + 1)
      accepted += verification.accepted.count
      var text: [TokenID] = []
      var parent = -1
      for (index, token) in verification.tokens.enumerated() {
        let own = plain.sample(pass.row(parent + 1), history: world.history(text))
        #expect(token.reports == own.reports && token.alternatives == own.alternatives)
        let listed = try #require(own.alternatives.first { $0.token == token.token })
        #expect(abs(token.probability - listed.probability) < 1e-6)
        if own.token == token.token {
          #expect(token.modelLogProbability == own.modelLogProbability)
        }
        text.append(token.token)
        guard index < verification.accepted.count else { break }
        let row = verification.accepted[index]
        #expect(draft.parents[row] == parent && draft.tokens[row] == token.token)
        parent = row
      }
    }
    #expect(accepted > 50)
  }

  @Test func mirostatMovesPastEveryTokenInTurn() throws {
    let world = Self.small {
      $0.mirostat = 1
      $0.mirostatTau = 2
    }
    let parents = try #require(RejectionWorld.shapes["tree"])
    for seed in 0..<50 {
      var sampler = SamplerChain(settings: world.settings)
      sampler.settings.seed = UInt64(seed)
      var replayed = sampler
      let (draft, texts) = world.draft(parents, after: [], seed: UInt64(seed))
      let verification = try RejectionVerifier().verify(
        draft, pass: world.pass(texts, after: []), history: world.history([]), sampler: &sampler)
      for token in verification.tokens { replayed.advance(past: token) }
      #expect(sampler.mirostat == replayed.mirostat && sampler.mirostat != nil)
    }
  }

  /// What a drafter that lies about its distribution must not be able to do: stop the answer.
  @Test func senselessProposalsStillGiveAToken() throws {
    let world = Self.small()
    let empty = Distribution(tokens: [], weights: [])
    let sure = Distribution(tokens: [3], weights: [1])
    for proposals in [[empty, empty], [sure], [sure, sure], [sure, empty]] {
      let draft = Draft(tokens: [3, 5], parents: [-1, -1], proposals: proposals)
      for seed in 0..<20 {
        var sampler = SamplerChain(settings: world.settings)
        sampler.settings.seed = UInt64(seed)
        let verification = try RejectionVerifier().verify(
          draft, pass: world.pass([[3], [5]], after: []), history: world.history([]),
          sampler: &sampler)
        #expect(verification.tokens.allSatisfy { (0..<8).contains($0.token) })
      }
    }
  }
}
