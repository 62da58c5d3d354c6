import Dispatch
import Foundation
import Synchronization

/// Turns C-c into a request: the first one asks to stop, a second one ends the program.
final class Interruption: Sendable {
  private let count = Atomic<Int>(0)
  /// Held so that it stays alive.
  private let source: Mutex<any DispatchSourceSignal>
  private let stop = Mutex<(@Sendable () -> Void)?>(nil)

  init() {
    // The source sees the signal only where nothing else takes it.
    signal(SIGINT, SIG_IGN)
    let signals = DispatchSource.makeSignalSource(
      signal: SIGINT, queue: .global(qos: .userInteractive))
    source = Mutex(signals)
    source.withLock {
      $0.setEventHandler { [weak self] in self?.arrive() }
      $0.activate()
    }
  }

  deinit {
    source.withLock { $0.cancel() }
    signal(SIGINT, SIG_DFL)
  }

  var isRaised: Bool { count.load(ordering: .relaxed) > 0 }

  /// What the next C-c does; nil: it ends the program.
  func onInterrupt(_ action: (@Sendable () -> Void)?) {
    count.store(0, ordering: .relaxed)
    stop.withLock { $0 = action }
  }

  private func arrive() {
    let action = stop.withLock { $0 }
    let earlier = count.add(1, ordering: .relaxed).oldValue
    guard earlier == 0, let action else { exit(ExitStatus.interrupted.rawValue) }
    action()
  }
}
