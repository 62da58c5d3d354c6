import Glibc
import TestSupport

/// Starts the probe programme on a pseudo-terminal.
enum ProbeRun {
  /// The folder that holds the built products.
  static let products: String = {
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
    return bundle.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
  }()

  static var program: String { products + "/terminal-probe" }

  static func environment(_ changes: [String: String] = [:]) -> [String: String] {
    var result = [
      "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin",
      "HOME": "/nonexistent",
      "INPUTRC": "/dev/null", "SWIFT_BACKTRACE": "enable=no",
    ]
    for (key, value) in changes { result[key] = value.isEmpty ? nil : value }
    return result
  }

  static func start(
    _ arguments: [String] = [], _ changes: [String: String] = [:],
    size: (columns: Int, rows: Int) = (80, 24)
  ) throws -> Pty {
    try Pty([program] + arguments, environment: environment(changes), size: size)
  }

  /// Starts it and waits for the first frame.
  static func open(
    _ arguments: [String] = [], _ changes: [String: String] = [:],
    size: (columns: Int, rows: Int) = (80, 24)
  ) throws -> Pty {
    let pty = try start(arguments, changes, size: size)
    try pty.wait(for: "probe \(size.columns)x\(size.rows)")
    return pty
  }
}

/// A folder that is removed with its last reference.
final class TemporaryFolder {
  let path: String

  init() throws {
    var template = Array("/tmp/paceline-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw PtyError("no temporary folder") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    if let folder = opendir(path) {
      while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        unlink(path + "/" + name)
      }
      closedir(folder)
    }
    rmdir(path)
  }

  func file(_ name: String) -> String { path + "/" + name }

  func write(_ text: String, to name: String) throws {
    guard let file = fopen(file(name), "w") else { throw PtyError("cannot write \(name)") }
    fputs(text, file)
    fclose(file)
  }

  /// The bytes of a file; empty when it is missing.
  func read(_ name: String) -> [UInt8] {
    guard let file = fopen(file(name), "r") else { return [] }
    defer { fclose(file) }
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      guard count > 0 else { return result }
      result += buffer[..<count]
    }
  }

  /// The lines that the probe was sent.
  func sentLines(_ name: String = "log") -> [String] {
    read(name).split(separator: 0).map {
      let text = String(decoding: $0, as: UTF8.self)
      return text.firstIndex(of: ":").map { String(text[text.index(after: $0)...]) } ?? text
    }
  }
}
