import Compute
import Glibc
import Inference
import Testing

/// Known answers, worked out by hand from each stage's formula.
@Suite struct SamplerStageTests {
  /// Probabilities 0.5, 0.25, 0.125, 0.0625, 0.0625.
  let halves: [Float] = [0.5, 0.25, 0.125, 0.0625, 0.0625].map { log($0) + 3 }

  func expect(_ found: [TokenID: Float], _ wanted: [TokenID: Float]) {
    #expect(Set(found.keys) == Set(wanted.keys))
    for (token, probability) in wanted {
      #expect(abs((found[token] ?? -1) - probability) < 1e-5, "token \(token)")
    }
  }

  @Test func withEverythingOffTheModelsDistributionStands() {
    expect(
      distribution(halves, .neutral), [0: 0.5, 1: 0.25, 2: 0.125, 3: 0.0625, 4: 0.0625])
    let report = sample(halves, .neutral).reports
    #expect(report.count == 1 && report[0].stage == .temperature && !report[0].changed)
    #expect(abs(report[0].entropy - 1.875) < 1e-5)
  }

  @Test func topKKeepsTheBestAndOfEqualOnesTheLower() {
    expect(distribution(halves, .neutral { $0.topK = 2 }), [0: 2 / 3, 1: 1 / 3])
    #expect(distribution(halves, .neutral { $0.topK = 4 })[3] != nil)
    #expect(distribution(halves, .neutral { $0.topK = 4 })[4] == nil)
    #expect(distribution(halves, .neutral { $0.topK = 99 }).count == 5)
  }

  @Test func topPKeepsTheTokenThatCrossesTheShare() {
    expect(distribution(halves, .neutral { $0.topP = 0.7 }), [0: 2 / 3, 1: 1 / 3])
    expect(distribution(halves, .neutral { $0.topP = 0.3 }), [0: 1])
    #expect(distribution(halves, .neutral { $0.topP = 0.9 }).count == 4)
  }

  @Test func minPComparesWithTheBest() {
    expect(distribution(halves, .neutral { $0.minP = 0.3 }), [0: 2 / 3, 1: 1 / 3])
    expect(distribution(halves, .neutral { $0.minP = 0.2 }), [0: 4 / 7, 1: 2 / 7, 2: 1 / 7])
  }

  @Test func typicalPrefersSurpriseNearTheEntropy() {
    // Entropy 1.875 bits; surprises 1, 2, 3, 4, 4 bits are 0.875, 0.125, 1.125, 2.125, 2.125 away.
    expect(distribution(halves, .neutral { $0.typicalP = 0.2 }), [1: 1])
    expect(distribution(halves, .neutral { $0.typicalP = 0.6 }), [0: 2 / 3, 1: 1 / 3])
    #expect(Set(distribution(halves, .neutral { $0.typicalP = 0.8 }).keys) == [0, 1, 2])
  }

  @Test func topNSigmaMeasuresFromTheGreatestInStandardDeviations() {
    // Mean 2.5, population standard deviation sqrt(1.25) = 1.118: 1 sigma keeps logits from 2.882 up.
    expect(distribution([1, 2, 3, 4], .neutral { $0.topNSigma = 0.5 }), [3: 1])
    let kept = distribution([1, 2, 3, 4], .neutral { $0.topNSigma = 1 })
    #expect(Set(kept.keys) == [2, 3])
    // Impossible tokens do not count for the deviation.
    let same = distribution([1, 2, 3, 4, -.infinity], .neutral { $0.topNSigma = 1 })
    #expect(Set(same.keys) == [2, 3])
  }

  @Test func temperatureDividesTheLogits() {
    let hot = distribution([log(4), 0], .neutral { $0.temperature = 2 })
    expect(hot, [0: 2 / 3, 1: 1 / 3])
    let cold = distribution([log(4), 0], .neutral { $0.temperature = 0.5 })
    expect(cold, [0: 16 / 17, 1: 1 / 17])
  }

