import Inference
import Runtime

/// A conversation in line mode: its messages, settings and session file.
struct LineTalk {
  let engine: Engine
  let summary: ModelSummary
  let store: SessionStore
  private let hash: LearnedHash
  /// What the session says of the model's hash so far.
  private var recordedHash: String
  private(set) var conversation = Conversation()
  var settings: SamplerSettings
  var maximumTokens = 1024
  /// Turns at the beginning that are no longer sent.
  private(set) var dropped = 0
  private var writer: SessionWriter

  /// A new conversation.
  init(
    engine: Engine, summary: ModelSummary, hash: LearnedHash, store: SessionStore,
    settings: SamplerSettings
  ) {
    self.engine = engine
    self.summary = summary
    self.hash = hash
    self.store = store
    self.settings = settings
    recordedHash = hash.value
    writer = store.newSession(Self.header(summary, hash: recordedHash))
  }

  /// Goes on with a saved one.
  mutating func resume(_ session: SessionFile) throws(InferenceError) {
    writer = try SessionWriter(resuming: session.path)
    conversation = session.conversation
    dropped = 0
    if let last = session.answers.last { settings = last.changes.last?.settings ?? last.settings }
    recordedHash = session.model.path == summary.path ? session.model.hash : ""
    if session.model.path != summary.path { recordModel() } else { recordHash() }
  }

  private mutating func recordModel() {
    recordedHash = hash.value
    writer.append(
      .model(
        ModelReference(
          name: summary.name, path: summary.path, hash: recordedHash,
          contextLength: summary.contextLength)))
  }

  /// Adds the hash to a session that has begun, once it is known and where it is another one.
  private mutating func recordHash() {
    let known = hash.value
    if !known.isEmpty, known != recordedHash, writer.path != nil { recordModel() }
  }

  /// Starts a new session; the one before stays in its file.
  mutating func startOver() {
    close()
    recordedHash = hash.value
    writer = store.newSession(Self.header(summary, hash: recordedHash))
    conversation = Conversation(system: conversation.system)
    dropped = 0
    if let system = conversation.system { writer.append(.system(system)) }
  }

  mutating func setSystem(_ text: String) {
    conversation.system = text.isEmpty ? nil : text
    writer.append(.system(conversation.system))
  }

  /// Leaves the oldest question and its answer out of what is sent.
  ///
  /// - Returns: whether there was something to leave out.
  mutating func dropOldest() -> Bool {
    let branch = conversation.branch
    let last = branch.lastIndex { $0.role == .user } ?? 0
    guard dropped < last else { return false }
    dropped = branch.indices.first { $0 > dropped && branch[$0].role == .user } ?? last
    return true
  }

  /// Adds what a person said.
  mutating func say(_ text: String) {
    add(.user, text, after: conversation.head)
  }

  /// Goes back to the last thing that a person said, so that it is answered anew.
  mutating func stepBack() -> Bool {
    guard let question = conversation.branch.last(where: { $0.role == .user }) else { return false }
    conversation.show(question.id)
    writer.append(.head(question.id))
    return true
  }

  /// What the model reads, and whether it is anything else than the branch through the template.
  private var source: (PromptSource, isPlain: Bool) {
    let branch = conversation.branch.dropFirst(dropped)
    guard summary.template != nil else {
      return (.raw(branch.map(\.text).joined(), parsesSpecial: false), false)
    }
    var turns = conversation.system.map { [ChatTurn(role: .system, text: $0)] } ?? []
    turns += branch.map { ChatTurn(role: $0.role, text: $0.text, tokens: $0.tokens) }
    return (.chat(turns), dropped == 0)
  }

  /// Answers the last message, printing as it comes.
  ///
  /// - Throws: `OutputError`, or what generating throws.
  mutating func answer(_ interruption: Interruption) async throws -> Provenance? {
    let (source, isPlain) = source
    var request = GenerateRequest(source: source, settings: settings, maximumTokens: maximumTokens)
    request.stopStrings = []
    let job = engine.submit(.generate(request))
    interruption.onInterrupt { job.cancel() }
    defer { interruption.onInterrupt(nil) }
    var answer = StreamedAnswer(model: summary, streams: true)
    var line = ProgressLine()
    var message: MessageID?
    do {
      for await event in job.events {
        if case .started(let count, _, _) = event {
          let id = add(.assistant, "", after: conversation.head)
          message = id
          writer.append(
            .answerStarted(
              message: id, settings: settings, promptTokens: count, maximumTokens: maximumTokens,
              source: isPlain ? nil : source))
        }
        if case .tokens(let chunk) = event, let message {
          let ids = chunk.records.map(\.sampled.token)
          conversation.appendText(chunk.text, tokens: ids, to: message)
          writer.append(.answerTokens(message: message, tokens: ids, text: chunk.text))
        }
        try answer.take(event, &line)
      }
    } catch {
      job.cancel()
      throw error
    }
    try answer.finish()
    if let provenance = answer.provenance, let message {
      conversation.setProvenance(provenance, of: message)
      writer.append(.answerFinished(message: message, provenance: provenance))
      recordHash()
    }
    return answer.provenance
  }

  /// Brings everything to the disk.
  mutating func close() {
    recordHash()
    writer.flush()
  }

  var sessionPath: String? { writer.path }
  var sessionFailure: InferenceError? { writer.failure }

  @discardableResult
  private mutating func add(
    _ role: ChatRole, _ text: String, after parent: MessageID?
  ) -> MessageID {
    let id = conversation.append(role, text, after: parent, time: Timestamp.now)
    if let message = conversation[id] { writer.append(.message(message)) }
    return id
  }

  private static func header(_ summary: ModelSummary, hash: String) -> SessionHeader {
    SessionHeader(
      id: "", created: Timestamp.text(Timestamp.now), program: "paceline \(Version.text)",
      modelName: summary.name, modelPath: summary.path, modelHash: hash,
      contextLength: summary.contextLength, threads: summary.threads,
      instructionSet: summary.instructionSet)
  }
}
