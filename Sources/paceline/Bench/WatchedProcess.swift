import Foundation
import Inference
import Runtime

/// Runs programs in fresh processes and measures them from outside, every program in the same way.
struct WatchedProcess {
  var program: String
  var arguments: [String]
  /// Variables put over this process's own.
  var environment: [String: String] = [:]
  /// Seconds after which it is ended.
  var limit = 600

  /// The command line, as it could be typed.
  var line: String {
    ([(program as NSString).lastPathComponent] + arguments)
      .map { $0.contains { " \n'\"".contains($0) } ? "'\($0)'" : $0 }.joined(separator: " ")
  }

  /// Runs it to its end and gives its standard output and standard error.
  ///
  /// - Throws: `environment` where it fails.
  func output(_ interruption: Interruption) throws(InferenceError) -> (String, String) {
    let ending = try run(interruption)
    return (
      String(decoding: ending.output, as: UTF8.self), String(decoding: ending.errors, as: UTF8.self)
    )
  }

  /// Milliseconds from the process's start to its first output.
  func millisecondsToFirstOutput(
    _ interruption: Interruption
  ) throws(InferenceError) -> Double {
    let ending = try run(interruption)
    guard let first = ending.firstOutput else {
      throw InferenceError(.environment, "\(line) printed nothing")
    }
    return Double(first - ending.started) / 1e6
  }

  /// Peak memory in mebibytes, sampled every three milliseconds.
  func peakMemory(_ interruption: Interruption) throws(InferenceError) -> MemoryPeak {
    var peak = MemoryPeak()
    _ = try run(interruption, interval: 3) { process in
      // Mostly gone when it has just ended.
      let path = "/proc/\(process)/status"
      guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return }
      peak.take(status: text)
    }
    guard peak.resident > 0 else {
      throw InferenceError(.environment, "\(line) ended before its memory was seen")
    }
    return peak
  }

  private func run(
    _ interruption: Interruption, interval: Int32 = 100, whileRunning: (pid_t) -> Void = { _ in }
  ) throws(InferenceError) -> ChildProcess.Ending {
    let variables =
      environment.isEmpty
      ? nil : ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let deadline = monotonicNanoseconds() + UInt64(max(limit, 1)) * 1_000_000_000
    let ending: ChildProcess.Ending
    do throws(InferenceError) {
      ending = try ChildProcess.run(
        program, arguments, environment: variables, interval: interval,
        isCancelled: { interruption.isRaised || monotonicNanoseconds() > deadline },
        whileRunning: whileRunning)
    } catch {
      guard error.code == .cancelled, !interruption.isRaised else { throw error }
      throw InferenceError(.environment, "\(line) took longer than \(limit) seconds")
    }
    guard ending.status == 0 else {
      let last = String(decoding: ending.errors, as: UTF8.self).split(separator: "\n").last ?? ""
      throw InferenceError(.environment, "\(line) ended with status \(ending.status): \(last)")
    }
    return ending
  }
}

/// The most memory that a process had, in mebibytes.
package struct MemoryPeak: Equatable, Sendable {
  /// All of it, mapped files included (`VmHWM`).
  package var resident = 0.0
  /// What no other process can share (`RssAnon`).
  package var privately = 0.0

  package init() {}

  /// Takes in the text of `/proc/PID/status`.
  package mutating func take(status: String) {
    for line in status.split(separator: "\n") {
      let words = line.split(whereSeparator: { " \t".contains($0) })
      guard words.count >= 2, let kibibytes = Double(words[1]) else { continue }
      switch words[0] {
      case "VmHWM:": resident = max(resident, kibibytes / 1024)
      case "RssAnon:": privately = max(privately, kibibytes / 1024)
      default: break
      }
    }
  }
}