  @Test func dynamicTemperatureFollowsTheEntropy() {
    // Entropy 1.875 bits of at most log2(5); exponent 2; temperature between 0.5 and 1.5.
    let settings = SamplerSettings.neutral {
      $0.dynamicTemperatureRange = 0.5
      $0.dynamicTemperatureExponent = 2
    }
    let temperature = 0.5 + pow(1.875 / log2(5.0), 2)
    let weights = [0.5, 0.25, 0.125, 0.0625, 0.0625].map { pow($0, 1 / temperature) }
    let total = weights.reduce(0, +)
    let found = distribution(halves, settings)
    for token in 0..<5 {
      #expect(abs(Double(found[TokenID(token)] ?? -1) - weights[token] / total) < 1e-5)
    }
  }

  @Test func xtcLeavesTheLeastOfTheLikely() {
    let settings = SamplerSettings.neutral {
      $0.xtcProbability = 1
      $0.xtcThreshold = 0.125
    }
    // Likely: 0, 1, 2 (0.125 counts); 2 stays.
    expect(distribution(halves, settings), [2: 0.5, 3: 0.25, 4: 0.25])
    let lone = SamplerSettings.neutral {
      $0.xtcProbability = 1
      $0.xtcThreshold = 0.3
    }
    #expect(distribution(halves, lone).count == 5)
    #expect(sample(halves, lone).reports.first { $0.stage == .xtc }?.changed == false)
  }

  @Test func xtcActsWithItsProbability() {
    let settings = SamplerSettings.neutral {
      $0.xtcProbability = 0.3
      $0.xtcThreshold = 0.2
    }
    var chain = SamplerChain(settings: settings)
    let row = Buffer(halves)
    var acted = 0
    var history = TokenHistory(prompt: [])
    for _ in 0..<2000 {
      let sampled = chain.sample(LogitRow(row, 0..<5), history: history)
      if sampled.reports.contains(where: { $0.stage == .xtc && $0.changed }) { acted += 1 }
      history.append(0)
    }
    #expect(abs(acted - 600) < 80)  // four standard deviations
  }

  @Test func repetitionPenaltyDividesPositiveAndMultipliesNegativeLogits() {
    let settings = SamplerSettings.neutral { $0.repetitionPenalty = 2 }
    let found = distribution([2, -1, 1, -2], settings, history: [0, 1])
    expect(found, distribution([1, -2, 1, -2], .neutral))
  }

  @Test func presenceAndFrequencyPenaltiesSubtract() {
    let settings = SamplerSettings.neutral {
      $0.presencePenalty = 0.5
      $0.frequencyPenalty = 0.25
    }
    let found = distribution([2, 2, 2], settings, history: [0, 1, 0, 0])
    expect(found, distribution([2 - 1.25, 2 - 0.75, 2], .neutral))
  }

  @Test func penaltiesForgetWhatLeftTheWindow() {
    let settings = SamplerSettings.neutral {
      $0.presencePenalty = 1
      $0.penaltyWindow = 2
    }
    let found = distribution([0, 0, 0], settings, history: [0, 1, 2])
    expect(found, distribution([0, -1, -1], .neutral))
  }

  /// Text a b c c b c y a b c: c would continue `a b c`, y would continue `b c`, b would continue `c`.
  let text: [TokenID] = [0, 1, 2, 2, 1, 2, 3, 0, 1, 2]

  @Test func dryPenaltyGrowsWithTheLengthOfTheRepetition() {
    let settings = SamplerSettings.neutral {
      $0.dryMultiplier = 0.5
      $0.dryBase = 2
      $0.dryAllowedLength = 1
    }
    let found = distribution([0, 0, 0, 0], settings, history: text)
    expect(found, distribution([0, -0.5, -2, -1], .neutral))
  }

  @Test func dryLeavesShortRepetitionsAlone() {
    let settings = SamplerSettings.neutral {
      $0.dryMultiplier = 0.5
      $0.dryBase = 2
      $0.dryAllowedLength = 3
    }
    let found = distribution([0, 0, 0, 0], settings, history: text)
    expect(found, distribution([0, 0, -0.5, 0], .neutral))
  }

  @Test func dryDoesNotReachAcrossABreaker() {
    let settings = SamplerSettings.neutral {
      $0.dryMultiplier = 0.5
      $0.dryBase = 2
      $0.dryAllowedLength = 1
    }
    // With a as breaker only `b c` is seen: c and y would each make it longer.
    let found = distribution([0, 0, 0, 0], settings, history: text, breakers: [0])
    expect(found, distribution([0, -0.5, -1, -1], .neutral))
    // A breaker itself is never lowered.
    let breakers = distribution([0, 0, 0, 0], settings, history: text, breakers: [0, 3])
    expect(breakers, distribution([0, -0.5, -1, 0], .neutral))
  }

