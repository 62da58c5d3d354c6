import CTerminal
import Glibc

/// Lets other threads end the screen's wait for input.
///
/// Any number of calls before the wait count as one. Owned by whoever owns the event loop; closed
/// with its last reference.
package final class Wakeup: Sendable {
  package let descriptor: Int32

  package init() {
    descriptor = ct_wakeup_open()
  }

  deinit {
    close(descriptor)
  }

  /// Ends the wait, now or the next one.
  package func wake() {
    ct_wakeup_raise(descriptor)
  }

  /// Forgets the calls of `wake` so far.
  func drain() {
    ct_wakeup_drain(descriptor)
  }
}
