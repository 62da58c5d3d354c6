import Foundation
import Glibc

/// Processes that do nothing but use processor time.
final class BusyProcesses {
  /// The first argument of such a process.
  static let word = "burn"

  private var processes: [Process] = []

  init(_ count: Int) throws {
    let path = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    for _ in 0..<count {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: path)
      process.arguments = [Self.word, "\(getpid())"]
      try process.run()
      processes.append(process)
    }
  }

  var identifiers: [pid_t] { processes.map(\.processIdentifier) }

  func stop() {
    for process in processes {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    processes = []
  }

  deinit { stop() }

  /// What such a process does, for as long as the process that started it lives.
  static func burn(for parent: pid_t) -> Never {
    var state: UInt64 = 1
    while getppid() == parent, state != 0 {
      for _ in 0..<10_000_000 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      }
      // An odd multiplier and increment may reach 0 once in the generator's period.
      if state == 0 { state = 1 }
    }
    exit(0)
  }
}
