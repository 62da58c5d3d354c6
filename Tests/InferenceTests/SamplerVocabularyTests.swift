import Compute
import Glibc
import Inference
import Testing

/// The shortcuts that only pay, and only run, over a vocabulary of some size.
@Suite struct SamplerVocabularyTests {
  static let settings: [SamplerSettings] = [
    SamplerSettings(), .neutral, .neutral { $0.topK = 700 }, .neutral { $0.topK = 9000 },
    .neutral { $0.topP = 0.5 }, .neutral { $0.topP = 0.9 }, .neutral { $0.topP = 0.9999 },
    .neutral { $0.typicalP = 0.3 }, .neutral { $0.typicalP = 0.95 }, .neutral { $0.minP = 0.01 },
    .neutral { $0.topNSigma = 1.5 },
    .neutral {
      $0.xtcProbability = 1
      $0.xtcThreshold = 0.05
    },
    .neutral {
      $0.mirostat = 1
      $0.mirostatTau = 3
    },
    .neutral {
      $0.repetitionPenalty = 1.4
      $0.frequencyPenalty = 0.3
      $0.dryMultiplier = 1
      $0.topP = 0.8
    },
    .neutral {
      $0.temperature = 1.7
      $0.order = [.temperature, .topP, .xtc]
      $0.topP = 0.97
      $0.xtcProbability = 0.5
    },
  ]

  /// Many unlikely tokens and a few likely ones, as language models give them.
  static func logits(_ count: Int, peak: Float, _ random: inout TestRandom) -> [Float] {
    var logits = (0..<count).map { _ in
      (0..<4).map { _ in Float.random(in: -2.5...2.5, using: &random) }.reduce(0, +)
    }
    for _ in 0..<12 {
      logits[Int.random(in: 0..<count, using: &random)] = Float.random(in: 6...peak, using: &random)
    }
    return logits
  }

  @Test(arguments: settings) func resultsEqualAChainThatSortsEverything(
    settings: SamplerSettings
  ) {
    var random = TestRandom(77)
    for peak: Float in [8, 13, 18] {
      let count = 12_000
      let logits = Self.logits(count, peak: peak, &random)
      let likely = (0..<40).map { _ in TokenID.random(in: 0..<60, using: &random) }
      let best = TokenID(logits.firstIndex(of: logits.max() ?? 0) ?? 0)
      let history = TokenHistory(prompt: likely + [best, 5, 6, best, 5, 6])
      var reference = SamplerReference(settings: settings)
      let wanted = reference.sample(logits, history: history)
      var chain = SamplerChain(settings: settings)
      let found = chain.sample(LogitRow(Buffer(logits), 0..<count), history: history)
      for report in found.reports where report.changed {
        #expect(report.candidatesOut == wanted.counts[report.stage], "\(peak) \(report)")
      }
      #expect(found.token == wanted.token)
      #expect(abs(Double(found.probability) / wanted.probability - 1) < 1e-3)
      let entropy = wanted.distribution.map { $0.probability * -log2(max($0.probability, 1e-300)) }
      #expect(abs(Double(found.reports.last?.entropy ?? -1) - entropy.reduce(0, +)) < 1e-3)
      let top = wanted.distribution.map(\.probability).sorted(by: >).prefix(8)
      #expect(found.alternatives.count == top.count)
      for (alternative, probability) in zip(found.alternatives, top) {
        #expect(abs(Double(alternative.probability) - probability) < 1e-4)
      }
    }
  }

  @Test(arguments: settings) func everyInstructionSetGivesTheSameBits(settings: SamplerSettings) {
    var random = TestRandom(78)
    let logits = Buffer(Self.logits(9001, peak: 12, &random))
    var wanted: SampledToken?
    for kernels in Kernels.available {
      var chain = SamplerChain(settings: settings, kernels: kernels)
      let found = chain.sample(
        LogitRow(logits, 1..<9001), history: TokenHistory(prompt: [1, 2, 3, 1, 2]))
      if let wanted { #expect(found == wanted, "\(kernels.name)") }
      wanted = wanted ?? found
    }
  }
}
