import Foundation
import Inference
import Runtime

/// A folder that is removed with the object.
final class TemporaryFolder: Sendable {
  let path: String

  init() {
    path = NSTemporaryDirectory() + "paceline-test-" + UUID().uuidString
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var files: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }

  /// Writes a file and answers its path.
  func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
    let file = path + "/" + name
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }

  func write(_ name: String, lines: [String]) throws -> String {
    try write(name, lines.map { $0 + "\n" }.joined().utf8)
  }
}

func contents(of path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(fileURLWithPath: path)))
}

func lines(of path: String) throws -> [String] {
  String(decoding: try contents(of: path), as: UTF8.self).split(separator: "\n").map(String.init)
}

extension SessionHeader {
  static func sample(id: String = "") -> SessionHeader {
    SessionHeader(
      id: id, created: "2026-03-01T12:30:05.250Z", program: "paceline 0.1", modelName: "fake",
      modelPath: "/models/fake.gguf", modelHash: String(repeating: "ab", count: 32),
      contextLength: 1000, threads: 2, instructionSet: "scalar")
  }
}

/// A talk with one question, one answer of two tokens with a knob turned, and a second question.
func sampleRecords() -> [SessionRecord] {
  var hot = SamplerSettings()
  hot.temperature = 1.05
  hot.logitBias = [5: -.infinity, 7: 1.5]
  var provenance = Provenance(
    model: "fake", settings: SamplerSettings(), promptTokens: 8, reusedTokens: 2, tokens: 3,
    finish: .stop, promptSeconds: 0.25, generationSeconds: 0.5, timeToFirstToken: 0.375)
  provenance.changes = [KnobChange(tokenIndex: 2, settings: hot)]
  return [
    .system("be brief"),
    .message(message(0, nil, .user, "hello \"you\"\n\u{1B}[31m€😀")),
    .message(message(1, 0, .assistant, "")),
    .answerStarted(
      message: 1, settings: SamplerSettings(), promptTokens: 8, maximumTokens: 100,
      stopStrings: ["END"]),
    .answerTokens(message: 1, tokens: [104, 105], text: "hi"),
    .knobs(message: 1, change: KnobChange(tokenIndex: 2, settings: hot)),
    .answerTokens(message: 1, tokens: [33], text: "!"),
    .answerFinished(message: 1, provenance: provenance),
    .message(message(2, 1, .user, "and?")),
  ]
}

func message(_ id: Int, _ parent: Int?, _ role: ChatRole, _ text: String) -> ChatMessage {
  ChatMessage(id: id, parent: parent, role: role, text: text, time: 1_772_368_205.25)
}

/// Lets a writer's timer run when a test says so.
final class ManualTimer: @unchecked Sendable {
  // Sound: the lock guards every access.
  private let lock = NSLock()
  private var waiting: [@Sendable () -> Void] = []

  var count: Int { lock.withLock { waiting.count } }
  var start: SessionWriter.Timer {
    { [self] _, action in lock.withLock { waiting.append(action) } }
  }
  func fire() {
    let actions = lock.withLock {
      defer { waiting = [] }
      return waiting
    }
    for action in actions { action() }
  }
}

func mode(of path: String) throws -> Int {
  let attributes = try FileManager.default.attributesOfItem(atPath: path)
  return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
}

func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: path) }
