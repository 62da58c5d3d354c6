import Glibc
import Inference

/// The sampler chain written down plainly: everything listed, everything sorted, all sums in double precision.
struct SamplerReference {
  var settings: SamplerSettings
  var breakers: Set<TokenID> = []
  var mu: Double?

  struct Outcome {
    var token: TokenID
    var probability: Double
    /// Candidates after each stage that ran.
    var counts: [SamplerStage: Int]
    /// The final distribution, ascending by token.
    var distribution: [(token: TokenID, probability: Double)]
    /// Distance of the draw from the nearest boundary between two tokens.
    var margin: Double
  }

  typealias Item = (token: TokenID, logit: Float)

  mutating func sample(_ logits: [Float], history: TokenHistory) -> Outcome {
    var items: [Item] = logits.enumerated().compactMap { token, logit in
      logit.isNaN || logit == -.infinity ? nil : (TokenID(token), min(logit, 1e30))
    }
    if items.isEmpty { items = [(0, 0)] }
    var counts: [SamplerStage: Int] = [:]
    let isGreedy = settings.temperature == 0 && settings.order.contains(.temperature)
    let steers = settings.mirostat == 1 && settings.order.contains(.mirostat) && !isGreedy
    var seen: Set<SamplerStage> = []
    for stage in settings.order where seen.insert(stage).inserted {
      let edits = stage == .logitBias || stage == .penalties || stage == .dry
      if isGreedy && !edits { continue }
      if steers && !edits && stage != .temperature && stage != .mirostat { continue }
      apply(stage, to: &items, history: history)
      counts[stage] = items.count
    }
    if isGreedy { items = descending(items).prefix(1).map { items[$0] } }
    let p = Self.probabilities(items)
    let share = RandomNumbers(seed: settings.seed).uniform(at: history.count, for: .token)
    var sum = 0.0
    var chosen = items.count - 1
    var margin = 1.0
    for index in items.indices {
      margin = min(margin, abs(sum - share))
      sum += p[index]
      if sum > share {
        chosen = index
        margin = items.count == 1 ? 1 : min(margin, abs(sum - share))
        break
      }
    }
    if steers {
      mu =
        (mu ?? 2 * settings.mirostatTau)
        - settings.mirostatEta * (-log2(p[chosen]) - settings.mirostatTau)
    }
    return Outcome(
      token: items[chosen].token, probability: p[chosen], counts: counts,
      distribution: zip(items, p).map { ($0.token, $1) }, margin: margin)
  }

  static func probabilities(_ items: [Item]) -> [Double] {
    let top = items.map(\.logit).max() ?? 0
    let weights = items.map { exp(Double($0.logit) - Double(top)) }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }

  static func entropy(_ items: [Item]) -> Double {
    probabilities(items).map { $0 > 0 ? -$0 * log($0) : 0 }.reduce(0, +)
  }

  /// Keeps the first of `ranked` (indices of items) until they hold the mass.
  private func keep(
    _ items: inout [Item], ranked: [Int], until isEnough: (Int, Double) -> Bool
  ) {
    let p = Self.probabilities(items)
    var kept: Set<Int> = []
    var sum = 0.0
    for index in ranked {
      kept.insert(index)
      sum += p[index]
      if isEnough(kept.count, sum) { break }
    }
    items = items.indices.filter(kept.contains).map { items[$0] }
  }

  private func descending(_ items: [Item]) -> [Int] {
    items.indices.sorted { (-items[$0].logit, $0) < (-items[$1].logit, $1) }
  }

