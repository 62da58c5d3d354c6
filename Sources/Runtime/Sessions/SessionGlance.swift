import Inference

/// What the two ends of a session file tell, without reading it all.
struct SessionGlance {
  private static let endBytes = 64 << 10
  private static let titleLength = 60

  private let path: String
  private let file: SystemFile
  private var header: SessionHeader?
  private var title: String?
  private var firstWords: String?
  private var lastMessage: MessageID?

  /// - Throws: `environment` where the file is no session.
  init(_ path: String) throws(InferenceError) {
    self.path = path
    file = try SystemFile(path, .read)
    let size = file.byteCount
    let head = try file.read(at: 0, count: min(size, 2 * Self.endBytes))
    take(head, isWhole: size == head.count, skipsFirst: false)
    if size > head.count {
      let tail = min(size - head.count, Self.endBytes)
      take(try file.read(at: size - tail, count: tail), isWhole: true, skipsFirst: true)
    }
    guard header != nil else {
      throw InferenceError(.environment, "\(path) line 1: not the header of a session")
    }
  }

  func entry(id: String) -> SessionStore.Entry {
    SessionStore.Entry(
      id: id, path: path, title: title ?? firstWords ?? "", model: header?.modelName ?? "",
      modified: file.modified, byteCount: file.byteCount, messages: lastMessage.map { $0 + 1 },
      forkedFrom: header?.forkedFrom)
  }

  private mutating func take(_ bytes: [UInt8], isWhole: Bool, skipsFirst: Bool) {
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)[...]
    if skipsFirst { lines = lines.dropFirst() }
    if !isWhole { lines = lines.dropLast() }
    for line in lines {
      guard Self.interesting.contains(where: { line.starts(with: $0) }),
        let record = try? SessionRecord.parse(Array(line))
      else { continue }
      switch record {
      case .header(let found): header = header ?? found
      case .title(let text): title = text
      // Ids count up from 0, but nothing here has checked that.
      case .message(let message) where (0..<1 << 32).contains(message.id):
        lastMessage = max(lastMessage ?? 0, message.id)
        if firstWords == nil, message.role == .user { firstWords = Self.words(message.text) }
      default: break
      }
    }
  }

  /// How the lines that tell something begin; the many others are not worth parsing.
  private static let interesting = ["session", "message", "title"].map {
    Array("{\"type\":\"\($0)\"".utf8)
  }

  /// The beginning of a text, as whole words on one line.
  private static func words(_ text: String) -> String {
    var result = ""
    for word in text.prefix(4 * titleLength).split(whereSeparator: \.isWhitespace) {
      if !result.isEmpty, result.count + 1 + word.count > titleLength { return result + "…" }
      result += (result.isEmpty ? "" : " ") + word.prefix(titleLength)
    }
    return result
  }
}
