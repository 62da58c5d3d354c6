import Synchronization

/// The one queue into the interface: any thread posts, the event loop drains.
package final class Mailbox: Sendable {
  private let actions = Mutex<[Action]>([])
  private let wake: @Sendable () -> Void

  /// - Parameter wake: ends the event loop's wait.
  package init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

  package func post(_ action: Action) {
    actions.withLock { $0.append(action) }
    wake()
  }

  /// Everything posted so far, oldest first.
  package func drain() -> [Action] {
    actions.withLock { actions in
      defer { actions = [] }
      return actions
    }
  }
}