  private func apply(_ stage: SamplerStage, to items: inout [Item], history: TokenHistory) {
    let top = items.map(\.logit).max() ?? 0
    switch stage {
    case .logitBias:
      for index in items.indices {
        guard let bias = settings.logitBias[items[index].token] else { continue }
        items[index].logit = bias <= -1e6 ? -.infinity : items[index].logit + bias
      }
      let rest = items.filter { $0.logit > -.infinity }
      // The last candidate cannot be banned.
      items = rest.isEmpty ? [(items[items.count - 1].token, Float(0))] : rest
    case .penalties: penalise(&items, recent: Array(history.tokens.suffix(settings.penaltyWindow)))
    case .dry: dry(&items, tokens: history.tokens)
    case .topNSigma:
      guard settings.topNSigma > 0, items.count > 1 else { return }
      let mean = items.map { Double($0.logit) }.reduce(0, +) / Double(items.count)
      let squares = items.map { (Double($0.logit) - mean) * (Double($0.logit) - mean) }
      let deviation = (squares.reduce(0, +) / Double(items.count)).squareRoot()
      items = items.filter { $0.logit >= Float(Double(top) - settings.topNSigma * deviation) }
    case .topK:
      guard settings.topK > 0 else { return }
      keep(&items, ranked: descending(items)) { count, _ in count >= settings.topK }
    case .typical:
      guard settings.typicalP < 1 else { return }
      let p = Self.probabilities(items)
      let entropy = Self.entropy(items)
      let keys = p.map { Float(abs(-log($0) - entropy)) }
      let ranked = items.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
      keep(&items, ranked: ranked) { _, mass in mass > settings.typicalP }
    case .topP:
      guard settings.topP < 1 else { return }
      keep(&items, ranked: descending(items)) { _, mass in mass >= settings.topP }
    case .minP:
      guard settings.minP > 0 else { return }
      items = items.filter { $0.logit >= top + Float(log(settings.minP)) }
    case .xtc: excludeTopChoices(&items, history: history)
    case .temperature:
      var temperature = settings.temperature
      if settings.dynamicTemperatureRange > 0 {
        guard items.count > 1 else { return }
        let low = max(0, temperature - settings.dynamicTemperatureRange)
        let high = temperature + settings.dynamicTemperatureRange
        let share = Self.entropy(items) / log(Double(items.count))
        temperature = low + (high - low) * pow(share, settings.dynamicTemperatureExponent)
      }
      temperature = max(temperature, 1e-4)
      for index in items.indices {
        items[index].logit = Float(Double(items[index].logit) / temperature)
      }
    case .mirostat:
      guard settings.mirostat == 1,
        settings.temperature > 0 || !settings.order.contains(.temperature)
      else { return }
      let p = Self.probabilities(items)
      let limit = mu ?? 2 * settings.mirostatTau
      let kept = items.indices.filter { -log2(p[$0]) <= limit }.map { items[$0] }
      items = kept.isEmpty ? [items[descending(items)[0]]] : kept
    }
  }

  private func penalise(_ items: inout [Item], recent: [TokenID]) {
    for index in items.indices {
      let times = recent.filter { $0 == items[index].token }.count
      guard times > 0 else { continue }
      var logit = items[index].logit
      if logit <= 0 {
        logit *= Float(settings.repetitionPenalty)
      } else {
        logit /= Float(settings.repetitionPenalty)
      }
      logit -= Float(times) * Float(settings.frequencyPenalty) + Float(settings.presencePenalty)
      items[index].logit = logit
    }
  }

  private func dry(_ items: inout [Item], tokens: [TokenID]) {
    guard settings.dryMultiplier != 0 else { return }
    let text = settings.dryWindow > 0 ? Array(tokens.suffix(settings.dryWindow)) : tokens
    for index in items.indices where !breakers.contains(items[index].token) {
      var longest = -1
      for place in text.indices.dropFirst() where text[place] == items[index].token {
        var length = 0
        while place - 1 - length >= 0, text[place - 1 - length] == text[text.count - 1 - length],
          !breakers.contains(text[text.count - 1 - length])
        { length += 1 }
        longest = max(longest, length)
      }
      guard longest >= settings.dryAllowedLength, longest >= 0 else { continue }
      let penalty =
        settings.dryMultiplier
        * pow(settings.dryBase, Double(longest - settings.dryAllowedLength))
      items[index].logit -= Float(penalty)
    }
  }

  private func excludeTopChoices(_ items: inout [Item], history: TokenHistory) {
    let chance = RandomNumbers(seed: settings.seed).uniform(at: history.count, for: .xtc)
    guard chance < settings.xtcProbability, items.count > 1 else { return }
    let p = Self.probabilities(items)
    let ranked = descending(items)
    let likely = ranked.prefix { p[$0] >= settings.xtcThreshold }
    let removed = Set(likely.dropLast())
    items = items.indices.filter { !removed.contains($0) }.map { items[$0] }
  }
}
