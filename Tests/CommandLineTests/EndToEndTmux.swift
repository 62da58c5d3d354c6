import Foundation
import TestSupport

/// A tmux server of the test's own with one window, in which the program runs.
final class Tmux {
  /// The tmux of this machine, or nil.
  static let path: String? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { $0 + "/tmux" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  struct Failure: Error, CustomStringConvertible { let description: String }

  private let server = "paceline-\(UUID().uuidString)"
  private let program: Program
  private let status: String

  init(_ home: Home, arguments: [String] = [], columns: Int, rows: Int) throws {
    program = Program(
      environment: home.environment.merging(["TERM": "xterm-256color"]) { $1 })
    status = home.scratch.path("status")
    let words = ([Program.path] + arguments).map { "'\($0)'" }.joined(separator: " ")
    // The file appears with its content.
    let line = "\(words); echo $? > '\(status).new'; mv '\(status).new' '\(status)'"
    // On a terminal, since a server that started as a plain child would inherit the test's blocked signals and pass
    // them on to the program.
    let start = try Pty(
      [
        Self.path ?? "tmux", "-u", "-L", server, "-f", "/dev/null", "new-session", "-d", "-s",
        "test", "-x", "\(columns)", "-y", "\(rows)", line, ";", "set-option", "-g", "status", "off",
        ";", "set-option", "-s", "escape-time", "0",
      ], environment: program.environment)
    let code = try start.waitForExit(seconds: patience)
    guard code == 0 else { throw Failure(description: "tmux: \(start.outputText)") }
    try resize(columns: columns, rows: rows)
  }

  deinit { _ = try? run(["kill-server"]) }

  @discardableResult
  private func run(_ arguments: [String]) throws -> String {
    let running = try program.start(
      [Self.path ?? "tmux", "-u", "-L", server] + arguments, input: Data())
    let result = try program.finish(running)
    guard result.status == 0 else {
      throw Failure(description: "tmux \(arguments): \(result.errors)")
    }
    return result.output
  }

  func screen() throws -> String { try run(["capture-pane", "-p", "-t", "test"]) }

  func type(_ text: String) throws { try run(["send-keys", "-t", "test", "-l", text]) }

  func press(_ keys: String...) throws { try run(["send-keys", "-t", "test"] + keys) }

  func resize(columns: Int, rows: Int) throws {
    try run(["resize-window", "-t", "test", "-x", "\(columns)", "-y", "\(rows)"])
  }

  /// Looks at the screen until it is as wanted, and returns it.
  @discardableResult
  func wait(_ what: String, until condition: (String) -> Bool) throws -> String {
    let end = ContinuousClock.now + .seconds(patience)
    while true {
      let screen = try screen()
      if condition(screen) { return screen }
      guard .now < end else {
        throw Failure(description: "waited in vain for \(what); screen:\n\(screen)")
      }
      usleep(20_000)
    }
  }

  /// Waits for the program to end; returns its exit status.
  func waitForExit() throws -> Int? {
    let end = ContinuousClock.now + .seconds(patience)
    while .now < end {
      if let text = try? String(contentsOfFile: status, encoding: .utf8) {
        return Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
      }
      usleep(20_000)
    }
    throw Failure(description: "still runs:\n\((try? screen()) ?? "")")
  }
}
