import Inference
import Testing

/// Decoding in a world where costs and acceptance are known: rows are right one after the other with some probability.
private struct GovernedDecoding {
  static let base = 1_000_000.0
  static let measured = [1, 1.05, 1.25, 1.5, 1.85, 2.2, 3, 4, 6, 8, 12]
  static let flat = CostCurve.sizes.map { 1 + 0.01 * Double($0 - 1) }

  /// The true V at each of the curve's sizes.
  var values = Self.measured
  /// Nanoseconds of drafting a row; nil for a free drafter.
  var draftCost: Double?
  var limit = 16
  /// The probability of each row after right ones, by round.
  var acceptance: (Int) -> Double
  /// What the drafter takes it to be; nil where it says nothing.
  var claimed: (Int) -> Double?
  /// Whether the drafter is sure enough of anything to draft at all; it takes the time of one row to find that out.
  var isSure: (Int) -> Bool = { _ in true }
  /// What times scatter by, as a share.
  var noise = 0.0
  var rounds = 400

  struct Outcome {
    var tokens = 0
    var passes = 0.0
    var drafted: [Int] = []
    var decisions: [GovernorDecision?] = []
    /// Tokens in the time of one plain pass.
    var speed: Double { Double(tokens) / passes }
    var lastDrafted: Double {
      Double(drafted.suffix(50).reduce(0, +)) / Double(drafted.suffix(50).count)
    }
  }

  /// Tokens 1, 2 and so on, which are right as far as the round's luck goes.
  private func draft(_ size: Int, round: Int) -> Draft {
    var draft = Draft(
      tokens: (0..<size).map { TokenID($0 + 1) }, parents: (0..<size).map { $0 - 1 })
    if let claimed = claimed(round) {
      var confidence = 1.0
      draft.confidences = (0..<size).map { _ in
        confidence *= claimed
        return Float(confidence)
      }
    }
    return draft
  }

  func run(_ governor: Governor? = nil, seed: UInt64 = 1, fixed: Int? = nil) -> Outcome {
    let governor = governor ?? Governor(curve: CostCurve(base: Self.base, values: values))
    let truth = CostCurve(base: Self.base, values: values)
    var random = TestRandom(seed)
    var outcome = Outcome()
    for round in 0..<rounds {
      var right = 0
      while right < limit, Double.random(in: 0..<1, using: &random) < acceptance(round) {
        right += 1
      }
      let budget = governor.budget(limit: limit, isFree: draftCost == nil)
      let asked = fixed ?? budget.limit
      let whole = draft(isSure(round) ? asked : 0, round: round)
      let verified = draftCost == nil && fixed == nil ? governor.trim(whole) : whole
      let accepted = min(right, verified.count)
      let next: TokenID = accepted < right ? TokenID(accepted + 1) : 1000
      let time =
        truth.nanoseconds(verified.count + 1)
        * (1 + noise * Double.random(in: -1...1, using: &random))
      let drafting = Double(max(whole.count, min(asked, 1))) * (draftCost ?? 0)
      governor.observe(
        RoundRecord(
          parents: verified.parents, accepted: Array(0..<accepted), emitted: accepted + 1,
          rows: verified.count + 1, draftNanoseconds: UInt64(drafting),
          passNanoseconds: UInt64(time)), draft: verified,
        tokens: verified.tokens.prefix(accepted) + [next])
      outcome.tokens += accepted + 1
      outcome.passes += (truth.nanoseconds(verified.count + 1) + drafting) / Self.base
      outcome.drafted.append(verified.count)
      outcome.decisions.append(governor.decision)
    }
    return outcome
  }

  /// The speed with drafts that always have the best of all fixed sizes.
  func bestFixed(seed: UInt64 = 1) -> Double {
    (0...limit).map { run(seed: seed, fixed: $0).speed }.max() ?? 1
  }
}

