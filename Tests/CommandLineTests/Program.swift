import Foundation

/// The built program, run as a shell would run it.
struct Program {
  /// Variables set for the run; all others are those that a bare login would have.
  var environment: [String: String] = [:]
  /// Working folder; nil for the one of the tests.
  var folder: String?

  struct Result {
    /// As a shell tells it: 128 and the signal's number where a signal ended the program.
    var status: Int32
    var output: String
    var errors: String
  }

  /// Beside the tests: both come from one build.
  static let path: String = {
    if let named = ProcessInfo.processInfo.environment["PACELINE_PROGRAM"] { return named }
    let tests = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return ((tests ?? "") as NSString).deletingLastPathComponent + "/paceline"
  }()

  /// The repository's root.
  static let root: String = {
    var folder = #filePath
    for _ in 0..<3 { folder = (folder as NSString).deletingLastPathComponent }
    return folder
  }()

  /// Runs the program to its end.
  func run(_ arguments: [String], input: String = "") throws -> Result {
    try finish(start([Self.path] + arguments, input: Data(input.utf8)))
  }

  func run(_ arguments: [String], bytes: [UInt8]) throws -> Result {
    try finish(start([Self.path] + arguments, input: Data(bytes)))
  }

  /// Runs a line of bash in which `$PACELINE` is the program.
  func shell(_ line: String) throws -> Result {
    try finish(start(["/bin/bash", "-c", line], input: Data()))
  }

  /// A run that has begun.
  struct Running {
    let process: Process
    let scratch: Scratch
  }

  func start(_ command: [String], input: Data) throws -> Running {
    let scratch = try Scratch()
    try input.write(to: URL(fileURLWithPath: scratch.path("stdin")))
    for name in ["stdout", "stderr"] {
      try Data().write(to: URL(fileURLWithPath: scratch.path(name)))
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    let outer = ProcessInfo.processInfo.environment
    var variables = [
      "PATH": outer["PATH"] ?? "/usr/bin:/bin", "HOME": scratch.path("home"), "PACELINE": Self.path,
      "LD_LIBRARY_PATH": outer["LD_LIBRARY_PATH"] ?? "",
    ]
    variables.merge(environment) { _, new in new }
    process.environment = variables
    process.standardInput = try FileHandle(
      forReadingFrom: URL(fileURLWithPath: scratch.path("stdin")))
    process.standardOutput = try FileHandle(
      forWritingTo: URL(fileURLWithPath: scratch.path("stdout")))
    process.standardError = try FileHandle(
      forWritingTo: URL(fileURLWithPath: scratch.path("stderr")))
    try process.run()
    return Running(process: process, scratch: scratch)
  }

  func finish(_ running: Running) throws -> Result {
    running.process.waitUntilExit()
    let status = running.process.terminationStatus
    return Result(
      status: running.process.terminationReason == .uncaughtSignal ? 128 + status : status,
      output: try running.scratch.text("stdout"), errors: try running.scratch.text("stderr"))
  }
}

/// A folder for one test, removed with the value.
final class Scratch {
  let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + "paceline-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func path(_ name: String) -> String { folder + "/" + name }

  func text(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path(name))), as: UTF8.self)
  }

  @discardableResult
  func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> String {
    let url = URL(fileURLWithPath: path(name))
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    return url.path
  }

  @discardableResult
  func write(_ text: String, to name: String) throws -> String {
    try write(Array(text.utf8), to: name)
  }

  /// All files and folders below, relative to the folder.
  var contents: [String] {
    (FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []).sorted()
  }
}
