import Glibc
import Synchronization

/// What reaches into a running decode from outside: cancel, hold, and new settings from the next token on.
package final class DecodingControl: Sendable {
  package let cancellation = CancellationFlag()
  private let held = Atomic<Bool>(false)
  private let waiting = Mutex<SamplerSettings?>(nil)

  package init() {}

  package func cancel() { cancellation.raise() }

  /// Settings that act from the next token on; a newer call replaces an older one not yet taken.
  package func change(to settings: SamplerSettings) { waiting.withLock { $0 = settings } }

  /// The newest settings not yet taken.
  package func takeSettings() -> SamplerSettings? {
    waiting.withLock { settings in
      defer { settings = nil }
      return settings
    }
  }

  /// While true, no further token is computed.
  package var isHeld: Bool {
    get { held.load(ordering: .relaxed) }
    set { held.store(newValue, ordering: .relaxed) }
  }

  /// Sleeps while the run is held, without being deaf to cancellation; the time counts for no operation.
  package func waitWhileHeld(_ clock: PhaseClock) {
    guard isHeld else { return }
    while isHeld, !cancellation.isRaised { usleep(5000) }
    clock.start()
  }
}
