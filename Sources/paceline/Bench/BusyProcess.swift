import Compute
import Foundation
import Inference
import Runtime

/// Another process that does nothing but keep one processor busy.
///
/// It looks now and then whether its parent is still there, so that none is left behind.
final class BusyProcess: Sendable {
  private static let program = """
    while kill -0 "$1" 2>/dev/null; do i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; done
    """
  private let stopping = CancellationFlag()
  private let hasEnded = DispatchSemaphore(value: 0)

  init() {
    let (stopping, hasEnded) = (stopping, hasEnded)
    Thread.detachNewThread {
      // Ended by `stop`, which is an error to the runner. Where it cannot be started the figure is that of a
      // quiet machine, which the row's ratio shows.
      _ = try? ChildProcess.run(
        "/bin/sh", ["-c", Self.program, "busy", "\(ProcessInfo.processInfo.processIdentifier)"],
        interval: 10, isCancelled: { stopping.isRaised })
      hasEnded.signal()
    }
  }

  /// Ends it and waits until it has.
  func stop() {
    stopping.raise()
    hasEnded.wait()
  }
}
