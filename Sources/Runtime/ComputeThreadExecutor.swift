import Compute
import Dispatch
import Synchronization

/// Runs an actor's work on one thread of its own, in the order it came.
///
/// Minutes of arithmetic then never occupy the shared cooperative pool, and an idle engine's thread is parked.
@safe package final class ComputeThreadExecutor: SerialExecutor {
  private struct State {
    var jobs: [UnownedJob] = []
    var stopped = false
  }
  private let state = Mutex(State())
  private let arrived = DispatchSemaphore(value: 0)

  package init(name: String) {
    ComputeThread.start(name: name) { [self] in
      while let batch = take() {
        for job in batch {
          // Sound: each job was handed to this executor by `enqueue`, and is run once.
          unsafe job.runSynchronously(on: asUnownedSerialExecutor())
        }
      }
    }
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    state.withLock { $0.jobs.append(job) }
    arrived.signal()
  }

  package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(ordinary: self)
  }

  /// Ends the thread once the work that came before is done.
  package func stop() {
    state.withLock { $0.stopped = true }
    arrived.signal()
  }

  /// Waits for work; nil once there is none and `stop` was called.
  private func take() -> [UnownedJob]? {
    while true {
      arrived.wait()
      let (jobs, stopped) = state.withLock { state in
        defer { state.jobs = [] }
        return (state.jobs, state.stopped)
      }
      if !jobs.isEmpty { return jobs }
      if stopped { return nil }
    }
  }
}
