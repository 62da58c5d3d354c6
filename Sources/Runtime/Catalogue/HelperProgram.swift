import Foundation
import Inference

/// A program of the system that does a piece of work, such as pip.
struct HelperProgram {
  var environment: [String: String]
  /// Asked ten times a second; true ends the program.
  var isCancelled: () -> Bool
  /// Called ten times a second while a program runs.
  var whileRunning: () -> Void = {}

  struct Result {
    var status: Int32
    var output: String
    var errors: String
  }

  /// Runs `command` through the search path and waits for its end.
  ///
  /// Output goes through files in `folder`, so that no pipe can fill up.
  ///
  /// - Throws: `cancelled`, or `environment` where the program could not be started.
  func run(_ command: [String], in folder: String) throws(InferenceError) -> Result {
    let output = folder + "/helper-output"
    let errors = folder + "/helper-errors"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    do {
      for path in [output, errors] {
        guard FileManager.default.createFile(atPath: path, contents: nil) else {
          throw InferenceError(.environment, "cannot write in \(folder)")
        }
      }
      process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
      process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
      try process.run()
    } catch let error as InferenceError {
      throw error
    } catch {
      throw InferenceError(.environment, "cannot start \(command.first ?? "a program"): \(error)")
    }
    while process.isRunning {
      if isCancelled() {
        end(process)
        throw InferenceError(.cancelled, "stopped")
      }
      whileRunning()
      Thread.sleep(forTimeInterval: 0.1)
    }
    process.waitUntilExit()
    // A program that a signal ended, as by a C-c that reached it too, was cancelled as well.
    if isCancelled() { throw InferenceError(.cancelled, "stopped") }
    return Result(status: process.terminationStatus, output: text(output), errors: text(errors))
  }

  /// Asks the program to end, and makes it where it does not within two seconds.
  private func end(_ process: Process) {
    process.terminate()
    for _ in 0..<40 where process.isRunning { Thread.sleep(forTimeInterval: 0.05) }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
  }

  private func text(_ path: String) -> String {
    guard let data = FileManager.default.contents(atPath: path) else { return "" }
    return String(decoding: data.suffix(8192), as: UTF8.self)
  }
}
