import CSystem
import Glibc
import Synchronization

/// A team of threads that run the same body side by side, one call per forward pass.
///
/// The caller is worker 0; the others wait on a gate, spinning about a hundred microseconds before they park, so that
/// the next pass starts without a system call and an idle program uses no processor.
@safe package final class WorkerPool: @unchecked Sendable {
  // Sound to share: `runs` admits one caller at a time, and `body` is published and read around the gate.
  package let count: Int
  private let start = Gate()
  private let team: Team
  private let runs = Mutex<Void>(())
  private var body: ((Worker) -> Void)?
  private var stopping = false

  /// - Parameter count: threads in the team, the caller included; nil takes the processors this process may use.
  package init(count: Int? = nil) {
    self.count = max(1, count ?? WorkerPool.availableProcessors)
    team = Team(count: self.count)
    for index in 1..<max(self.count, 1) { spawn(index) }
  }

  /// Runs `body` once on every worker and returns when all are done.
  ///
  /// The body may capture anything: workers see the caller's earlier writes, and the caller sees theirs. What two
  /// workers write in between barriers must not overlap.
  package func run(_ body: (Worker) -> Void) {
    runs.withLock { _ in
      withoutActuallyEscaping(body) { body in
        self.body = body
        start.open()
        body(Worker(index: 0, team: team))
        team.barrier()
        self.body = nil
      }
    }
  }

  /// Ends the threads.
  ///
  /// The pool must not run anything afterwards.
  package func shutDown() {
    runs.withLock { _ in
      stopping = true
      start.open()
    }
  }

  /// Processors in this process's affinity mask.
  package static var availableProcessors: Int { Int(cs_available_processors()) }

  private func spawn(_ index: Int) {
    let seen = start.current
    ComputeThread.start(name: "paceline-w\(index)") { [self] in
      var seen = seen
      while true {
        start.wait(past: seen, spins: 4000)
        seen += 1
        if stopping { return }
        runBody(as: Worker(index: index, team: team))
        team.barrier()
      }
    }
  }

  /// Calls the body in a function of its own, so that no worker holds on to it past the barrier: the caller's closure
  /// must not outlive `run`.
  @inline(never) private func runBody(as worker: Worker) { body?(worker) }
}

/// One member of the team inside `WorkerPool.run`.
package struct Worker {
  /// 0 for the calling thread.
  package let index: Int
  private let team: Team

  init(index: Int, team: Team) {
    self.index = index
    self.team = team
  }

  package var count: Int { team.count }

  /// Waits until every worker has come here; all earlier writes are then visible to all.
  package func barrier() { team.barrier() }

  /// This worker's contiguous share of `0..<total`, in whole multiples of `unit` (the last share takes the rest).
  package func share(of total: Int, multipleOf unit: Int = 1) -> Range<Int> {
    let units = (total + unit - 1) / unit
    let start = units * index / count * unit
    let end = units * (index + 1) / count * unit
    return min(start, total)..<min(end, total)
  }
}

/// The barrier that a team shares.
final class Team: Sendable {
  let count: Int
  private let arrived = Atomic<Int>(0)
  private let gate = Gate()

  init(count: Int) { self.count = count }

  func barrier() {
    guard count > 1 else { return }
    let seen = gate.current
    if arrived.add(1, ordering: .acquiringAndReleasing).newValue == count {
      arrived.store(0, ordering: .relaxed)
      gate.open()
    } else {
      gate.wait(past: seen, spins: 2000)
    }
  }
}

/// A plain thread with all signals blocked, so that they reach the thread that handles them.
package enum ComputeThread {
  package static func start(name: String, _ body: @escaping @Sendable () -> Void) {
    final class Box {
      let body: @Sendable () -> Void
      let name: String
      init(_ body: @escaping @Sendable () -> Void, _ name: String) {
        self.body = body
        self.name = name
      }
    }
    let box = unsafe Unmanaged.passRetained(Box(body, name)).toOpaque()
    var all = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&all)
    unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
    var thread = pthread_t()
    let status = unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let box = unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue()
        unsafe cs_name_thread(String(box.name.prefix(15)))
        box.body()
        return nil
      }, box)
    unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    precondition(status == 0, "cannot start a thread: error \(status)")
    pthread_detach(thread)
  }
}
