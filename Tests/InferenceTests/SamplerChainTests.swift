import Compute
import Glibc
import Inference
import Testing

@Suite struct SamplerChainTests {
  /// Settings with each stage on now and then, in a random order that may leave stages out.
  static func randomSettings(_ random: inout TestRandom, vocabulary: Int) -> SamplerSettings {
    var settings = SamplerSettings.neutral
    func often(_ chance: Double, _ random: inout TestRandom) -> Bool {
      Double.random(in: 0..<1, using: &random) < chance
    }
    settings.temperature = often(0.1, &random) ? 0 : Double.random(in: 0.3...1.8, using: &random)
    if often(0.2, &random) { settings.dynamicTemperatureRange = 0.4 }
    if often(0.5, &random) { settings.topK = Int.random(in: 1...vocabulary + 5, using: &random) }
    if often(0.5, &random) { settings.topP = Double.random(in: 0.1...0.99, using: &random) }
    if often(0.4, &random) { settings.minP = Double.random(in: 0.001...0.3, using: &random) }
    if often(0.2, &random) { settings.typicalP = Double.random(in: 0.1...0.95, using: &random) }
    if often(0.2, &random) { settings.topNSigma = Double.random(in: 0.5...4, using: &random) }
    if often(0.3, &random) { settings.repetitionPenalty = 1.3 }
    if often(0.2, &random) { settings.presencePenalty = 0.7 }
    if often(0.2, &random) { settings.frequencyPenalty = -0.2 }
    settings.penaltyWindow = Int.random(in: 0...30, using: &random)
    if often(0.3, &random) { settings.dryMultiplier = 0.8 }
    settings.dryAllowedLength = Int.random(in: 0...3, using: &random)
    settings.dryWindow = often(0.5, &random) ? 0 : Int.random(in: 1...20, using: &random)
    if often(0.3, &random) { settings.xtcProbability = 0.7 }
    settings.xtcThreshold = Double.random(in: 0.02...0.4, using: &random)
    if often(0.1, &random) { settings.mirostat = 1 }
    settings.mirostatTau = Double.random(in: 0.5...4, using: &random)
    if often(0.3, &random), vocabulary > 4 { settings.logitBias = [1: 2, 3: -1, 2: -2e6] }
    settings.seed = random.next()
    if often(0.5, &random) {
      settings.order.shuffle(using: &random)
      if often(0.3, &random) { settings.order.removeLast(Int.random(in: 1...6, using: &random)) }
      // Mirostat observes the probability of the draw, so here it comes last, as everywhere in practice.
      settings.order.removeAll { $0 == .mirostat }
      settings.order.append(.mirostat)
      if often(0.2, &random), let first = settings.order.first { settings.order.append(first) }
    }
    return settings
  }

  static func randomLogits(_ random: inout TestRandom, vocabulary: Int) -> [Float] {
    let spread = Float.random(in: 0.5...12, using: &random)
    let grid: Float? = Bool.random(using: &random) ? 0.5 : nil
    let spoiled = Int.random(in: 0..<5, using: &random) == 0
    return (0..<vocabulary).map { _ in
      var logit = Float.random(in: -spread...spread, using: &random)
      if let grid { logit = (logit / grid).rounded() * grid }
      if spoiled, Int.random(in: 0..<6, using: &random) == 0 {
        logit = Bool.random(using: &random) ? .nan : -.infinity
      }
      return logit
    }
  }

  @Test(arguments: [(1, 200), (2, 400), (7, 800), (40, 700), (300, 200), (3000, 60)])
  func resultsEqualAChainThatSortsEverything(vocabulary: Int, cases: Int) {
    var random = TestRandom(UInt64(vocabulary))
    var skipped = 0
    for number in 0..<cases {
      let settings = Self.randomSettings(&random, vocabulary: vocabulary)
      var chain = SamplerChain(settings: settings)
      chain.dryBreakers = [0]
      var reference = SamplerReference(settings: settings, breakers: [0])
      var history = TokenHistory(
        prompt: (0..<20).map { _ in
          TokenID.random(in: 0..<TokenID(min(vocabulary, 5)), using: &random)
        })
      for _ in 0..<3 {
        let logits = Self.randomLogits(&random, vocabulary: vocabulary)
        let wanted = reference.sample(logits, history: history)
        // A row inside a larger buffer, as a pass gives it.
        let row = Buffer([9] + logits + [9])
        let found = chain.sample(LogitRow(row, 1..<1 + vocabulary), history: history)
        // XTC does not list a whole row, so that it counts impossible tokens too.
        for report in found.reports
        where report.stage.cuts && report.stage != .xtc && report.changed {
          #expect(report.candidatesOut == wanted.counts[report.stage], "case \(number) \(report)")
        }
        if wanted.margin < 1e-6 {
          skipped += 1
          break
        }
        #expect(found.token == wanted.token, "case \(number): \(settings)")
        #expect(abs(Double(found.probability) - wanted.probability) < 1e-4, "case \(number)")
        if found.token != wanted.token { return }
        history.append(found.token)
      }
    }
    #expect(skipped <= max(1, cases / 100))
  }

