import Inference
import Runtime
import Terminal

/// Takes up what happened and says what the outside has to do: the only place where state changes.
package func update(_ state: inout PlaygroundState, _ action: Action) -> [Effect] {
  var effects: [Effect] = []
  switch action {
  case .time(let clock): state.clock = clock
  case .key(let key):
    state.dismissNotice()
    effects = state.handle(key)
  case .typed: state.dismissNotice()
  case .resize(let size): state.size = size
  case .prompt(let prompt): state.prompt = prompt
  case .submitted(let text):
    state.notice = nil
    effects = state.submit(text)
  case .job(let ticket, let event): effects = state.handle(event, ticket: ticket)
  case .jobEnded(let ticket): effects = state.jobEnded(ticket)
  case .sessions(let entries): state.show(entries)
  case .sessionOpened(let session): effects = state.open(session)
  case .sessionCreated(let id):
    state.session.id = id
    effects = [.listSessions]
  case .sessionFailed(let reason):
    state.session.failure = reason
    if let reason { _ = state.say(.error, "session not saved: \(reason)") }
  case .models(let models): state.modelFiles = models
  case .edited(let purpose, let text): effects = state.edited(purpose, text)
  case .notice(let notice): _ = state.say(notice.level, notice.text)
  case .pictureOpened(let file, let path): effects = state.opened(file, path: path)
  case .command(let name): effects = Commands.named(name).map { state.run($0) } ?? []
  case .modelHash(let path, let hash): effects = state.learn(hash, of: path)
  case .terminate:
    state.isQuitting = true
    effects = [.syncSession, .quit]
  }
  state.layOutTranscript()
  state.layOutPictures()
  return effects
}

extension PlaygroundState {
  /// Puts a line on the status row and into the log.
  package mutating func say(_ level: Notice.Level, _ text: String) -> [Effect] {
    let notice = Notice(level, text)
    self.notice = notice
    noticeTime = clock.monotonic
    log.append(notice)
    if log.count > 500 { log.removeFirst(log.count - 500) }
    return []
  }

  /// Says what nobody waits for: where a warning or an error stands, in the log alone.
  mutating func mention(_ text: String) {
    if let notice, notice.level != .info {
      log.append(Notice(.info, text))
    } else {
      _ = say(.info, text)
    }
  }

  /// Clears the status row, but no error that nobody had the time to read.
  mutating func dismissNotice() {
    if notice?.level == .error, clock.monotonic &- noticeTime < 4_000_000_000 { return }
    notice = nil
  }

  mutating func ticket() -> Int {
    defer { nextTicket += 1 }
    return nextTicket
  }

  mutating func show(_ entries: [SessionEntry]) {
    sessions.entries = entries
    sessions.isLoaded = true
    sessions.selected = min(sessions.selected, max(0, sessions.shown.count - 1))
  }

  /// The records together with the time that the title bar shows as saved.
  mutating func record(_ records: [SessionRecord]) -> [Effect] {
    session.savedAt = clock.wall
    return records.isEmpty ? [] : [.record(records)]
  }

  /// Sets the branch anew where the width, the view or the branch itself changed.
  mutating func layOutTranscript() {
    let width = max(8, Layout(self).chatText.width)
    let shown = chat.transcript
    guard width != shown.width || chat.isRaw != shown.isRaw || chat.isTinted != shown.isTinted
    else { return }
    rebuildTranscript(width: width)
  }

  /// Sets the whole branch shown; streaming text is only ever appended instead.
  mutating func rebuildTranscript(width: Int? = nil) {
    let width = width ?? chat.transcript.width
    chat.transcript = Transcript(
      branch: chat.conversation.branch, system: chat.conversation.system,
      note: { provenanceLine(of: $0, width: width) }, openID: running?.message, width: width,
      isRaw: chat.isRaw, isTinted: chat.isTinted, drafted: chat.drafted)
    if let running, !running.writers.isEmpty, chat.conversation.head == running.message {
      chat.transcript.replace(with: text(of: running))
    }
  }

  /// Loads a model file; the present one stays until the new one is there.
  package mutating func load(path: String) -> [Effect] {
    let ticket = ticket()
    inquiries[ticket] = .load(path: path)
    model = .loading(path: path, fraction: 0)
    loadingHash = ""
    return [.submit(ticket: ticket, .load(path: path, contextLength: contextLength))]
  }

  /// Opens a session that was read from its file.
  mutating func open(_ opened: OpenedSession) -> [Effect] {
    chat = ChatState()
    chat.conversation = opened.conversation
    session = SessionIdentity(id: opened.id, title: opened.title)
    undo = UndoHistory()
    profile = ProfileState()
    if let settings = opened.settings { self.settings = settings }
    let last = opened.conversation.branch.last { $0.provenance != nil }?.provenance
    if let selection = last?.methods, !selection.isPlain { methods.take(selection) }
    rebuildTranscript(width: max(8, Layout(self).chatText.width))
    _ = say(opened.note == nil ? .info : .warning, opened.note ?? "resumed \(opened.title)")
    return measure() + methods.setup.on.flatMap { prepare($0) }
  }

  /// Notes the hash of the model at hand or to come; a session that has begun learns it by a record.
  mutating func learn(_ hash: String, of path: String) -> [Effect] {
    if case .loading(path, _) = model {
      loadingHash = hash
      return []
    }
    guard let summary = model.summary, summary.path == path else { return [] }
    modelHash = hash
    return session.savedAt == nil ? [] : [.record([.model(reference(to: summary))])]
  }

  func reference(to summary: ModelSummary) -> ModelReference {
    ModelReference(
      name: summary.name, path: summary.path, hash: modelHash, contextLength: summary.contextLength)
  }

  /// The first line of a new session's file; nil while no model is loaded.
  package func sessionHeader(program: String, created: String) -> SessionHeader? {
    guard let summary = model.summary else { return nil }
    return SessionHeader(
      id: "", created: created, program: program, modelName: summary.name,
      modelPath: summary.path, modelHash: modelHash, contextLength: summary.contextLength,
      threads: summary.threads, instructionSet: summary.instructionSet)
  }

  /// Has the engine count the context, while it has nothing else to do.
  mutating func measure() -> [Effect] {
    guard running == nil, model.summary != nil, !chat.conversation.branch.isEmpty else {
      if chat.conversation.branch.isEmpty { chat.contextTokens = nil }
      sessions.contextMap = []
      return []
    }
    let ticket = ticket()
    inquiries[ticket] = .measure
    return [.submit(ticket: ticket, .inspect(source(upTo: chat.conversation.head)))]
  }

  /// What the model reads for the branch that ends at `id`.
  func source(upTo id: MessageID?) -> PromptSource {
    source(of: chat.conversation.turns(to: id))
  }

  func source(of turns: [ChatTurn]) -> PromptSource {
    guard let summary = model.summary, summary.template == nil else { return .chat(turns) }
    // Without a template there are no turns: the model continues the text as it stands.
    return .raw(turns.map(\.text).joined(separator: "\n"), parsesSpecial: false)
  }

  mutating func edited(_ purpose: EditPurpose, _ text: String?) -> [Effect] {
    guard let text else { return say(.info, "edit given up; nothing changed") }
    switch purpose {
    case .prompt: return [.setPrompt(text)]
    case .message(let id): return replaceMessage(id, with: text)
    }
  }
}
