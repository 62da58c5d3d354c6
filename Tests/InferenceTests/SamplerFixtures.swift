import Compute
import Inference

/// A repeatable stream of numbers for arranging tests.
struct TestRandom: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

extension Buffer {
  convenience init(_ values: [Float]) {
    self.init(count: values.count)
    replace(at: 0, with: values)
  }
}

extension SamplerSettings {
  /// Every stage off, temperature 1.
  static var neutral: SamplerSettings {
    var settings = SamplerSettings.greedy
    settings.temperature = 1
    return settings
  }

  static func neutral(_ change: (inout SamplerSettings) -> Void) -> SamplerSettings {
    var settings = neutral
    change(&settings)
    return settings
  }
}

/// One sampled token over the given logits.
func sample(
  _ logits: [Float], _ settings: SamplerSettings, history: [TokenID] = [],
  breakers: Set<TokenID> = []
) -> SampledToken {
  var chain = SamplerChain(settings: settings)
  chain.dryBreakers = breakers
  return chain.sample(
    LogitRow(Buffer(logits), 0..<logits.count), history: TokenHistory(prompt: history))
}

/// The final distribution over at most eight candidates, by token.
func distribution(
  _ logits: [Float], _ settings: SamplerSettings, history: [TokenID] = [],
  breakers: Set<TokenID> = []
) -> [TokenID: Float] {
  let sampled = sample(logits, settings, history: history, breakers: breakers)
  return Dictionary(uniqueKeysWithValues: sampled.alternatives.map { ($0.token, $0.probability) })
}
