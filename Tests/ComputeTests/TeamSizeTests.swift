import Compute
import Testing

@Suite struct TeamSizeTests {
  private let millisecond: UInt64 = 1_000_000

  /// Lets a team do runs of 10 ms, of which each worker waits a share, and returns the sizes it had.
  private func sizes(_ team: inout TeamSize, runs: Range<UInt64>, waiting share: Double) -> [Int] {
    runs.map { run in
      team.beginRun(now: run * 10 * millisecond)
      let size = team.current
      let delayed = UInt64(Double(10 * millisecond) * share) * UInt64(size)
      team.endRun(now: (run + 1) * 10 * millisecond, elapsed: 10 * millisecond, delayed: delayed)
      return size
    }
  }

  @Test func aTeamThatNeedNotWaitKeepsItsSize() {
    var team = TeamSize(greatest: 4)
    #expect(sizes(&team, runs: 0..<500, waiting: 0.02).allSatisfy { $0 == 4 })
  }

  @Test func aTeamThatWaitsShrinksAndTriesAgainEverMoreSeldom() {
    var team = TeamSize(greatest: 2)
    let sizes = sizes(&team, runs: 0..<1000, waiting: 0.4)
    #expect(sizes[0] == 2 && sizes[2] == 1)
    let full = sizes.count { $0 == 2 }
    #expect(full >= 8 && full <= 30)
    let late = sizes.suffix(400).count { $0 == 2 }
    #expect(late >= 2 && late <= 8)
  }

  @Test func aTeamGrowsBackWhenTheCompetitionEnds() {
    var team = TeamSize(greatest: 2)
    _ = sizes(&team, runs: 0..<50, waiting: 0.4)
    let after = sizes(&team, runs: 50..<400, waiting: 0)
    #expect(after.suffix(100).allSatisfy { $0 == 2 })
  }

  @Test func oneWorkerIsTheLeast() {
    var team = TeamSize(greatest: 1)
    #expect(sizes(&team, runs: 0..<100, waiting: 0.9).allSatisfy { $0 == 1 })
  }
}
