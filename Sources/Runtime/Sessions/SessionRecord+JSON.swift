import FoundationEssentials
import Inference

extension SessionRecord {
  /// The record as one line of JSON, without the line end.
  package var line: String {
    var object = JSONObject()
    switch self {
    case .header(let header): Self.add(header, to: &object)
    case .model(let model):
      object.add("type", "model")
      object.add("name", model.name)
      object.add("path", model.path)
      object.add("sha256", model.hash)
      object.add("context", model.contextLength)
    case .system(let text):
      object.add("type", "system")
      object.add("text", text)
    case .message(let message):
      object.add("type", "message")
      object.add("id", message.id)
      object.add("parent", message.parent)
      object.add("role", message.role.rawValue)
      object.add("text", message.text)
      object.add("time", Timestamp.text(message.time))
      if !message.tokens.isEmpty { object.add("ids", message.tokens) }
      if let provenance = message.provenance {
        object.add("made", Self.object(provenance))
      }
    case .answerStarted(
      let message, let settings, let prompt, let maximum, let stops, let source, let methods):
      object.add("type", "answer")
      object.add("message", message)
      object.add("promptTokens", prompt)
      object.add("maxTokens", maximum)
      if !stops.isEmpty { object.add("stop", stops) }
      if let source { Self.add(source, to: &object) }
      if !methods.isPlain { object.add("methods", json: Self.json(methods)) }
      object.add("settings", SettingsFields.object(settings))
    case .answerTokens(let message, let tokens, let text):
      object.add("type", "tokens")
      object.add("message", message)
      object.add("text", text)
      object.add("ids", tokens)
    case .knobs(let message, let change):
      object.add("type", "knobs")
      object.add("message", message)
      object.add("at", change.tokenIndex)
      object.add("settings", SettingsFields.object(change.settings))
    case .answerFinished(let message, let provenance):
      object.add("type", "done")
      object.add("message", message)
      object.add("made", Self.object(provenance))
    case .race(let result, let prompt):
      object.add("type", "race")
      Self.add(prompt, to: &object)
      object.add("result", json: Self.json(result))
    case .head(let message):
      object.add("type", "head")
      object.add("message", message)
    case .title(let title):
      object.add("type", "title")
      object.add("text", title)
    case .resumed(let tornBytes):
      object.add("type", "resumed")
      object.add("tornBytes", tornBytes)
    }
    return object.text
  }

  private static func add(_ header: SessionHeader, to object: inout JSONObject) {
    object.add("type", "session")
    object.add("format", header.format)
    object.add("id", header.id)
    object.add("created", header.created)
    object.add("program", header.program)
    object.add("model", header.modelName)
    object.add("path", header.modelPath)
    object.add("sha256", header.modelHash)
    object.add("context", header.contextLength)
    object.add("threads", header.threads)
    object.add("isa", header.instructionSet)
    if let origin = header.forkedFrom { object.add("forkedFrom", origin) }
  }

  private static func add(_ source: PromptSource, to object: inout JSONObject) {
    switch source {
    case .raw(let text, let parsesSpecial):
      object.add("raw", text)
      object.add("parsesSpecial", json: parsesSpecial ? "true" : "false")
    case .chat(let turns):
      object.add(
        "turns",
        turns.map { turn in
          var entry = JSONObject()
          entry.add("role", turn.role.rawValue)
          entry.add("text", turn.text)
          if !turn.tokens.isEmpty { entry.add("ids", turn.tokens) }
          return entry
        })
    }
  }

  private static func object(_ provenance: Provenance) -> JSONObject {
    var object = JSONObject()
    object.add("finish", provenance.finish.rawValue)
    object.add("tokens", provenance.tokens)
    object.add("promptTokens", provenance.promptTokens)
    object.add("reusedTokens", provenance.reusedTokens)
    object.add("promptSeconds", provenance.promptSeconds)
    object.add("generationSeconds", provenance.generationSeconds)
    object.add("firstTokenSeconds", provenance.timeToFirstToken)
    object.add("model", provenance.model)
    if !provenance.methods.isPlain {
      object.add("methods", json: json(provenance.methods))
      object.add("passes", provenance.passes)
    }
    object.add("settings", SettingsFields.object(provenance.settings))
    object.add(
      "changes",
      provenance.changes.map { change in
        var entry = JSONObject()
        entry.add("at", change.tokenIndex)
        entry.add("settings", SettingsFields.object(change.settings))
        return entry
      })
    return object
  }

  /// Values whose JSON is nobody else's business; nil, and so `null`, where a number has no JSON.
  private static func json(_ value: some Encodable) -> String? {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Reads a line back.
  ///
  /// - Returns: nil for a type of record that this program does not know.
  /// - Throws: what is wrong with the line, in words.
  package static func parse(_ line: [UInt8]) throws(SessionLineError) -> SessionRecord? {
    let fields: SessionLine
    do {
      fields = try JSONDecoder().decode(SessionLine.self, from: Data(line))
    } catch {
      // A type from the future may give a field another kind of value.
      let kind = try? JSONDecoder().decode(SessionLineKind.self, from: Data(line))
      if let kind, !kind.isKnown { return nil }
      throw SessionLineError(error, isJSON: kind != nil)
    }
    return try fields.record()
  }
}

/// What is wrong with a line of a session file.
package struct SessionLineError: Error, Sendable, Equatable {
  package let reason: String

  init(reason: String) { self.reason = reason }

  init(_ error: any Error, isJSON: Bool) {
    guard let error = error as? DecodingError else {
      reason = "\(error)"
      return
    }
    reason =
      switch error {
      case .keyNotFound(let key, _): "field \"\(key.stringValue)\" is missing"
      case .typeMismatch(_, let context), .valueNotFound(_, let context):
        "field \"\(Self.path(context))\" has the wrong kind of value"
      case .dataCorrupted(let context) where context.codingPath.isEmpty:
        isJSON ? "a number is out of range" : "not valid JSON"
      case .dataCorrupted(let context):
        "field \"\(Self.path(context))\": \(context.debugDescription)"
      @unknown default: "not readable"
      }
  }

  private static func path(_ context: DecodingError.Context) -> String {
    context.codingPath.map(\.stringValue).joined(separator: ".")
  }
}
