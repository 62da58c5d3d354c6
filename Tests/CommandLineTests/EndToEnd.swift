import Foundation
import TestSupport
import Testing

/// The built program as people meet it, answering with the default model.
///
/// One test at a time: each of them takes the whole processor.
@Suite(
  .serialized,
  .enabled(
    if: RealModel.smollm2.isAvailable, "needs the default model: run `paceline models get smollm2`")
)
struct EndToEnd {
  /// A question that takes more tokens to answer than any test waits for.
  static let question = "Tell me a long story about the sea."
}

/// Seconds that a test waits before it gives up: machines that test are small and busy.
let patience = 180

/// Folders of a test's own, in which the program finds nothing but the user's models.
final class Home {
  let scratch: Scratch
  let environment: [String: String]

  /// - Parameter models: the folder of the models; nil for that of the default model.
  init(models: String? = nil) throws {
    scratch = try Scratch()
    var environment = [
      "HOME": scratch.path("home"), "LC_ALL": "C.UTF-8", "INPUTRC": "/dev/null",
      "SWIFT_BACKTRACE": "enable=no",
    ]
    for name in ["config", "data", "state", "cache"] {
      environment["XDG_\(name.uppercased())_HOME"] = scratch.path(name)
    }
    let file = RealModel.smollm2.path as NSString?
    environment["PACELINE_MODELS"] = models ?? file?.deletingLastPathComponent ?? scratch.folder
    let outer = ProcessInfo.processInfo.environment
    environment["PACELINE_ASSETS"] = Program.root + "/assets"
    environment["PATH"] = outer["PATH"] ?? "/usr/bin:/bin"
    environment["LD_LIBRARY_PATH"] = outer["LD_LIBRARY_PATH"] ?? ""
    self.environment = environment
  }

  var program: Program { Program(environment: environment) }

  /// The playground on a terminal that the test holds.
  func playground(
    _ arguments: [String] = [], columns: Int = 80, rows: Int = 24
  ) throws -> Pty {
    try Pty(
      [Program.path] + arguments,
      environment: environment.merging(["TERM": "xterm-256color"]) { $1 }, size: (columns, rows))
  }

  /// The only session that was saved.
  func session() throws -> SavedSession {
    let folder = scratch.path("data/paceline/sessions")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
    try #require(files.count == 1, "\(files)")
    return try SavedSession(folder + "/" + files[0])
  }
}

/// A session file as any other program would read it.
struct SavedSession {
  let path: String
  let records: [[String: Any]]

  /// - Throws: where a line is no JSON object, or the last one is torn.
  init(_ path: String) throws {
    self.path = path
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try #require(text.hasSuffix("\n"))
    records = try text.split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
  }

  var id: String { ((path as NSString).lastPathComponent as NSString).deletingPathExtension }

  func records(_ type: String) -> [[String: Any]] {
    records.filter { $0["type"] as? String == type }
  }

  /// All tokens and their text, as far as they were written.
  var tokens: [Int] { records("tokens").flatMap { $0["ids"] as? [Int] ?? [] } }
  var answer: String { records("tokens").compactMap { $0["text"] as? String }.joined() }

  /// The last word of plain letters, to be found on a screen.
  var lastWord: String {
    answer.split { !($0.isLetter && $0.isASCII) }.last.map(String.init) ?? ""
  }
}

/// What a screen tells of the answer that is being made.
enum Shown {
  /// The count of tokens that the answer's header shows.
  static func tokens(_ screen: String) -> Int? {
    screen.firstMatch(of: /generating .* (\d+) tok\b/).flatMap { Int($0.output.1) }
  }

  /// Positions of the context in use, which the first line always shows.
  static func context(_ screen: String) -> Int? {
    screen.firstMatch(of: /ctx (\d+)\//).flatMap { Int($0.output.1) }
  }

  /// What the line under a finished answer tells.
  static func provenance(_ screen: String) -> (tokens: Int, speed: Double)? {
    guard let match = screen.firstMatch(of: /seed \d+\s+(\d+) tok\s+([\d.]+) t\/s/),
      let tokens = Int(match.output.1), let speed = Double(match.output.2)
    else { return nil }
    return (tokens, speed)
  }
}

extension Pty {
  /// Waits until the model is loaded, asks, and waits for the first tokens.
  func ask(_ question: String, maximumTokens: Int) throws {
    try wait(for: "ready", seconds: patience)
    try send("/max-tokens \(maximumTokens)\r")
    // Greedily the default model tells this story in circles, so that it outlasts any test.
    try send("/temp 0\r")
    try send(question + "\r")
    try wait("the first tokens", seconds: patience) { (Shown.tokens($0.model.text) ?? 0) > 8 }
  }

  /// Leaves the playground; returns the wait status.
  func quit() throws -> Int32 {
    try send("\u{04}")
    return try waitForExit(seconds: patience)
  }
}
