import Inference

/// Reads session files back, and trusts nothing in them.
package struct SessionReader {
  /// Problems beyond this many are only counted.
  private static let problemLimit = 100

  private var file: SessionFile
  private let path: String
  private var problemCount = 0

  /// - Throws: `environment` where the file cannot be read, `invalidRequest` where it does not begin with a session's
  ///   header or was made by a newer program. Later lines that cannot be read are among the `problems`.
  package static func read(_ path: String) throws(InferenceError) -> SessionFile {
    var lines = LineReader(try SystemFile(path, .read))
    var reader = try SessionReader(path: path, first: try lines.next())
    var torn: LineReader.Line?
    while let line = try lines.next() {
      if line.bytes.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }),
        line.length == line.bytes.count
      {
        continue
      }
      torn = reader.take(line, after: torn)
    }
    if let torn { reader.settle(torn, isTail: !torn.isComplete) }
    reader.finish()
    return reader.file
  }

  private init(path: String, first: LineReader.Line?) throws(InferenceError) {
    self.path = path
    guard let first else {
      throw InferenceError(.invalidRequest, "\(path) is empty: not a session")
    }
    let record: SessionRecord?
    do throws(SessionLineError) {
      record = try SessionRecord.parse(first.bytes)
    } catch {
      throw InferenceError(.invalidRequest, "\(path) line 1: \(error.reason)")
    }
    guard case .header(let header) = record else {
      throw InferenceError(.invalidRequest, "\(path) line 1: not the header of a session")
    }
    guard header.format == 1 else {
      throw InferenceError(
        .invalidRequest,
        "\(path) line 1: format \(header.format) is not one that this program reads")
    }
    file = SessionFile(
      path: path, header: header, conversation: Conversation(), model: header.model)
  }

  // MARK: Lines

  /// Takes a line in.
  ///
  /// - Parameter torn: the line before, where it could not be read.
  /// - Returns: the line itself where it cannot be read: the one after it tells whether that is a problem.
  private mutating func take(
    _ line: LineReader.Line, after torn: LineReader.Line?
  ) -> LineReader.Line? {
    let record: SessionRecord?
    do throws(SessionLineError) {
      record = try SessionRecord.parse(line.bytes)
    } catch {
      if let torn { settle(torn, isTail: false) }
      return line
    }
    if let torn { settle(torn, isTail: record == .resumed(tornBytes: torn.length)) }
    guard let record else {
      file.notes.append("line \(line.number) is of a kind that this program does not know")
      return nil
    }
    if let reason = apply(record) { add(problem: reason, line: line.number) }
    return nil
  }

  /// Tells of a line that could not be read: a torn tail is only worth a note.
  private mutating func settle(_ line: LineReader.Line, isTail: Bool) {
    if isTail {
      file.notes.append(
        "line \(line.number) was torn in writing; its \(line.length) bytes are left out")
    } else if line.length > line.bytes.count {
      add(problem: "longer than \(LineReader.longestLine) bytes", line: line.number)
    } else {
      do throws(SessionLineError) {
        _ = try SessionRecord.parse(line.bytes)
      } catch {
        add(problem: error.reason, line: line.number)
      }
    }
  }

  private mutating func add(problem: String, line: Int) {
    problemCount += 1
    guard problemCount <= Self.problemLimit else { return }
    file.problems.append(InferenceError(.environment, "\(path) line \(line): \(problem)"))
  }

  private mutating func finish() {
    if problemCount > Self.problemLimit {
      file.problems.append(
        InferenceError(
          .environment, "\(path): \(problemCount - Self.problemLimit) more lines cannot be read"))
    }
  }

  // MARK: Records

  /// - Returns: why the record makes no sense here; nil where it does.
  private mutating func apply(_ record: SessionRecord) -> String? {
    switch record {
    case .header: return "a second header"
    case .resumed: return nil
    case .title(let title): file.title = title
    case .system(let text): file.conversation.system = text
    case .model(let model):
      note(model)
    case .message(let message): return apply(message)
    case .head(let id):
      if let id, file.conversation[id] == nil { return "there is no message \(id)" }
      file.conversation.show(id)
    case .race(let result, _): file.races.append(result)
    case .answerStarted(
      let id, let settings, let prompt, let maximum, let stops, let source, let methods):
      guard let message = answer(id) else { return "message \(id) is no answer" }
      let turns = file.conversation.turns(to: message.text.isEmpty ? message.parent : id)
      file.answers.append(
        RecordedAnswer(
          message: id, model: file.model, turns: turns, source: source, settings: settings,
          promptTokens: prompt, maximumTokens: maximum, stopStrings: stops, methods: methods))
    case .answerTokens(let id, let tokens, let text):
      guard let index = openAnswer(of: id) else { return "message \(id) has no answer begun" }
      file.answers[index].tokens += tokens
      file.answers[index].text += text
      file.conversation.appendText(text, tokens: tokens, to: id)
    case .knobs(let id, let change):
      guard let index = openAnswer(of: id) else { return "message \(id) has no answer begun" }
      file.answers[index].changes.append(change)
    case .answerFinished(let id, let provenance):
      guard let index = openAnswer(of: id) else { return "message \(id) has no answer begun" }
      file.answers[index].provenance = provenance
      // The engine's own account of the knobs is exact, whenever the lines came.
      file.answers[index].changes = provenance.changes
      file.conversation.setProvenance(provenance, of: id)
      if provenance.tokens != file.answers[index].tokens.count {
        return "\(provenance.tokens) tokens were counted, "
          + "\(file.answers[index].tokens.count) stand above"
      }
    }
    return nil
  }

  /// The hash of a model becomes known some time after it began to answer.
  private mutating func note(_ model: ModelReference) {
    if model.path == file.header.modelPath, file.header.modelHash.isEmpty {
      file.header.modelHash = model.hash
    }
    for index in file.answers.indices
    where file.answers[index].model.path == model.path && file.answers[index].model.hash.isEmpty {
      file.answers[index].model.hash = model.hash
    }
    file.model = model
  }

  private mutating func apply(_ message: ChatMessage) -> String? {
    let expected = file.conversation.messages.count
    guard message.id == expected else {
      return "message \(message.id) comes where \(expected) should"
    }
    if let parent = message.parent, file.conversation[parent] == nil {
      return "there is no message \(parent) for it to follow"
    }
    let id = file.conversation.append(
      message.role, message.text, after: message.parent, time: message.time)
    file.conversation.appendText("", tokens: message.tokens, to: id)
    if let provenance = message.provenance { file.conversation.setProvenance(provenance, of: id) }
    return nil
  }

  private func answer(_ id: MessageID) -> ChatMessage? {
    file.conversation[id].flatMap { $0.role == .assistant ? $0 : nil }
  }

  /// The answer of a message that is being told: the last one begun and not finished.
  private func openAnswer(of id: MessageID) -> Int? {
    guard let index = file.answers.lastIndex(where: { $0.message == id }),
      file.answers[index].provenance == nil
    else { return nil }
    return index
  }
}