  @Test func dryLooksBackOnItsWindowOnly() {
    let settings = SamplerSettings.neutral {
      $0.dryMultiplier = 0.5
      $0.dryBase = 2
      $0.dryAllowedLength = 1
      $0.dryWindow = 6
    }
    // Of b c y a b c only y continues a repetition.
    let found = distribution([0, 0, 0, 0], settings, history: text)
    expect(found, distribution([0, 0, 0, -1], .neutral))
  }

  @Test func endlessRepetitionsStayFinite() {
    let settings = SamplerSettings.neutral {
      $0.dryMultiplier = 5
      $0.dryBase = 4
    }
    let found = sample(
      [0, 0], settings, history: [TokenID](repeating: 1, count: 5000))
    #expect(found.token == 0 && found.probability == 1)
  }

  @Test func biasAddsAndBans() {
    let settings = SamplerSettings.neutral {
      $0.logitBias = [0: 1.5, 2: SamplerSettings.ban, 77: 3, -1: 2]
    }
    expect(distribution([0, 0, 9], settings), distribution([1.5, 0, -.infinity], .neutral))
  }

  @Test func mirostatDropsWhatWouldSurpriseTooMuchAndSteers() throws {
    let settings = SamplerSettings.neutral {
      $0.mirostat = 1
      $0.mirostatTau = 1.25
      $0.mirostatEta = 0.5
      $0.topK = 1
    }
    var chain = SamplerChain(settings: settings)
    let row = Buffer(halves)
    // mu begins at 2.5 bits: surprises 1 and 2 pass, 3 and 4 do not. Top-k is replaced.
    let sampled = chain.sample(LogitRow(row, 0..<5), history: TokenHistory(prompt: []))
    #expect(Set(sampled.alternatives.map(\.token)) == [0, 1])
    #expect(!sampled.reports.contains { $0.stage == .topK })
    let surprise = -log2(Double(sampled.probability))
    let mu = try #require(chain.mirostat?.mu)
    #expect(abs(mu - (2.5 - 0.5 * (surprise - 1.25))) < 1e-6)
  }

  @Test func mirostatKeepsTheBestWhereNothingPasses() {
    let settings = SamplerSettings.neutral {
      $0.mirostat = 1
      $0.mirostatTau = 0
    }
    expect(distribution(halves, settings), [0: 1])
  }

  @Test func mirostatsStateCanBeTakenBack() {
    var settings = SamplerSettings.neutral
    settings.mirostat = 1
    settings.mirostatTau = 1
    var chain = SamplerChain(settings: settings)
    let row = Buffer(halves)
    var history = TokenHistory(prompt: [])
    var records: [SampledToken] = []
    let before = chain
    for _ in 0..<5 {
      records.append(chain.sample(LogitRow(row, 0..<5), history: history))
      history.append(records.last?.token ?? 0)
    }
    var replayed = before
    for record in records { replayed.advance(past: record) }
    #expect(replayed.mirostat == chain.mirostat)
    #expect(before.mirostat == nil)
  }

  @Test func temperatureZeroTakesTheLowestOfTheBestAfterBiasAndPenalties() {
    var settings = SamplerSettings()
    settings.temperature = 0
    #expect(sample([1, 3, 3, 2], settings).token == 1)
    settings.logitBias = [3: 1.5]
    #expect(sample([1, 3, 3, 2], settings).token == 3)
    settings.presencePenalty = 1
    let sampled = sample([1, 3, 3, 2], settings, history: [3])
    #expect(sampled.token == 1 && sampled.probability == 1)
    #expect(sampled.reports.map(\.stage) == [.logitBias, .penalties, .temperature])
  }

  @Test func theModelsOwnProbabilityIsThatOfTheRawLogits() {
    var settings = SamplerSettings()
    settings.temperature = 0.3
    settings.topK = 1
    settings.logitBias = [1: 9]
    let sampled = sample(halves, settings)
    #expect(sampled.token == 1 && abs(sampled.modelLogProbability - log(0.25)) < 1e-5)
  }
}
