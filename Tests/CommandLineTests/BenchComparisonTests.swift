import Inference
import Runtime
import Testing
import paceline

/// Rounds, settings, spoiled cells and the report of a comparison.
struct BenchComparisonTests {
  private let plan = BenchPlan(
    tests: [.prompt(count: 32, depth: 0), .generation(count: 8, depth: 0), .start], rounds: 3,
    seed: 5, threads: 2)
  private let settings: [BenchTest: [PeerSetting]] = [
    .prompt(count: 32, depth: 0): [PeerSetting(threads: 1, flashAttention: true)],
    .generation(count: 8, depth: 0): [
      PeerSetting(threads: 2, flashAttention: true), PeerSetting(threads: 2, flashAttention: false),
    ],
  ]

  @Test func aRoundHasEveryCellOnceAndATestsCellsTogether() {
    let cells = plan.cells(round: 1, settings: settings)
    #expect(cells.count == 6)
    #expect(Set(cells).count == 6)
    var seen: [BenchTest] = []
    for cell in cells where seen.last != cell.test { seen.append(cell.test) }
    #expect(Set(seen).count == seen.count)
  }

  @Test func theSeedDecidesTheOrder() {
    let orders = (0..<20).map { plan.cells(round: $0, settings: settings) }
    #expect(orders == (0..<20).map { plan.cells(round: $0, settings: settings) })
    #expect(Set(orders).count > 5)
    // Neither program is always the first one.
    let firsts = orders.map { order in order.first { $0.test != .start }?.setting == nil }
    #expect(Set(firsts).count == 2)
  }

  @Test func threadsAndFlashAttentionAreTriedBothWays() {
    let all = PeerSetting.all(for: .prompt(count: 32, depth: 0), threads: 4)
    #expect(Set(all.map(\.threads)) == [1, 4])
    #expect(Set(all.map(\.flashAttention)) == [true, false])
    #expect(all.count == 4)
    #expect(PeerSetting.all(for: .start, threads: 2).count == 4)
    #expect(PeerSetting.all(for: .start, threads: 1).count == 4)
  }

  @Test func settingsNearTheBestGoOn() {
    let all = PeerSetting.all(for: .prompt(count: 32, depth: 0), threads: 2)
    let speeds = Dictionary(uniqueKeysWithValues: zip(all, [50.0, 100, 95, 80]))
    let kept = PeerSetting.contenders(
      speeds, test: .prompt(count: 32, depth: 0), unit: .tokensPerSecond)
    #expect(Set(kept) == [all[1], all[2]])
    let times = PeerSetting.contenders(speeds, test: .start, unit: .milliseconds)
    #expect(times == [all[0]])
    #expect(PeerSetting.contenders([:], test: .start, unit: .milliseconds) == [])
  }

  @Test func memoryKeepsTheBestWithAndWithoutRepacking() {
    let all = PeerSetting.all(for: .memory, threads: 2)
    let peaks = Dictionary(uniqueKeysWithValues: all.map { ($0, $0.repack == false ? 10.0 : 90) })
    let kept = PeerSetting.contenders(peaks, test: .memory, unit: .mebibytes)
    #expect(Set(kept.map(\.repack)) == [true, false])
  }

  @Test func aSpoiledCellIsMeasuredAgain() {
    let cellGuard = CellGuard(load: 0.02, steal: 0.01, drift: 0.1, retries: 3)
    var attempts = [
      (1, CellConditions(others: 0.5, steal: 0, drift: 0)),
      (2, CellConditions(others: 0, steal: 0.2, drift: 0)),
      (3, CellConditions(others: 0.01, steal: 0, drift: 0.05)),
      (4, CellConditions(others: 0, steal: 0, drift: 0)),
    ]
    let (value, conditions) = cellGuard.measure(pause: {}) { attempts.removeFirst() }
    #expect(value == 3)
    #expect(conditions.rejected == 2)
    #expect(!conditions.isNoisy)
    #expect(attempts.count == 1)
  }

