import CKernels
import Glibc
import Synchronization

/// A counter that threads wait on: they spin for a while, then park until it moves.
@safe final class Gate: @unchecked Sendable {
  // Sound to share: the counters are atomic; the mutex and condition live at fixed addresses until deinit.
  private let generation = Atomic<Int>(0)
  private let parked = Atomic<Int>(0)
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let moved = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() {
    unsafe pthread_mutex_init(mutex, nil)
    unsafe pthread_cond_init(moved, nil)
  }

  deinit {
    unsafe pthread_cond_destroy(moved)
    unsafe pthread_mutex_destroy(mutex)
    unsafe moved.deallocate()
    unsafe mutex.deallocate()
  }

  var current: Int { generation.load(ordering: .acquiring) }

  /// Moves the counter on and lets everyone who waits for it go.
  func open() {
    generation.add(1, ordering: .sequentiallyConsistent)
    if parked.load(ordering: .sequentiallyConsistent) > 0 {
      unsafe pthread_mutex_lock(mutex)
      unsafe pthread_cond_broadcast(moved)
      unsafe pthread_mutex_unlock(mutex)
    }
  }

  /// Returns once the counter is no longer `seen`.
  ///
  /// Spins about `spins` pauses of some ten nanoseconds first.
  func wait(past seen: Int, spins: Int) {
    for _ in 0..<spins {
      if generation.load(ordering: .acquiring) != seen { return }
      ck_pause()
    }
    parked.add(1, ordering: .sequentiallyConsistent)
    unsafe pthread_mutex_lock(mutex)
    while generation.load(ordering: .sequentiallyConsistent) == seen {
      unsafe pthread_cond_wait(moved, mutex)
    }
    unsafe pthread_mutex_unlock(mutex)
    parked.subtract(1, ordering: .relaxed)
  }
}
