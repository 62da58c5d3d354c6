import Compute
import Glibc

/// The stages that turn a row of logits into one token.
///
/// Random numbers are a function of the seed, the token's place in the sequence (prompt included) and the purpose of
/// the draw, so that a run repeats bit for bit however many tokens a pass verified, and an answer that is continued as
/// part of a longer prompt comes out as if it had never been interrupted. Mirostat's state is the one exception: it
/// starts anew with `reset()` and otherwise advances with each token.
///
/// A copy has a state of its own, so that a copy taken before a draft is verified can take the chain back. Copies share
/// working memory: they belong to one thread.
package struct SamplerChain {
  package var settings: SamplerSettings
  /// Token sequences that interrupt a repetition for DRY, single tokens only.
  package var dryBreakers: Set<TokenID> = []
  /// Nil until mirostat has chosen a token, and again once it is off.
  package private(set) var mirostat: Mirostat?
  package let kernels: Kernels
  private let candidates: Candidates

  package init(settings: SamplerSettings, kernels: Kernels = .shared) {
    self.settings = settings
    self.kernels = kernels
    candidates = Candidates(kernels: kernels)
  }

  /// Forgets what earlier tokens left behind.
  package mutating func reset() { mirostat = nil }

  /// Chooses the token that follows `history`.
  ///
  /// NaN counts as -infinity; where no logit is finite, token 0 comes. Of equally probable tokens greedy choice takes
  /// the lowest.
  ///
  /// - Parameter logits: not empty; they are edited meanwhile, and given back as they came.
  package mutating func sample(_ logits: LogitRow, history: TokenHistory) -> SampledToken {
    precondition(!logits.range.isEmpty)
    let logTotal = candidates.load(logits)
    let reports = runStages(history: history)
    let (token, probability) = draw(history: history)
    let alternatives = candidates.best(8)
    candidates.finish()
    let sampled = SampledToken(
      token: token, probability: probability,
      modelLogProbability: logits.logProbability(of: token, logTotal: logTotal),
      reports: reports, alternatives: alternatives)
    advance(past: sampled)
    return sampled
  }

  /// What the stages make of a row of logits, for a verifier that draws for itself; the chain's state stays as it is.
  ///
  /// - Parameter logits: as for `sample`.
  package func prospects(_ logits: LogitRow, history: TokenHistory) -> Prospects {
    precondition(!logits.range.isEmpty)
    let logTotal = candidates.load(logits)
    defer { candidates.finish() }
    let reports = runStages(history: history)
    return Prospects(
      distribution: candidates.distribution(), reports: reports, alternatives: candidates.best(8),
      row: logits, logTotal: logTotal)
  }

  /// The distribution that `sample` would draw from; the chain's state stays as it is.
  ///
  /// - Parameter logits: as for `sample`.
  package func distribution(_ logits: LogitRow, history: TokenHistory) -> Distribution {
    precondition(!logits.range.isEmpty)
    _ = candidates.load(logits)
    defer { candidates.finish() }
    for stage in settings.activeStages { _ = apply(stage, history: history) }
    return candidates.distribution()
  }

  /// The most probable tokens after all stages, at most `limit`, descending; the chain's state stays as it is.
  package func best(_ limit: Int, of logits: LogitRow, history: TokenHistory) -> [Candidate] {
    precondition(!logits.range.isEmpty)
    _ = candidates.load(logits)
    defer { candidates.finish() }
    for stage in settings.activeStages { _ = apply(stage, history: history) }
    return candidates.best(limit)
  }

  /// Moves the state past a token, as `sample` does itself; replays tokens on a copy taken before them.
  package mutating func advance(past sampled: SampledToken) {
    guard settings.usesMirostat else {
      mirostat = nil
      return
    }
    var state = mirostat ?? Mirostat(target: settings.mirostatTau)
    state.observe(
      probability: sampled.probability, target: settings.mirostatTau, rate: settings.mirostatEta)
    mirostat = state
  }

  private func runStages(history: TokenHistory) -> [StageReport] {
    var reports: [StageReport] = []
    for stage in settings.activeStages {
      let before = candidates.count
      let changed = apply(stage, history: history)
      reports.append(
        StageReport(
          stage: stage, candidatesIn: before, candidatesOut: candidates.count,
          entropy: candidates.entropy, changed: changed))
    }
    return reports
  }

  /// - Returns: whether the stage changed which tokens may come or how probable they are.
  private func apply(_ stage: SamplerStage, history: TokenHistory) -> Bool {
    switch stage {
    case .logitBias: return candidates.applyBias(settings.logitBias)
    case .penalties: return candidates.applyPenalties(settings, history: history)
    case .dry: return candidates.applyDRY(settings, history: history, breakers: dryBreakers)
    case .topNSigma: return candidates.topNSigma(settings.topNSigma)
    case .topK: return candidates.topK(settings.topK)
    case .typical: return candidates.typical(settings.typicalP)
    case .topP: return candidates.topP(settings.topP)
    case .minP: return candidates.minP(settings.minP)
    case .xtc:
      let chance = RandomNumbers(seed: settings.seed).uniform(at: history.count, for: .xtc)
      guard chance < settings.xtcProbability else { return false }
      return candidates.excludeTopChoices(threshold: settings.xtcThreshold)
    case .temperature:
      guard settings.isGreedy else { return candidates.applyTemperature(settings) }
      let before = candidates.count
      candidates.keepBestOnly()
      return before > 1
    case .mirostat:
      let state = mirostat ?? Mirostat(target: settings.mirostatTau)
      return candidates.mirostat(state.mu)
    }
  }

  /// Draws from what is left, by the cumulated probability in ascending order of tokens.
  private func draw(history: TokenHistory) -> (token: TokenID, probability: Float) {
    if !candidates.isDense, candidates.count == 1, let only = candidates.entries.first {
      return (only.token, 1)
    }
    let share = RandomNumbers(seed: settings.seed).uniform(at: history.count, for: .token)
    let mass = candidates.mass
    if candidates.isDense {
      let entry = candidates.denseEntry(atShare: share)
      return (entry.token, Float(Double(entry.weight) / mass.total))
    }
    let target = share * mass.total
    var sum = 0.0
    var chosen = candidates.entries.first
    for entry in candidates.entries where entry.weight > 0 {
      chosen = entry
      sum += Double(entry.weight)
      if sum > target { break }
    }
    guard let chosen else { return (0, 1) }
    return (chosen.token, Float(Double(chosen.weight) / mass.total))
  }
}
