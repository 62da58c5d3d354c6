import Inference

/// Every field that a line of a session file may have.
struct SessionLine: Decodable {
  struct Turn: Decodable {
    var role: ChatRole
    var text: String
    var ids: [TokenID]?
  }

  var type: String
  var format: Int?
  var id: Identifier?
  var created: String?
  var program: String?
  var model: String?
  var name: String?
  var path: String?
  var sha256: String?
  var context: Int?
  var threads: Int?
  var isa: String?
  var forkedFrom: String?
  var parent: Int?
  var role: String?
  var text: String?
  var time: String?
  var message: Int?
  var promptTokens: Int?
  var maxTokens: Int?
  var stop: [String]?
  var raw: String?
  var parsesSpecial: Bool?
  var turns: [Turn]?
  var settings: DecodedSettings?
  var ids: [TokenID]?
  var at: Int?
  var made: ProvenanceFields?
  var methods: MethodSelection?
  var result: RaceResult?
  var tornBytes: Int?

  /// A session's name, or a message's number.
  enum Identifier: Decodable {
    case name(String)
    case number(Int)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Int.self) {
        self = .number(number)
      } else {
        self = .name(try container.decode(String.self))
      }
    }
  }

  /// The record that the fields make; nil for an unknown type.
  func record() throws(SessionLineError) -> SessionRecord? {
    switch type {
    case "session": .header(try header())
    case "model":
      .model(
        ModelReference(
          name: try need(name, "name"), path: try need(path, "path"), hash: sha256 ?? "",
          contextLength: try count(context, "context")))
    case "system": .system(text)
    case "message": .message(try chatMessage())
    case "answer":
      .answerStarted(
        message: try count(message, "message"), settings: try need(settings, "settings").settings,
        promptTokens: try count(promptTokens, "promptTokens"),
        maximumTokens: try count(maxTokens, "maxTokens"), stopStrings: stop ?? [], source: source,
        methods: methods ?? .none)
    case "tokens":
      .answerTokens(
        message: try count(message, "message"), tokens: try need(ids, "ids"),
        text: try need(text, "text"))
    case "knobs":
      .knobs(
        message: try count(message, "message"),
        change: KnobChange(
          tokenIndex: try count(at, "at"), settings: try need(settings, "settings").settings))
    case "done":
      .answerFinished(
        message: try count(message, "message"), provenance: try need(made, "made").provenance())
    case "race":
      .race(try need(result, "result"), prompt: try need(source, "turns"))
    case "head": .head(try message.map { id throws(SessionLineError) in try count(id, "message") })
    case "title": .title(try need(text, "text"))
    case "resumed": .resumed(tornBytes: try count(tornBytes, "tornBytes"))
    default: nil
    }
  }

  private func header() throws(SessionLineError) -> SessionHeader {
    guard case .name(let name) = try need(id, "id") else {
      throw SessionLineError(reason: "field \"id\" has the wrong kind of value")
    }
    var header = SessionHeader(
      id: name, created: try need(created, "created"), program: program ?? "",
      modelName: model ?? "", modelPath: path ?? "", modelHash: sha256 ?? "",
      contextLength: try count(context, "context"), threads: threads ?? 0,
      instructionSet: isa ?? "", forkedFrom: forkedFrom)
    header.format = try count(format, "format")
    return header
  }

  private func chatMessage() throws(SessionLineError) -> ChatMessage {
    guard case .number(let number) = try need(id, "id"), number >= 0 else {
      throw SessionLineError(reason: "field \"id\" is no message number")
    }
    guard let role = ChatRole(rawValue: try need(role, "role")) else {
      throw SessionLineError(reason: "field \"role\" is none of system, user, assistant")
    }
    guard let seconds = Timestamp.seconds(try need(time, "time")) else {
      throw SessionLineError(reason: "field \"time\" is no RFC 3339 time")
    }
    var message = ChatMessage(
      id: number, parent: try parent.map { id throws(SessionLineError) in try count(id, "parent") },
      role: role, text: try need(text, "text"), provenance: try made?.provenance(), time: seconds)
    message.tokens = ids ?? []
    return message
  }

  private var source: PromptSource? {
    if let raw { return .raw(raw, parsesSpecial: parsesSpecial ?? false) }
    return turns.map { turns in
      .chat(turns.map { ChatTurn(role: $0.role, text: $0.text, tokens: $0.ids ?? []) })
    }
  }
}

/// How an answer was made, as it stands in a session file.
struct ProvenanceFields: Decodable {
  struct Change: Decodable {
    var at: Int
    var settings: DecodedSettings
  }

  var finish: String
  var tokens: Int
  var promptTokens: Int
  var reusedTokens: Int?
  var promptSeconds: Double?
  var generationSeconds: Double?
  var firstTokenSeconds: Double?
  var model: String?
  var settings: DecodedSettings
  var changes: [Change]?
  var methods: MethodSelection?
  var passes: Int?

  func provenance() throws(SessionLineError) -> Provenance {
    guard let finish = FinishReason(rawValue: finish) else {
      throw SessionLineError(reason: "field \"finish\" is no reason to finish")
    }
    var provenance = Provenance(
      model: model ?? "", settings: settings.settings,
      promptTokens: try count(promptTokens, "promptTokens"),
      reusedTokens: try count(reusedTokens ?? 0, "reusedTokens"),
      tokens: try count(tokens, "tokens"), finish: finish, promptSeconds: promptSeconds ?? 0,
      generationSeconds: generationSeconds ?? 0, timeToFirstToken: firstTokenSeconds ?? 0)
    provenance.methods = methods ?? .none
    provenance.passes = try count(passes ?? 0, "passes")
    provenance.changes = try (changes ?? []).map { change throws(SessionLineError) in
      KnobChange(tokenIndex: try count(change.at, "changes.at"), settings: change.settings.settings)
    }
    return provenance
  }
}

private func need<Value>(_ value: Value?, _ name: String) throws(SessionLineError) -> Value {
  guard let value else { throw SessionLineError(reason: "field \"\(name)\" is missing") }
  return value
}

/// A number that counts something: neither missing nor negative, nor beyond what any session reaches.
private func count(_ value: Int?, _ name: String) throws(SessionLineError) -> Int {
  let value = try need(value, name)
  guard (0...1 << 40).contains(value) else {
    throw SessionLineError(reason: "field \"\(name)\" is out of range: \(value)")
  }
  return value
}