  /// The sampled frequencies against the exact distribution.
  @Test(arguments: [
    SamplerSettings.neutral, .neutral { $0.topK = 12 }, .neutral { $0.topP = 0.8 },
    .neutral { $0.minP = 0.1 }, .neutral { $0.typicalP = 0.7 }, .neutral { $0.temperature = 1.6 },
    SamplerSettings(),
  ])
  func frequenciesFollowTheDistribution(settings: SamplerSettings) {
    var random = TestRandom(5)
    let logits = (0..<64).map { _ in Float.random(in: -3...3, using: &random) }
    var reference = SamplerReference(settings: settings)
    let exact = reference.sample(logits, history: TokenHistory(prompt: [])).distribution
    var chain = SamplerChain(settings: settings)
    let row = Buffer(logits)
    var counts = [Int](repeating: 0, count: 64)
    var history = TokenHistory(prompt: [])
    let draws = 4000
    for _ in 0..<draws {
      counts[Int(chain.sample(LogitRow(row, 0..<64), history: history).token)] += 1
      history.append(0)
    }
    var statistic = 0.0
    var rare = (found: 0, wanted: 0.0)
    var freedom = -1.0
    for (token, probability) in exact {
      let wanted = probability * Double(draws)
      let found = counts[Int(token)]
      if wanted < 5 {
        rare.found += found
        rare.wanted += wanted
      } else {
        statistic += (Double(found) - wanted) * (Double(found) - wanted) / wanted
        freedom += 1
      }
    }
    if rare.wanted >= 5 {
      statistic +=
        (Double(rare.found) - rare.wanted) * (Double(rare.found) - rare.wanted) / rare.wanted
      freedom += 1
    }
    #expect(counts.reduce(0, +) == draws)
    #expect(exact.map { counts[Int($0.token)] }.reduce(0, +) == draws)
    // Wilson and Hilferty's approximation to the 99.9th percentile.
    let bound = freedom * pow(1 - 2 / (9 * freedom) + 3.09 * (2 / (9 * freedom)).squareRoot(), 3)
    #expect(statistic < bound)
  }

  @Test func drawsOverAWholeLargeVocabularyFollowTheDistribution() {
    // Three blocks of the dense sum; two thirds of the mass lies in the last.
    let count = 5000
    let logits = (0..<count).map { $0 >= 4096 ? Float(2) : Float(0) }
    let heavy = 904 * exp(2.0) / (904 * exp(2.0) + 4096)
    var chain = SamplerChain(settings: .neutral)
    let row = Buffer(logits)
    var history = TokenHistory(prompt: [])
    var last = 0
    for _ in 0..<500 {
      let sampled = chain.sample(LogitRow(row, 0..<count), history: history)
      if sampled.token >= 4096 { last += 1 }
      history.append(0)
    }
    let deviation = (500 * heavy * (1 - heavy)).squareRoot()
    #expect(abs(Double(last) - 500 * heavy) < 4 * deviation)
  }

  @Test func theSamePlaceGivesTheSameTokenHoweverItWasReached() {
    var random = TestRandom(11)
    let logits = (0..<50).map { _ in Float.random(in: -2...2, using: &random) }
    let row = Buffer(logits)
    var chain = SamplerChain(settings: .neutral)
    var whole = TokenHistory(prompt: [1, 2, 3])
    var tokens: [TokenID] = []
    for _ in 0..<30 {
      tokens.append(chain.sample(LogitRow(row, 0..<50), history: whole).token)
      whole.append(tokens[tokens.count - 1])
    }
    // Continued with the first half as part of the prompt, by a fresh chain, backwards even.
    for place in (0..<30).reversed() {
      var other = SamplerChain(settings: .neutral)
      let history = TokenHistory(prompt: [1, 2, 3] + tokens[..<place])
      #expect(other.sample(LogitRow(row, 0..<50), history: history).token == tokens[place])
    }
    #expect(Set(tokens).count > 5)
    var other = SamplerChain(settings: .neutral { $0.seed = 43 })
    var differing = 0
    for place in 0..<30 {
      let history = TokenHistory(prompt: [1, 2, 3] + tokens[..<place])
      if other.sample(LogitRow(row, 0..<50), history: history).token != tokens[place] {
        differing += 1
      }
    }
    #expect(differing > 15)
  }