@Suite struct GovernorTests {
  @Test(arguments: [0.3, 0.7, 0.95]) func switchesOffAFreeDrafterThatNeverHits(
    claimed: Double
  ) {
    let world = GovernedDecoding(acceptance: { _ in 0 }, claimed: { _ in claimed })
    let outcome = world.run()
    #expect(outcome.speed > 0.97)
    #expect(outcome.lastDrafted == 0)
    #expect(outcome.decisions.last??.isOff == true)
  }

  @Test(arguments: [0.05, 0.2, 0.4, 1]) func switchesOffACostlyDrafterThatNeverHits(
    cost: Double
  ) {
    let world = GovernedDecoding(
      draftCost: cost * GovernedDecoding.base, acceptance: { _ in 0 }, claimed: { _ in nil })
    let outcome = world.run()
    #expect(outcome.speed > 0.97)
    #expect(outcome.drafted.suffix(200).count { $0 == 0 } > 170)
    #expect(outcome.decisions.last??.isOff == true)
  }

  @Test(arguments: [5, 20]) func aCostlyDrafterThatIsSeldomSureOfAnythingRests(every: Int) {
    var world = GovernedDecoding(
      draftCost: 0.2 * GovernedDecoding.base, acceptance: { _ in 0.9 }, claimed: { _ in nil })
    world.isSure = { $0 % every == 0 }
    world.limit = 4
    let outcome = world.run()
    #expect(outcome.speed > 0.97)
    #expect(outcome.decisions.suffix(200).count { $0?.isOff == true } > 150)
  }

  @Test(arguments: [0.05, 0.2]) func aDrafterThatSeldomHitsCostsNextToNothing(
    acceptance: Double
  ) {
    for draftCost in [nil, 0.3 * GovernedDecoding.base] {
      var world = GovernedDecoding(
        draftCost: draftCost, acceptance: { _ in acceptance }, claimed: { _ in 0.6 })
      world.noise = 0.15
      #expect(world.run().speed > 0.97)
    }
  }

  @Test(arguments: [0.5, 0.7, 0.9]) func isNearlyAsFastAsTheBestFixedSize(acceptance: Double) {
    for draftCost in [nil, 0.1 * GovernedDecoding.base, 0.3 * GovernedDecoding.base] {
      for claimed in [nil, acceptance, 0.6] {
        var world = GovernedDecoding(
          draftCost: draftCost, acceptance: { _ in acceptance }, claimed: { _ in claimed })
        world.noise = 0.1
        let speed = world.run().speed
        #expect(speed > 0.9 * world.bestFixed(), "cost \(draftCost ?? 0), \(claimed ?? 0)")
      }
    }
  }

  @Test func draftsMoreWhereMoreIsAcceptedAndRowsAreCheap() {
    func drafted(_ acceptance: Double, _ values: [Double], cost: Double?) -> Double {
      GovernedDecoding(
        values: values, draftCost: cost, acceptance: { _ in acceptance },
        claimed: { _ in acceptance }
      ).run().lastDrafted
    }
    for cost in [nil, 0.05 * GovernedDecoding.base] {
      let poor = drafted(0.5, GovernedDecoding.measured, cost: cost)
      let good = drafted(0.95, GovernedDecoding.measured, cost: cost)
      let cheap = drafted(0.95, GovernedDecoding.flat, cost: cost)
      #expect(poor < good && good < cheap)
      #expect(poor <= 3 && cheap >= 10, "\(poor), \(good), \(cheap)")
    }
  }

  @Test func recoversWhenDraftsBecomeGood() {
    for draftCost in [nil, 0.2 * GovernedDecoding.base] {
      var world = GovernedDecoding(
        draftCost: draftCost, acceptance: { $0 < 400 ? 0 : 0.9 },
        claimed: { _ in draftCost == nil ? 0.7 : nil })
      world.rounds = 800
      let outcome = world.run()
      #expect(outcome.drafted[300..<400].reduce(0, +) < 10)
      #expect(outcome.lastDrafted >= 2)
      #expect(outcome.decisions.last??.isOff == false)
      let tokens = outcome.tokens - 400
      #expect(tokens > 900, "\(tokens) tokens in the 400 good rounds")
    }
  }

