import CTerminal
import Glibc

/// Puts the terminal back as it was on every way out: return, signal, crash.
///
/// The work is done by C handlers that touch only memory prepared here. A signal that asks the
/// programme to end restores and then kills it by that signal, so that its parent sees the truth.
package enum TerminalGuard {
  /// Things that happened outside the programme.
  package struct Events: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let resized = Events(rawValue: 1)
    package static let continued = Events(rawValue: 2)

    /// Another process sent SIGTSTP; the answer is `Screen.suspend`.
    package static let stopRequested = Events(rawValue: 4)

    /// SIGTERM, SIGHUP, SIGINT or SIGQUIT came; the answer is to save and call `die`.
    package static let terminationRequested = Events(rawValue: 8)
  }

  /// Installs the handlers; returns the descriptor that becomes readable at an event.
  ///
  /// - Parameter graceSeconds: how long the programme may take to save its work after a request to
  ///   end, until it is ended as it stands. With 0 it is ended at once; a second request always is.
  @discardableResult
  package static func install(graceSeconds: Int = 0) -> Int32 {
    ct_install(UInt32(max(0, min(60, graceSeconds))))
  }

  /// Gives the signals back to whoever had them before.
  package static func uninstall() {
    ct_uninstall()
  }

  /// Gives the calling thread a stack for the crash handler, so that even its overflow restores.
  package static func prepareThread() {
    _ = ct_prepare_thread()
  }

  /// What the one-line message after a crash says was going on; callable from any thread.
  ///
  /// Cheap enough for each phase of the engine, not for each row.
  package static func note(_ text: String) {
    unsafe text.withCString { unsafe ct_set_note($0) }
  }

  /// The events since the last call.
  package static func takeEvents() -> Events {
    Events(rawValue: ct_take_events())
  }

  /// The signal that asked the programme to end; nil if none did.
  package static var terminationSignal: Int32? {
    let signal = ct_termination_signal()
    return signal > 0 ? signal : nil
  }

  /// Restores the terminal and ends by the signal that asked for it, or by `signal`.
  package static func die(by signal: Int32 = SIGTERM) -> Never {
    ct_die(terminationSignal ?? signal)
  }

  /// Restores the terminal now, if anything is to restore.
  package static func restore() {
    ct_restore()
  }

  /// Sets what `restore` does.
  static func arm(descriptor: Int32, modes: termios, bytes: [UInt8]) {
    // Sound: both are copied before the call returns.
    var modes = modes
    unsafe bytes.withUnsafeBufferPointer {
      unsafe ct_arm(descriptor, &modes, $0.baseAddress, $0.count)
    }
  }

  static func disarm() {
    ct_disarm()
  }
}
