import Compute
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
  @Test(arguments: [1, 2, 3, 5]) func everyWorkerRunsOnce(count: Int) {
    let pool = WorkerPool(count: count, adapts: false)
    defer { pool.shutDown() }
    for _ in 0..<50 {
      let calls = Storage<Int32>(count: count)
      pool.run { worker in
        calls[worker.index] += 1
        if worker.count != count { calls[worker.index] = 100 }
      }
      #expect(calls.array(0..<count) == [Int32](repeating: 1, count: count))
    }
  }

  @Test(arguments: [1, 2, 3]) func writesAreVisibleAfterABarrier(count: Int) {
    let pool = WorkerPool(count: count, adapts: false)
    defer { pool.shutDown() }
    let cells = Storage<Int>(count: count)
    let mistakes = Atomic<Int>(0)
    for round in 1...200 {
      pool.run { worker in
        for phase in 0..<3 {
          cells[worker.index] = round * 10 + phase
          worker.barrier()
          for index in 0..<count where cells[index] != round * 10 + phase {
            mistakes.add(1, ordering: .relaxed)
          }
          worker.barrier()
        }
      }
    }
    #expect(mistakes.load(ordering: .relaxed) == 0)
  }

  @Test(arguments: [1, 2, 3, 7], [0, 1, 16, 17, 100, 1000])
  func sharesCoverEverythingOnce(count: Int, total: Int) {
    let pool = WorkerPool(count: count, adapts: false)
    defer { pool.shutDown() }
    for unit in [1, 16] {
      let starts = Storage<Int>(count: count)
      let ends = Storage<Int>(count: count)
      pool.run { worker in
        let share = worker.share(of: total, multipleOf: unit)
        starts[worker.index] = share.lowerBound
        ends[worker.index] = share.upperBound
      }
      #expect(starts[0] == 0 && ends[count - 1] == total)
      for index in 1..<count { #expect(starts[index] == ends[index - 1]) }
      for index in 0..<count { #expect(starts[index] % unit == 0 || starts[index] == total) }
    }
  }

  @Test(arguments: [ElementType.q4_1, .q6_K, .f16]) func bitsDoNotDependOnTheThreads(
    type: ElementType
  ) {
    var random = SampleGenerator(seed: 1)
    let values = random.floats(70 * 256)
    let tensor = Tensor(values: values, rows: 70, columns: 256)
    let weight = SampleMatrix(type, rows: 70, columns: 256, using: &random)
    let x = Activations(rows: 5, columns: 256, forms: [])
    x.floats.replace(at: 0, with: random.floats(5 * 256))
    let rows = SampleRows(x.floats.array(0..<5 * 256), columns: 256)
    let whole = product(weight, rows, kernels: .shared)
    var outputs: [[UInt32]] = []
    for count in 1...3 {
      let pool = WorkerPool(count: count, adapts: false)
      defer { pool.shutDown() }
      let output = Buffer(count: 5 * 70)
      let parts = Mutex<[(Range<Int>, [Float])]>([])
      pool.run { worker in
        let share = worker.share(of: 70)
        Kernels.shared.multiply(tensor, rows: share, by: x, tokens: 0..<5, into: output, stride: 70)
        let part = product(weight, rows, rows: share, kernels: .shared)
        parts.withLock { $0.append((share, part)) }
      }
      outputs.append(output.array(0..<350).bits)
      for (share, part) in parts.withLock({ $0 }) {
        for token in 0..<5 {
          let range = token * 70 + share.lowerBound..<token * 70 + share.upperBound
          #expect(Array(part[range]).bits == Array(whole[range]).bits)
        }
      }
    }
    #expect(outputs[0] == outputs[1] && outputs[0] == outputs[2])
  }

  @Test func aNewPoolWorksAfterAnotherShutDown() {
    for round in 0..<20 {
      let pool = WorkerPool(count: 3)
      let sum = Atomic<Int>(0)
      pool.run { sum.add($0.index + round, ordering: .relaxed) }
      pool.shutDown()
      pool.shutDown()
      #expect(sum.load(ordering: .relaxed) == 3 + 3 * round)
    }
  }

  @Test func callersFromSeveralThreadsTakeTurns() async {
    let pool = WorkerPool(count: 2)
    let counters = Counters()
    await withTaskGroup { group in
      for _ in 0..<8 {
        group.addTask {
          for _ in 0..<25 {
            pool.run { worker in
              if worker.index == 0, counters.inside.add(1, ordering: .relaxed).newValue > 1 {
                counters.overlaps.add(1, ordering: .relaxed)
              }
              worker.barrier()
              if worker.index == 0 { counters.inside.subtract(1, ordering: .relaxed) }
            }
          }
        }
      }
    }
    pool.shutDown()
    #expect(counters.overlaps.load(ordering: .relaxed) == 0)
  }
}

private final class Counters: Sendable {
  let inside = Atomic<Int>(0)
  let overlaps = Atomic<Int>(0)
}
