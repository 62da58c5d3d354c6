import Foundation
import Glibc

/// Processor time that Linux has booked, in seconds.
enum ProcessorTime {
  private static let ticksPerSecond = 100.0

  /// Of all programs and the kernel, and what the hypervisor took.
  static func machine() -> Double {
    guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8) else { return 0 }
    let numbers = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst().compactMap {
      Double($0)
    }
    guard numbers.count >= 8 else { return 0 }
    return (numbers[0] + numbers[1] + numbers[2] + numbers[7]) / ticksPerSecond
  }

  /// Of one process.
  static func process(_ identifier: Int32) -> Double {
    guard let text = try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8),
      let end = text.lastIndex(of: ")")
    else { return 0 }
    // The name may hold anything, so fields are counted from behind it: the state is the third one.
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 12 else { return 0 }
    return fields[11...12].compactMap { Double($0) }.reduce(0, +) / ticksPerSecond
  }

  /// Milliseconds that the calling thread was ready but had no processor, as the kernel accounts for them.
  static func delay() -> Double {
    guard let text = try? String(contentsOfFile: "/proc/thread-self/schedstat", encoding: .utf8)
    else { return 0 }
    let numbers = text.split(separator: " ").compactMap { Double($0) }
    return numbers.count > 1 ? numbers[1] / 1e6 : 0
  }

  /// Puts the calling thread before all others, so that it adds no delay of its own to what it measures.
  ///
  /// Processes that it starts have the usual priority.
  ///
  /// - Returns: false where that is not permitted.
  static func takePrecedence() -> Bool {
    // SCHED_RESET_ON_FORK, which Swift's module leaves out.
    let resetOnFork: Int32 = 0x4000_0000
    var parameters = sched_param()
    parameters.sched_priority = 1
    return sched_setscheduler(0, SCHED_FIFO | resetOnFork, &parameters) == 0
  }
}