  @Test func whereAllAreSpoiledTheLeastDisturbedCounts() {
    let cellGuard = CellGuard(load: 0.02, steal: 0.01, drift: 0.1, retries: 2)
    var attempts = [
      (1, CellConditions(others: 0.5, steal: 0, drift: 0)),
      (2, CellConditions(others: 0.1, steal: 0, drift: 0)),
      (3, CellConditions(others: 0, steal: 0, drift: 0.9)),
    ]
    let (value, conditions) = cellGuard.measure(pause: {}) { attempts.removeFirst() }
    #expect(value == 2)
    #expect(conditions.isNoisy)
    #expect(conditions.rejected == 2)
    #expect(attempts.isEmpty)
  }

  private func speeds(_ values: [Double], noisy: Int? = nil) -> [Int: (Double, Bool)] {
    Dictionary(
      uniqueKeysWithValues: values.enumerated().map { ($0 + 1, ($1, $0 + 1 == noisy)) })
  }

  private let slow = PeerSetting(threads: 1, flashAttention: true)
  private let fast = PeerSetting(threads: 2, flashAttention: false)

  @Test func ratiosAreTakenRoundByRoundAgainstTheBestSetting() throws {
    let row = try #require(
      FigureReport(
        name: "pp32", unit: .tokensPerSecond, ours: speeds([200, 400, 300], noisy: 2),
        theirs: [slow: speeds([50, 60, 55]), fast: speeds([100, 100, 200])], target: 1.8))
    #expect(row.setting == fast.description)
    #expect(row.rounds.map(\.ratio) == [2, 4, 1.5])
    #expect(row.rounds.map(\.isNoisy) == [false, true, false])
    #expect(row.ratio == 2)
    #expect(row.ours == 300 && row.theirs == 100)
    #expect(row.ratioLow > 1.5 && row.ratioHigh < 4)
    #expect(row.verdict == .met)
    #expect(row.settings[slow.description] == 55)
  }

  @Test func timesCountAsTimesBetterAndMemoryAsAShare() throws {
    let time = try #require(
      FigureReport(
        name: "start", unit: .milliseconds, ours: speeds([20, 20]),
        theirs: [slow: speeds([100, 100]), fast: speeds([80, 80])], target: 5))
    #expect(time.setting == fast.description)
    #expect(time.ratio == 4)
    #expect(time.verdict == .missed)
    #expect(abs((time.shortfall ?? 0) - 20) < 1e-9)
    let memory = try #require(
      FigureReport(
        name: "private", unit: .mebibytes, ours: speeds([30]), theirs: [fast: speeds([60])],
        target: 0.6))
    #expect(memory.ratio == 0.5)
    #expect(memory.verdict == .met)
  }

  @Test func aMissedSpeedIsToldWithWhatBoundsIt() throws {
    var totals = OperationTotals()
    totals.add(.feedForward, nanoseconds: 800, bytes: 8000)
    totals.add(.head, nanoseconds: 200, bytes: 2000)
    var model = ModelReport(file: "x.gguf", name: "x", format: "Q8_0", promptTokens: 64)
    model.profiles = ["tg128", "pp32"].map { test in
      NamedProfile(
        test: test,
        profile: BenchProfile(
          totals, tokens: 1, roofs: Roofs(bytesPerSecond: 20e9, operationsPerSecond: 1e15)))
    }
    model.figures = try [("tg128", 2.0), ("pp32", 1.0)].map { name, target in
      try #require(
        FigureReport(
          name: name, unit: .tokensPerSecond, ours: speeds([15, 15]),
          theirs: [fast: speeds([10, 10])], target: target))
    }
    #expect(
      model.missedBounds == [
        "tg128: feed-forward takes 80 % of the time, at 50 % of the reading roof; "
          + "with every class at its roof it would be 3.00 times llama.cpp's speed."
      ])
  }

  @Test func withoutATargetTheSpreadDecides() throws {
    func verdict(_ ours: [Double], _ unit: BenchUnit = .tokensPerSecond) throws
      -> FigureReport.Verdict
    {
      try #require(
        FigureReport(
          name: "x", unit: unit, ours: speeds(ours), theirs: [fast: speeds([10, 10, 10])],
          target: nil)
      ).verdict
    }
    #expect(try verdict([12, 13, 14]) == .ahead)
    #expect(try verdict([8, 10, 13]) == .level)
    #expect(try verdict([7, 8, 9]) == .behind)
    #expect(try verdict([7, 8, 9], .mebibytes) == .ahead)
    #expect(
      FigureReport(
        name: "x", unit: .milliseconds, ours: [:], theirs: [fast: speeds([1])], target: nil) == nil)
  }
}
