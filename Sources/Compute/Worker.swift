import Synchronization

/// One member of the team inside `WorkerPool.run`.
package final class Worker {
  /// 0 for the calling thread.
  package let index: Int
  private let team: Team
  /// Pieces that were on offer since the last barrier.
  private var offered = 0

  init(index: Int, team: Team) {
    self.index = index
    self.team = team
  }

  /// Members of the team in this run; at most the pool's threads.
  package var count: Int { team.count }

  /// Waits until every worker has come here; all earlier writes are then visible to all.
  package func barrier() {
    offered = 0
    team.barrier()
  }

  /// This worker's contiguous share of `0..<total`, in whole multiples of `unit` (the last share takes the rest).
  package func share(of total: Int, multipleOf unit: Int = 1) -> Range<Int> {
    let units = (total + unit - 1) / unit
    let start = units * index / count * unit
    let end = units * (index + 1) / count * unit
    return min(start, total)..<min(end, total)
  }

  /// Takes ranges of `work` until none is left: first the one that is this worker's own, then pieces on demand, so
  /// that a worker which is slowed down holds the others up less.
  ///
  /// Between two barriers all workers must deal out the same works in the same order.
  /// - Parameter body: gets a range, and where the range that this worker takes after it probably starts.
  package func deal(_ work: DealtWork, _ body: (Range<Int>, Int?) -> Void) {
    let own = work.own(of: index, in: count)
    let first = offered
    let pieces = work.pieceCount(in: count)
    offered += pieces
    if !own.isEmpty {
      body(own, pieces > index ? work.piece(index, in: count).lowerBound : nil)
    }
    while let taken = team.take(below: offered) {
      let piece = taken - first
      body(
        work.piece(piece, in: count),
        piece + count < pieces ? work.piece(piece + count, in: count).lowerBound : nil)
    }
  }
}

/// How `0..<total` is dealt out to a team: to each worker a range of its own, and the rest in pieces.
package struct DealtWork {
  package var total: Int
  /// All ranges but the last are whole multiples of it.
  package var unit: Int
  /// Items of a piece, a multiple of `unit`.
  package var piece: Int
  /// Quarters of the total that the workers' own ranges cover, 0...4.
  package var ownQuarters: Int

  package init(total: Int, unit: Int, piece: Int, ownQuarters: Int) {
    precondition(total >= 0 && unit > 0 && piece > 0 && piece % unit == 0)
    self.total = total
    self.unit = unit
    self.piece = piece
    self.ownQuarters = ownQuarters
  }

  private func ownCount(in team: Int) -> Int { total * ownQuarters / 4 / team / unit * unit }

  /// The range that `worker` does first.
  package func own(of worker: Int, in team: Int) -> Range<Int> {
    let count = ownCount(in: team)
    return worker * count..<(worker + 1) * count
  }

  package func pieceCount(in team: Int) -> Int {
    (total - team * ownCount(in: team) + piece - 1) / piece
  }

  package func piece(_ index: Int, in team: Int) -> Range<Int> {
    let start = team * ownCount(in: team) + index * piece
    return start..<min(start + piece, total)
  }
}

/// What the workers of one run share: the barrier, and the pieces that are dealt out between two barriers.
final class Team: @unchecked Sendable {
  // Sound to share: `count` changes between runs only, before the gates that start one.
  private(set) var count: Int
  private let arrived = Atomic<Int>(0)
  private let taken = Atomic<Int>(0)
  private let gate = Gate()

  init(count: Int) { self.count = count }

  /// Sets the members of the next run.
  func resize(to count: Int) { self.count = count }

  func barrier() {
    guard count > 1 else {
      taken.store(0, ordering: .relaxed)
      return
    }
    let seen = gate.current
    if arrived.add(1, ordering: .acquiringAndReleasing).newValue == count {
      arrived.store(0, ordering: .relaxed)
      taken.store(0, ordering: .relaxed)
      gate.open()
    } else {
      gate.wait(past: seen, spins: 2000)
    }
  }

  /// The number of the next piece since the last barrier, where it is below `limit`.
  func take(below limit: Int) -> Int? {
    var next = taken.load(ordering: .relaxed)
    while next < limit {
      let (exchanged, original) = taken.compareExchange(
        expected: next, desired: next + 1, ordering: .relaxed)
      if exchanged { return next }
      next = original
    }
    return nil
  }
}
