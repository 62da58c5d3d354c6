import CSystem
import Glibc
import Synchronization

/// A team of threads that run the same body side by side, one call per forward pass.
///
/// The caller is worker 0; the others wait on gates, spinning about a hundred microseconds before they park, so that
/// the next pass starts without a system call and an idle program uses no processor. Where another program keeps a
/// processor busy, the team does without some of its threads for a while (`TeamSize`); no result depends on how many
/// there are.
@safe package final class WorkerPool: @unchecked Sendable {
  // Sound to share: `runs` admits one caller at a time, and `body` and the team's size are published by the gates.
  package let count: Int
  private let starts: [Gate]
  private let team: Team
  private let workers: [Worker]
  private let runs = Mutex<Void>(())
  private var size: TeamSize
  /// Nanoseconds that the threads of the pool waited for a processor and that no run has been charged with.
  private let delay = Atomic<UInt64>(0)
  private var callersDelay = CallersDelay()
  private let adapts: Bool
  private var body: ((Worker) -> Void)?
  private var stopping = false

  /// - Parameters:
  ///   - count: threads in the team, the caller included; nil takes the processors this process may use.
  ///   - adapts: whether threads are left out while other programs compete for the processors.
  package init(count: Int? = nil, adapts: Bool = true) {
    let count = max(1, count ?? WorkerPool.availableProcessors)
    let team = Team(count: count)
    self.count = count
    self.team = team
    workers = (0..<count).map { Worker(index: $0, team: team) }
    starts = (1..<max(count, 1)).map { _ in Gate() }
    size = TeamSize(greatest: count)
    self.adapts = adapts && count > 1
    for index in 1..<max(count, 1) { spawn(index) }
  }

  /// Runs `body` once on every worker of the team and returns when all are done.
  ///
  /// The body may capture anything: workers see the caller's earlier writes, and the caller sees theirs. What two
  /// workers write in between barriers must not overlap.
  package func run(_ body: (Worker) -> Void) {
    runs.withLock { _ in
      let start = clock()
      size.beginRun(now: start)
      team.resize(to: size.current)
      withoutActuallyEscaping(body) { body in
        self.body = body
        for start in starts.prefix(size.current - 1) { start.open() }
        body(workers[0])
        workers[0].barrier()
        self.body = nil
      }
      guard adapts else { return }
      let end = clock()
      let delayed = delay.exchange(0, ordering: .relaxed) + callersDelay.take()
      size.endRun(now: end, elapsed: end - start, delayed: delayed)
    }
  }

  /// Ends the threads.
  ///
  /// The pool must not run anything afterwards.
  package func shutDown() {
    runs.withLock { _ in
      stopping = true
      for start in starts { start.open() }
    }
  }

  /// Monotonic time in nanoseconds.
  private func clock() -> UInt64 {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
  }

  /// Processors in this process's affinity mask.
  package static var availableProcessors: Int { Int(cs_available_processors()) }

  private func spawn(_ index: Int) {
    let start = starts[index - 1]
    ComputeThread.start(name: "paceline-w\(index)") { [self] in
      var seen = 0
      var ownDelay = SchedulerDelay()
      while true {
        start.wait(past: seen, spins: 4000)
        seen += 1
        if stopping { return }
        runBody(as: workers[index])
        workers[index].barrier()
        if adapts { delay.add(ownDelay.take(), ordering: .relaxed) }
      }
    }
  }

  /// Calls the body in a function of its own, so that no worker holds on to it past the barrier: the caller's closure
  /// must not outlive `run`.
  @inline(never) private func runBody(as worker: Worker) { body?(worker) }
}
