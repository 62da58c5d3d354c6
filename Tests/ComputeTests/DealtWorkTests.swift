import Compute
import Synchronization
import Testing

@Suite struct DealtWorkTests {
  @Test(arguments: [1, 2, 3, 7], [0, 1, 15, 16, 100, 1000, 4864])
  func everyItemIsDealtOnceWhateverTheTeam(team: Int, total: Int) {
    let pool = WorkerPool(count: team, adapts: false)
    defer { pool.shutDown() }
    for ownQuarters in 0...4 {
      let first = DealtWork(total: total, unit: 16, piece: 32, ownQuarters: ownQuarters)
      let second = DealtWork(total: total / 2, unit: 1, piece: 5, ownQuarters: 4 - ownQuarters)
      let dealt = Mutex<[[Int]]>([
        [Int](repeating: 0, count: total), [Int](repeating: 0, count: total / 2),
      ])
      pool.run { worker in
        // Several works between two barriers, and the same again after one.
        for _ in 0..<2 {
          for (index, work) in [first, second].enumerated() {
            worker.deal(work) { range, _ in
              dealt.withLock { dealt in range.forEach { dealt[index][$0] += 1 } }
            }
          }
          worker.barrier()
        }
      }
      dealt.withLock { dealt in #expect(dealt.joined().allSatisfy { $0 == 2 }) }
    }
  }

  @Test func rangesStartAtWholeUnitsAndTellWhatComesNext() {
    let work = DealtWork(total: 1000, unit: 16, piece: 48, ownQuarters: 3)
    let pool = WorkerPool(count: 1)
    defer { pool.shutDown() }
    var expected: Int? = 0
    pool.run { worker in
      worker.deal(work) { range, next in
        #expect(range.lowerBound % 16 == 0)
        #expect(expected == range.lowerBound)
        #expect(range.upperBound == 1000 || range.upperBound % 16 == 0)
        expected = next
      }
    }
    #expect(expected == nil)
  }
}
