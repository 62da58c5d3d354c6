/// Every parameter of the sampler chain.
package struct SamplerSettings: Sendable, Equatable, Codable {
  /// 0 takes the most probable token always.
  package var temperature = 0.8
  /// Half-width of the range that dynamic temperature moves in; 0 is off.
  package var dynamicTemperatureRange = 0.0
  package var dynamicTemperatureExponent = 1.0
  /// 0 is off.
  package var topK = 40
  package var topP = 0.95
  package var minP = 0.05
  package var typicalP = 1.0
  /// 0 is off.
  package var topNSigma = 0.0
  package var repetitionPenalty = 1.0
  package var presencePenalty = 0.0
  package var frequencyPenalty = 0.0
  /// Tokens that the three penalties look back on.
  package var penaltyWindow = 64
  package var dryMultiplier = 0.0
  package var dryBase = 1.75
  package var dryAllowedLength = 2
  /// Tokens that DRY looks back on; 0 is the whole context.
  package var dryWindow = 0
  package var xtcProbability = 0.0
  package var xtcThreshold = 0.1
  /// 0 is off, 1 is mirostat version 2, which then replaces all truncation stages.
  package var mirostat = 0
  package var mirostatTau = 5.0
  package var mirostatEta = 0.1
  /// Added to the logits of single tokens.
  package var logitBias: [TokenID: Float] = [:]
  package var seed: UInt64 = 42
  /// The stages in the order they run.
  package var order = SamplerStage.defaultOrder

  package init() {}

  /// The most probable token at each step, with every other stage off.
  package static var greedy: SamplerSettings {
    var settings = SamplerSettings()
    settings.temperature = 0
    settings.topK = 0
    settings.topP = 1
    settings.minP = 0
    return settings
  }
}

/// One stage of the sampler chain.
package enum SamplerStage: String, Sendable, Codable, CaseIterable {
  case logitBias, penalties, dry, topNSigma, topK, typical, topP, minP, xtc, temperature, mirostat

  package static let defaultOrder: [SamplerStage] = [
    .logitBias, .penalties, .dry, .topNSigma, .topK, .typical, .topP, .minP, .xtc, .temperature,
    .mirostat,
  ]

  package var title: String {
    switch self {
    case .logitBias: "bias"
    case .penalties: "penalties"
    case .dry: "dry"
    case .topNSigma: "n-sigma"
    case .topK: "top-k"
    case .typical: "typical"
    case .topP: "top-p"
    case .minP: "min-p"
    case .xtc: "xtc"
    case .temperature: "temp"
    case .mirostat: "mirostat"
    }
  }
}

extension SamplerSettings {
  /// Every number of the chain as a knob, in the order of the knobs pane, with the stage it acts in.
  package static let knobs: [(knob: Knob<SamplerSettings>, stage: SamplerStage)] = [
    (
      Knob(
        "temp", \.temperature, in: 0...2, step: 0.05, default: 0.8,
        summary: "Flattens (above 1) or sharpens the distribution; 0 is greedy."), .temperature
    ),
    (
      Knob(
        "top-k", \.topK, in: 0...1000, step: 1, largeStep: 10, default: 40, off: 0,
        summary: "Keeps the k most probable tokens."), .topK
    ),
    (
      Knob(
        "top-p", \.topP, in: 0.05...1, step: 0.01, default: 0.95, off: 1,
        summary: "Keeps the smallest set of tokens that holds this much probability."), .topP
    ),
    (
      Knob(
        "min-p", \.minP, in: 0...0.5, step: 0.01, default: 0.05, off: 0,
        summary: "Drops tokens below this share of the best token's probability."), .minP
    ),
    (
      Knob(
        "typical", \.typicalP, in: 0.05...1, step: 0.01, default: 1, off: 1,
        summary: "Keeps tokens whose surprise is near the expected one."), .typical
    ),
    (
      Knob(
        "n-sigma", \.topNSigma, in: 0...5, step: 0.1, default: 0, off: 0, decimals: 1,
        summary: "Keeps logits within this many standard deviations of the best."), .topNSigma
    ),
    (
      Knob(
        "repeat", \.repetitionPenalty, in: 0.5...2, step: 0.01, default: 1, off: 1,
        summary: "Divides the logits of recent tokens."), .penalties
    ),
    (
      Knob(
        "presence", \.presencePenalty, in: -2...2, step: 0.05, default: 0, off: 0,
        summary: "Lowers tokens that have appeared."), .penalties
    ),
    (
      Knob(
        "frequency", \.frequencyPenalty, in: -2...2, step: 0.05, default: 0, off: 0,
        summary: "Lowers tokens by how often they have appeared."), .penalties
    ),
    (
      Knob(
        "window", \.penaltyWindow, in: 0...4096, step: 16, largeStep: 256, default: 64, unit: "tok",
        summary: "How far back the three penalties look."), .penalties
    ),
    (
      Knob(
        "dry", \.dryMultiplier, in: 0...5, step: 0.05, default: 0, off: 0,
        summary: "Strength of the penalty on continuing a repeated sequence."), .dry
    ),
    (
      Knob(
        "dry-base", \.dryBase, in: 1...4, step: 0.05, default: 1.75,
        summary: "How the DRY penalty grows with the length of the repetition."), .dry
    ),
    (
      Knob(
        "dry-len", \.dryAllowedLength, in: 1...20, default: 2, unit: "tok",
        summary: "Repetitions up to this length are free."), .dry
    ),
    (
      Knob(
        "dry-window", \.dryWindow, in: 0...32768, step: 64, largeStep: 1024, default: 0,
        unit: "tok",
        summary: "How far back DRY looks; 0 is everything."), .dry
    ),
    (
      Knob(
        "xtc", \.xtcProbability, in: 0...1, step: 0.05, default: 0, off: 0,
        summary: "Chance of removing the most probable tokens, leaving the least of the likely."),
      .xtc
    ),
    (
      Knob(
        "xtc-min", \.xtcThreshold, in: 0.01...0.5, step: 0.01, default: 0.1,
        summary: "What XTC counts as likely."), .xtc
    ),
    (
      Knob(
        "dyn-range", \.dynamicTemperatureRange, in: 0...2, step: 0.05, default: 0, off: 0,
        summary: "Lets the temperature follow the entropy within this range."), .temperature
    ),
    (
      Knob(
        "dyn-exp", \.dynamicTemperatureExponent, in: 0.1...5, step: 0.1, default: 1, decimals: 1,
        summary: "How fast dynamic temperature follows the entropy."), .temperature
    ),
    (
      Knob(
        "mirostat", \.mirostat, in: 0...1, default: 0, off: 0,
        summary: "Steers the surprise to tau in place of the truncation stages."), .mirostat
    ),
    (
      Knob(
        "tau", \.mirostatTau, in: 0...10, step: 0.1, default: 5, decimals: 1, unit: "bits",
        summary: "Surprise that mirostat aims at."), .mirostat
    ),
    (
      Knob(
        "eta", \.mirostatEta, in: 0...1, step: 0.01, default: 0.1,
        summary: "How fast mirostat corrects itself."), .mirostat
    ),
  ]
}
