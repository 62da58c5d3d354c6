import Compute
import Inference
import Testing

@Suite struct KnobInertTests {
  func report(
    _ stage: SamplerStage, _ before: Int, _ after: Int, changed: Bool? = nil
  ) -> StageReport {
    StageReport(
      stage: stage, candidatesIn: before, candidatesOut: after, entropy: 1,
      changed: changed ?? (after < before))
  }

  func observed(_ reports: [StageReport], times: Int = 64) -> InertKnobs {
    var knobs = InertKnobs()
    for _ in 0..<times { knobs.observe(reports) }
    return knobs
  }

  @Test func everyKnobOfTheDefaultsThatIsOffSaysSo() {
    let reasons = InertKnobs().reasons(settings: SamplerSettings())
    #expect(reasons["typical"] == "off" && reasons["n-sigma"] == "off" && reasons["xtc"] == "off")
    #expect(reasons["repeat"] == "off" && reasons["mirostat"] == "off")
    #expect(reasons["dry-base"] == "dry is off" && reasons["tau"] == "mirostat is off")
    #expect(reasons["window"] == "no penalty is on" && reasons["xtc-min"] == "xtc is off")
    #expect(reasons["dyn-exp"] == "dyn-range is off")
    for id in ["temp", "top-k", "top-p", "min-p"] { #expect(reasons[id] == nil, "\(id)") }
  }

  @Test func greedyChoiceSilencesAllButWhatEditsLogits() {
    var settings = SamplerSettings()
    settings.temperature = 0
    settings.repetitionPenalty = 1.2
    let reasons = InertKnobs().reasons(settings: settings)
    for id in ["top-k", "top-p", "min-p", "typical", "xtc", "mirostat", "dyn-range", "tau"] {
      #expect(reasons[id] == "temperature 0: greedy", "\(id)")
    }
    #expect(reasons["temp"] == nil && reasons["repeat"] == nil && reasons["window"] == nil)
  }

  @Test func mirostatReplacesTheCuts() {
    var settings = SamplerSettings()
    settings.mirostat = 1
    let reasons = InertKnobs().reasons(settings: settings)
    for id in ["top-k", "top-p", "min-p", "typical", "n-sigma", "xtc"] {
      #expect(reasons[id] == "mirostat replaces it", "\(id)")
    }
    #expect(reasons["tau"] == nil && reasons["temp"] == nil)
  }

  @Test func aStageOutsideTheOrderSaysSo() {
    var settings = SamplerSettings()
    settings.order = [.temperature]
    #expect(InertKnobs().reason(for: "top-k", settings: settings) == "top-k is not in the order")
  }

  @Test func aCutThatALaterMinPUndercutsIsInert() {
    let knobs = observed([
      report(.topK, 49152, 40), report(.topP, 40, 19), report(.minP, 19, 7),
      report(.temperature, 7, 7, changed: true),
    ])
    let settings = SamplerSettings()
    #expect(knobs.reason(for: "top-k", settings: settings) == "min-p already cut to 7")
    #expect(knobs.reason(for: "top-p", settings: settings) == "min-p already cut to 7")
    #expect(knobs.reason(for: "min-p", settings: settings) == nil)
    #expect(knobs.reason(for: "temp", settings: settings) == nil)
  }

  @Test func aCutThatBindsOnceInTheWindowIsNotInert() {
    var knobs = observed([report(.topK, 49152, 40), report(.minP, 40, 7)], times: 63)
    let settings = SamplerSettings()
    #expect(knobs.reason(for: "top-k", settings: settings) != nil)
    knobs.observe([report(.topK, 49152, 40), report(.minP, 40, 40)])
    #expect(knobs.reason(for: "top-k", settings: settings) == nil)
    for _ in 0..<63 { knobs.observe([report(.topK, 49152, 40), report(.minP, 40, 7)]) }
    #expect(knobs.reason(for: "top-k", settings: settings) == nil)
    knobs.observe([report(.topK, 49152, 40), report(.minP, 40, 7)])
    #expect(knobs.reason(for: "top-k", settings: settings) == "min-p already cut to 7")
  }

  @Test func aCutBetweenThatIsNoRankingKeepsTheEarlierOneAlive() {
    var settings = SamplerSettings()
    settings.typicalP = 0.9
    let knobs = observed([report(.topK, 49152, 40), report(.typical, 40, 30), report(.minP, 30, 7)])
    #expect(knobs.reason(for: "top-k", settings: settings) == nil)
  }

  @Test func aStageThatFoundNothingToDoNamesTheOneThatLeftNothing() {
    var settings = SamplerSettings()
    settings.dryMultiplier = 1
    settings.presencePenalty = 1
    settings.xtcProbability = 0.1
    let knobs = observed([
      report(.penalties, 100, 100), report(.dry, 100, 100), report(.topK, 100, 4),
      report(.topP, 4, 4), report(.xtc, 4, 4), report(.temperature, 4, 4),
    ])
    #expect(knobs.reason(for: "presence", settings: settings) == "nothing repeated")
    #expect(knobs.reason(for: "dry-len", settings: settings) == "nothing repeated")
    #expect(knobs.reason(for: "repeat", settings: settings) == "off")
    #expect(knobs.reason(for: "top-p", settings: settings) == "top-k already cut to 4")
    #expect(knobs.reason(for: "xtc", settings: settings) == "found nothing to remove")
    #expect(knobs.reason(for: "temp", settings: settings) == "1 changes nothing")
    #expect(knobs.reason(for: "top-k", settings: settings) == nil)
  }

  @Test func littleEvidenceIsNone() {
    let settings = SamplerSettings()
    let reports = [report(.topK, 20, 20)]
    #expect(observed(reports, times: 7).reason(for: "top-k", settings: settings) == nil)
    #expect(observed(reports, times: 8).reason(for: "top-k", settings: settings) == "cut nothing")
  }

  /// The claim behind "already cut": without the stage the tokens are the same.
  @Test func leavingOutAnInertStageChangesNoToken() {
    var random = TestRandom(21)
    var settings = SamplerSettings()
    settings.topP = 0.99
    var without = settings
    without.topK = 0
    without.topP = 1
    var chain = SamplerChain(settings: settings)
    var other = SamplerChain(settings: without)
    var inert = InertKnobs()
    var tokens: [TokenID] = []
    var others: [TokenID] = []
    var history = TokenHistory(prompt: [])
    for _ in 0..<64 {
      var logits = (0..<500).map { _ in Float.random(in: -4...1, using: &random) }
      for best in 0..<12 { logits[best * 40] = 8 - Float(best) * 0.4 }
      let row = Buffer(logits)
      let sampled = chain.sample(LogitRow(row, 0..<500), history: history)
      inert.observe(sampled.reports)
      tokens.append(sampled.token)
      others.append(other.sample(LogitRow(row, 0..<500), history: history).token)
      history.append(sampled.token)
    }
    #expect(inert.reason(for: "top-k", settings: settings) == "min-p already cut to 8")
    #expect(tokens == others && Set(tokens).count > 3)
  }
}
