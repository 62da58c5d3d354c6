import Testing
import paceline

/// What verdicts rest on.
struct BenchStatisticsTests {
  @Test func percentilesLieBetweenTheirNeighbours() {
    let samples = [40.0, 10, 30, 20]
    #expect(Statistics.percentile(0, of: samples) == 10)
    #expect(Statistics.percentile(100, of: samples) == 40)
    #expect(abs(Statistics.percentile(10, of: samples) - 13) < 1e-9)
    #expect(Statistics.median(samples) == 25)
    #expect(Statistics.median([3, 1, 2]) == 2)
    #expect(Statistics.median([7]) == 7)
    #expect(Statistics.median([]) == 0)
    #expect(Statistics.percentile(200, of: samples) == 40)
  }

  @Test func theSameSeedGivesTheSameInterval() {
    let first = [100.0, 104, 98, 101, 103]
    let second = [90.0, 95, 91, 88, 97]
    let interval = Statistics.ratioInterval(first, second, seed: 3)
    #expect(interval == Statistics.ratioInterval(first, second, seed: 3))
    #expect(interval.contains(101.0 / 91))
    #expect(interval.lowerBound > 1)
    #expect(interval.upperBound < 104.0 / 88 + 1e-9)
  }

  @Test func samplesThatOverlapLeaveNoDifference() {
    let interval = Statistics.ratioInterval([100, 90, 110, 95, 105], [101, 92, 108, 96, 99])
    #expect(interval.contains(1))
  }

  @Test func ofOneSampleEachTheRatioIsTheInterval() {
    #expect(Statistics.ratioInterval([30], [20]) == 1.5...1.5)
    #expect(Statistics.ratioInterval([], [20]) == 0...0)
    #expect(Statistics.ratioInterval([30], [0]) == 0...0)
  }

  private func row(
    _ samples: [Double], name: String = "tg8", unit: BenchUnit = .tokensPerSecond
  ) -> BenchRow {
    BenchRow(
      name, model: "Tiny", format: "F32", threads: 2, instructionSet: "scalar", unit: unit,
      samples: samples)
  }

  @Test func slowerBeyondTheToleranceIsARegression() throws {
    let baseline = BenchBaseline(rows: [row([100, 101, 99, 102, 98])], tolerance: 0.05)
    let slower = try #require(baseline.compare(row([90, 91, 89, 92, 88])))
    #expect(slower.verdict == .slower)
    #expect(slower.isRegression)
    #expect(abs(slower.ratio - 0.9) < 1e-9)
    let little = try #require(baseline.compare(row([97, 97, 97, 97, 97])))
    #expect(little.verdict == .slower)
    #expect(!little.isRegression)
    let faster = try #require(baseline.compare(row([120, 121, 119, 122, 118])))
    #expect(faster.verdict == .faster)
    #expect(!faster.isRegression)
  }

  @Test func aSpreadThatHoldsTheOldFigureIsNoRegression() throws {
    let baseline = BenchBaseline(rows: [row([100, 60, 140, 80, 120])], tolerance: 0.05)
    let found = try #require(baseline.compare(row([90, 55, 150, 70, 130])))
    #expect(found.verdict == .same)
    #expect(!found.isRegression)
  }

  @Test func moreTimeAndMoreMemoryAreWorse() throws {
    for unit in [BenchUnit.milliseconds, .mebibytes] {
      let baseline = BenchBaseline(rows: [row([10, 10, 10], unit: unit)], tolerance: 0.05)
      #expect(try #require(baseline.compare(row([20, 20, 20], unit: unit))).isRegression)
      #expect(try #require(baseline.compare(row([5, 5, 5], unit: unit))).verdict == .faster)
    }
  }

  @Test func rowsOfOtherTestsAreNotCompared() {
    let baseline = BenchBaseline(rows: [row([10])], tolerance: 0.05)
    #expect(baseline.compare(row([10], name: "tg9")) == nil)
    #expect(baseline.compare(row([10], unit: .milliseconds)) == nil)
  }
}