  @Test(arguments: [
    [Float](repeating: .nan, count: 20), [Float](repeating: -.infinity, count: 20),
    [.infinity, .nan, .infinity, 1], [3.4e38, -3.4e38, .infinity, 0],
    [Float](repeating: 3.4e38, count: 3000), [.nan, 5],
  ])
  func nothingInTheLogitsTraps(logits: [Float]) {
    var random = TestRandom(1)
    for _ in 0..<200 {
      let settings = Self.randomSettings(&random, vocabulary: logits.count)
      let sampled = sample(logits, settings, history: [0, 1, 0, 1, 999, -5])
      #expect(sampled.token >= 0 && Int(sampled.token) < logits.count)
      #expect(sampled.modelLogProbability.isFinite)
      #expect(sampled.probability > 0 && sampled.probability <= 1)
    }
    #expect(sample([.nan, 5], SamplerSettings()).token == 1)
  }

  @Test func senselessSettingsDoNotTrap() {
    var settings = SamplerSettings()
    settings.temperature = .nan
    #expect(sample([1, 2], settings).token == 1)
    settings = .neutral
    settings.topK = -3
    settings.penaltyWindow = -1
    settings.repetitionPenalty = 0
    settings.dryAllowedLength = -2
    settings.dryWindow = -9
    settings.dryMultiplier = .infinity
    settings.minP = 50
    settings.topP = -1
    settings.typicalP = -1
    settings.topNSigma = .infinity
    settings.mirostat = -7
    settings.mirostatTau = .nan
    settings.temperature = 1e-300
    for order in [settings.order, settings.order.reversed(), []] {
      settings.order = order
      let sampled = sample([1, 2, 3], settings, history: [1, 1, 1, 1])
      #expect((0..<3).contains(sampled.token))
    }
  }

  @Test func stagesReportWhatTheyDid() {
    let logits = (0..<100).map { Float($0) / 10 }
    var settings = SamplerSettings()
    settings.topP = 1
    let reports = sample(logits, settings).reports
    #expect(reports.map(\.stage) == [.topK, .minP, .temperature])
    #expect(reports[0].candidatesIn == 100 && reports[0].candidatesOut == 40 && reports[0].changed)
    // Logits within -ln 0.05 = 2.996 of the best: 9.9 down to 7.0.
    #expect(reports[1].candidatesIn == 40 && reports[1].candidatesOut == 30 && reports[1].changed)
    #expect(reports[2].candidatesOut == 30 && reports[2].changed)
    #expect(reports[2].entropy < reports[1].entropy)
  }

  @Test func alternativesAreTheEightBestOfTheFinalDistribution() {
    let logits = (0..<3000).map { Float($0 % 50) / 10 }
    let sampled = sample(logits, .neutral)
    #expect(sampled.alternatives.map(\.token) == (0..<8).map { TokenID(49 + 50 * $0) })
    #expect(
      sampled.alternatives.allSatisfy { $0.probability == sampled.alternatives[0].probability })
  }

  @Test func orderMattersOnlyBetweenStagesThatDepend() {
    var random = TestRandom(3)
    for _ in 0..<100 {
      let logits = Self.randomLogits(&random, vocabulary: 60)
      // Each of these keeps a number of the best tokens that the others do not change.
      var settings = SamplerSettings.neutral {
        $0.topK = 9
        $0.minP = 0.08
      }
      settings.seed = random.next()
      let first = sample(logits, settings)
      settings.order.reverse()
      settings.order.removeAll { $0 == .temperature }
      let second = sample(logits, settings)
      #expect(first.token == second.token && first.alternatives == second.alternatives)
      // A stage named twice runs at its first place; one left out does not run.
      settings.order = [.topK, .minP, .topK, .minP]
      #expect(sample(logits, settings).reports.map(\.stage) == [.topK, .minP])
      settings.order = [.minP]
      #expect(sample(logits, settings).reports.map(\.stage) == [.minP])
    }
  }

  @Test func theRowComesBackAsItWasAndASummaryOfItChangesNothing() {
    var random = TestRandom(12)
    for vocabulary in [40, 64, 1000, 1031] {
      for number in 0..<60 {
        let settings = Self.randomSettings(&random, vocabulary: vocabulary)
        let rows = (0..<3).map { _ in Self.randomLogits(&random, vocabulary: vocabulary) }
        let buffer = Buffer(rows.flatMap { $0 })
        let before = buffer.array(0..<buffer.count).map(\.bitPattern)
        let blocks = LogitBlocks(rows: 3, vocabulary: vocabulary)
        for row in 0..<3 {
          blocks.summarize(
            buffer, at: row * vocabulary, tokens: 0..<vocabulary, row: row, with: .shared)
        }
        let pass = ForwardPass(logits: buffer, vocabulary: vocabulary, blocks: blocks)
        let history = TokenHistory(prompt: (0..<30).map { TokenID($0 % 7) })
        var plain = SamplerChain(settings: settings)
        var summarised = SamplerChain(settings: settings)
        for row in [2, 0, 1, 1] {
          let wanted = plain.sample(LogitRow(buffer, pass.range(row)), history: history)
          #expect(summarised.sample(pass.row(row), history: history) == wanted, "case \(number)")
          #expect(buffer.array(0..<buffer.count).map(\.bitPattern) == before, "case \(number)")
        }
      }
    }
  }
}