  @Test func aTrimmedDraftIsASoundTree() {
    var random = TestRandom(5)
    let governor = Governor(curve: CostCurve(base: 1000, values: GovernedDecoding.measured))
    for _ in 0..<300 {
      var draft = Draft()
      for row in 0..<Int.random(in: 0...24, using: &random) {
        let parent = Int.random(in: -1..<row, using: &random)
        draft.tokens.append(TokenID.random(in: 0..<50, using: &random))
        draft.parents.append(parent)
        draft.confidences.append(Float.random(in: -1...2, using: &random))
      }
      _ = governor.budget(limit: 24, isFree: true)
      let trimmed = governor.trim(draft)
      #expect(trimmed == draft.prefix(trimmed.count))
      #expect(trimmed.sound(limit: 24, vocabulary: 50) == trimmed)
      let first = trimmed.children(of: -1).first
      governor.observe(
        RoundRecord(
          parents: trimmed.parents, accepted: first.map { [$0] } ?? [], emitted: 1,
          rows: trimmed.count + 1, passNanoseconds: 1000), draft: trimmed,
        tokens: first.map { [trimmed.tokens[$0], 3] } ?? [3])
    }
  }

  @Test func rowsThatWereDrawnAreNeverLeftOut() {
    let governor = Governor(curve: CostCurve(base: 1000, values: GovernedDecoding.measured))
    let drawn = Distribution(tokens: [4, 9], weights: [1, 3])
    let draft = Draft(
      tokens: [9, 4], parents: [-1, 0], confidences: [0.01, 0.001], proposals: [drawn, drawn])
    _ = governor.budget(limit: 8, isFree: true)
    #expect(governor.trim(draft) == draft)
  }

  @Test func tellsWhatItExpectsAndWhatWouldBreakEven() throws {
    let governor = Governor(curve: CostCurve(base: 1000, values: GovernedDecoding.measured))
    _ = governor.budget(limit: 8, isFree: true)
    #expect(governor.decision == nil)
    let draft = Draft(tokens: [1, 2, 3], parents: [-1, 0, 1], confidences: [0.9, 0.8, 0.001])
    #expect(governor.trim(draft).count == 2)
    let decision = try #require(governor.decision)
    #expect(decision.budget == 2 && !decision.isOff)
    #expect(abs(decision.expectedTokens - 2.7) < 0.01 && decision.breakEven == 1.25)
  }

  @Test func aNewAnswerKeepsWhatWasLearnedAndTriesADrafterThatRests() {
    var world = GovernedDecoding(
      draftCost: 0.2 * GovernedDecoding.base, acceptance: { _ in 0 }, claimed: { _ in nil })
    world.rounds = 400
    let curve = CostCurve(base: GovernedDecoding.base, values: GovernedDecoding.measured)
    let governor = Governor(curve: curve)
    _ = world.run(governor)
    #expect(governor.budget(limit: 8, isFree: false).limit == 0)
    governor.begin(curve: curve)
    let trial = governor.budget(limit: 8, isFree: false).limit
    #expect(trial > 0 && trial < 8)
  }

  @Test func whatWasCutOffIsLearnedFromToo() {
    let governor = Governor(curve: CostCurve(base: 1000, values: GovernedDecoding.measured))
    let draft = Draft(tokens: [7], parents: [-1], confidences: [0.02])
    func round(_ next: TokenID) -> Int {
      _ = governor.budget(limit: 8, isFree: true)
      let trimmed = governor.trim(draft)
      let wasRight = next == 7 && trimmed.count == 1
      governor.observe(
        RoundRecord(
          parents: trimmed.parents, accepted: wasRight ? [0] : [], emitted: wasRight ? 2 : 1,
          rows: trimmed.count + 1, passNanoseconds: trimmed.count == 1 ? 1050 : 1000),
        draft: trimmed, tokens: wasRight ? [7, 5] : [next])
      return trimmed.count
    }
    #expect(round(7) == 0)
    for _ in 0..<20 { _ = round(7) }
    #expect(round(7) == 1)
    for _ in 0..<100 { _ = round(8) }
    #expect(round(8) == 0)
  }
}
