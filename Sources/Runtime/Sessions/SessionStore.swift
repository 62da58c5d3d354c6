import FoundationEssentials
import Inference

/// The sessions of one folder, one file each.
package struct SessionStore: Sendable {
  /// What a list shows of a session.
  package struct Entry: Sendable, Equatable {
    package var id: String
    package var path: String
    /// The title given, or the first words of the first message.
    package var title: String
    package var model: String
    /// When it was last written to; seconds since 1970.
    package var modified: Double
    package var byteCount: Int
    /// Messages on all branches; nil where the end of the file does not tell.
    package var messages: Int?
    package var forkedFrom: String?
    /// Why it cannot be opened; nil where it looks well.
    package var problem: InferenceError?
  }

  private static let ending = ".jsonl"
  package let folder: String

  package init(folder: String) { self.folder = folder }

  /// Starts a session; its file comes with the first message of a person.
  package func newSession(_ header: SessionHeader) -> SessionWriter {
    SessionWriter(newIn: folder, header: header)
  }

  /// The file of a session that is named by its id, the beginning of it that no other has, or a path.
  ///
  /// - Throws: `invalidRequest` where none or several fit.
  package func path(of name: String) throws(InferenceError) -> String {
    if name.contains("/") || name.hasSuffix(Self.ending) { return name }
    let fitting = fileNames().filter { $0.hasPrefix(name) }
    if fitting.contains(name + Self.ending) { return "\(folder)/\(name)\(Self.ending)" }
    guard let only = fitting.first, !name.isEmpty else {
      throw InferenceError(.invalidRequest, "there is no session \(name) in \(folder)")
    }
    guard fitting.count == 1 else {
      throw InferenceError(.invalidRequest, "\(fitting.count) sessions begin with \(name)")
    }
    return folder + "/" + only
  }

  /// All sessions, the one last written to first.
  ///
  /// Of long files only the two ends are read.
  package func list() -> [Entry] {
    fileNames().map { name in
      let path = folder + "/" + name
      do throws(InferenceError) {
        return try SessionGlance(path).entry(id: String(name.dropLast(Self.ending.count)))
      } catch {
        return Entry(
          id: String(name.dropLast(Self.ending.count)), path: path, title: "", model: "",
          modified: (try? SystemFile(path, .read).modified) ?? 0, byteCount: 0, problem: error)
      }
    }
    .sorted { ($0.modified, $0.id) > ($1.modified, $1.id) }
  }

  /// Copies the branch that ends at a message into a file of its own, and answers its path.
  ///
  /// - Throws: `invalidRequest` where the session has no such message; `environment` where it cannot be written.
  package func fork(
    _ session: SessionFile, at message: MessageID, created: Double = Timestamp.now
  ) throws(InferenceError) -> String {
    guard session.conversation[message] != nil else {
      throw InferenceError(
        .invalidRequest, "session \(session.header.id) has no message \(message)")
    }
    let (file, id) = try Self.create(in: folder, preferredID: "")
    var header = session.header
    header.id = id
    header.created = Timestamp.text(created)
    header.forkedFrom = "\(session.header.id)#\(message)"
    var lines = SessionRecord.header(header).line + "\n"
    for record in session.records(to: message) { lines += record.line + "\n" }
    try file.append(Array(lines.utf8))
    try file.sync()
    return file.path
  }

  /// Makes a file that no other program has, locked for this one.
  static func create(
    in folder: String, preferredID: String
  ) throws(InferenceError) -> (file: SystemFile, id: String) {
    try SystemFile.makeFolder(folder)
    var id = preferredID.isEmpty ? newID() : preferredID
    for _ in 0..<100 {
      let path = "\(folder)/\(id)\(ending)"
      do throws(InferenceError) {
        let file = try SystemFile(path, .create)
        _ = file.lock()
        return (file, id)
      } catch {
        guard SystemFile.exists(path) else { throw error }
        id = newID()
      }
    }
    throw InferenceError(.environment, "no free name for a session in \(folder)")
  }

  /// The time, for people and for sorting, and a few letters against collisions.
  private static func newID() -> String {
    let time = Timestamp.text(Timestamp.now)
    let date = time.prefix(10)
    let clock = time.dropFirst(11).prefix(8).filter { $0 != ":" }
    let letters = Array("abcdefghjkmnpqrstuvwxyz23456789")
    let suffix = (0..<4).compactMap { _ in letters.randomElement() }
    return "\(date)-\(clock)-\(String(suffix))"
  }

  private func fileNames() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(Self.ending) && !$0.hasPrefix(".") }.sorted()
  }
}

extension SessionFile {
  /// The records that make the branch to `message` again, its messages numbered from 0.
  func records(to message: MessageID) -> [SessionRecord] {
    var records: [SessionRecord] = conversation.system.map { [.system($0)] } ?? []
    var current = header.model
    for (id, message) in conversation.path(to: message).enumerated() {
      let answers = answers.filter { $0.message == message.id }
      var copy = message
      copy.id = id
      copy.parent = id > 0 ? id - 1 : nil
      if !answers.isEmpty {
        // Answers tell their own text; what was there before them belongs to the message.
        let told = answers.reduce(0) { $0 + $1.text.utf8.count }
        copy.text = String(decoding: message.text.utf8.dropLast(told), as: UTF8.self)
        copy.tokens.removeLast(answers.reduce(0) { $0 + $1.tokens.count })
        copy.provenance = nil
      }
      records.append(.message(copy))
      for answer in answers {
        if answer.model != current { records.append(.model(answer.model)) }
        current = answer.model
        records += answer.records(as: id)
      }
    }
    return records
  }
}

extension RecordedAnswer {
  fileprivate func records(as id: MessageID) -> [SessionRecord] {
    var records: [SessionRecord] = [
      .answerStarted(
        message: id, settings: settings, promptTokens: promptTokens, maximumTokens: maximumTokens,
        stopStrings: stopStrings, source: source, methods: methods)
    ]
    records += changes.map { .knobs(message: id, change: $0) }
    if !tokens.isEmpty || !text.isEmpty {
      records.append(.answerTokens(message: id, tokens: tokens, text: text))
    }
    if let provenance { records.append(.answerFinished(message: id, provenance: provenance)) }
    return records
  }
}
