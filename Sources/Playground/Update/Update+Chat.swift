import Inference
import Runtime
import Terminal

extension PlaygroundState {
  /// Takes the prompt's text: a command, an edited message, or something to say.
  mutating func submit(_ text: String) -> [Effect] {
    if let id = chat.editing {
      chat.editing = nil
      guard !text.trimmed.isEmpty else { return say(.info, "edit given up; nothing changed") }
      return replaceMessage(id, with: text)
    }
    var text = text
    if text.hasPrefix("//") {
      text.removeFirst()
    } else if text.hasPrefix("/") {
      return runCommandLine(String(text.dropFirst()))
    }
    guard !text.trimmed.isEmpty else { return [] }
    guard model.summary != nil, !keepsAnswersWaiting else { return enqueue(text) }
    return send(text)
  }

  private mutating func enqueue(_ text: String) -> [Effect] {
    if case .failed(_, let reason) = model {
      return say(.error, "no model: \(reason)") + [.setPrompt(text)]
    }
    if case .none = model {
      return say(.error, "no model is loaded: press m in normal mode to pick one") + [
        .setPrompt(text)
      ]
    }
    chat.queue.append(text)
    return say(.info, "queued: it is sent when the engine is free")
  }

  mutating func sendQueued() -> [Effect] {
    guard !keepsAnswersWaiting, model.summary != nil, !chat.queue.isEmpty else { return [] }
    return send(chat.queue.removeFirst())
  }

  private mutating func send(_ text: String) -> [Effect] {
    let parent = chat.conversation.head
    return add(.user, text, after: parent) + answer(after: chat.conversation.head)
  }

  /// Adds a message of its own text below `parent`, shown and recorded.
  private mutating func add(_ role: ChatRole, _ text: String, after parent: MessageID?) -> [Effect]
  {
    var effects: [Effect] = []
    if session.title == nil, role == .user {
      let title = text.headline(40)
      session.title = title
      effects += record([.title(title)])
    }
    let extends = parent == chat.conversation.head
    let id = chat.conversation.append(role, text, after: parent, time: clock.wall)
    if let message = chat.conversation[id] { effects += record([.message(message)]) }
    if extends {
      chat.transcript.begin(id)
      chat.transcript.append(text)
      chat.transcript.end(note: chat.conversation[id].flatMap { provenanceLine(of: $0) })
    } else {
      rebuildTranscript()
    }
    chat.cursor = nil
    chat.scroll.follow()
    return effects
  }

  /// Starts an answer below `parent`, which goes on from `start` where one is given.
  mutating func answer(after parent: MessageID?, goingOnFrom start: ChatMessage? = nil) -> [Effect]
  {
    let extends = parent == chat.conversation.head
    let id = chat.conversation.append(.assistant, "", after: parent, time: clock.wall)
    if let start { chat.conversation.appendText(start.text, tokens: start.tokens, to: id) }
    let ticket = ticket()
    let request = GenerateRequest(
      source: source(upTo: start == nil ? parent : id), settings: settings,
      maximumTokens: maximumTokens, methods: methods.selection)
    running = RunningAnswer(
      ticket: ticket, message: id, request: request, submitted: clock.monotonic)
    profile.beginAnswer(with: request.methods)
    if !request.methods.isPlain {
      chat.drafted[id] = []
      chat.transcript.mark([], of: id)
    }
    if extends {
      chat.transcript.begin(id)
      chat.transcript.append(start?.text ?? "")
    } else {
      rebuildTranscript()
    }
    chat.cursor = nil
    chat.scroll.follow()
    let records = chat.conversation[id].map { [SessionRecord.message($0)] } ?? []
    return record(records) + [.submit(ticket: ticket, .generate(request))]
  }

  /// Another answer to the same message, as a sibling.
  mutating func regenerate() -> [Effect] {
    guard let target = chat.target else { return [] }
    let question = target.role == .assistant ? target.parent : target.id
    undo.push(.head(chat.conversation.head))
    return answer(after: question)
  }

  /// Goes on where an answer ended, as a sibling that begins with its text.
  mutating func continueAnswer() -> [Effect] {
    guard let target = chat.target, target.role == .assistant else { return [] }
    undo.push(.head(chat.conversation.head))
    return answer(after: target.parent, goingOnFrom: target)
  }

  /// A changed message as a sibling; one of the user's is answered anew.
  mutating func replaceMessage(_ id: MessageID, with text: String) -> [Effect] {
    guard let message = chat.conversation[id] else { return [] }
    guard message.text != text else { return say(.info, "nothing changed") }
    guard running == nil else {
      return say(.warning, "wait for the answer, or stop it with C-c") + [.setPrompt(text)]
    }
    undo.push(.head(chat.conversation.head))
    let effects = add(message.role, text, after: message.parent)
    guard message.role == .user, model.summary != nil else {
      return effects + say(.info, "edited: c continues from here, u goes back") + measure()
    }
    return effects + answer(after: chat.conversation.head)
  }

  /// Puts a message into the prompt to be edited there.
  mutating func beginEditing(_ id: MessageID) -> [Effect] {
    guard let message = chat.conversation[id] else { return [] }
    chat.editing = id
    mode = .insert
    focus = .chat
    return [.setPrompt(message.text)]
      + say(.info, "editing: Enter makes a branch, Esc gives up")
  }

  /// Shows the previous or next version of a message.
  mutating func showSibling(_ step: Int) -> [Effect] {
    guard let target = chat.target else { return [] }
    // The versions of the last exchange may lie one up: look for the nearest message that has some.
    let path = chat.conversation.path(to: target.id)
    let choice =
      chat.cursor != nil
      ? target.id
      : path.last { chat.conversation.siblings(of: $0.id).count > 1 }?.id ?? target.id
    let siblings = chat.conversation.siblings(of: choice)
    guard siblings.count > 1 else {
      return say(.info, "this message has one version; r makes another answer, e edits")
    }
    guard let index = siblings.firstIndex(of: choice), siblings.indices.contains(index + step)
    else {
      return say(.info, step < 0 ? "this is the first version" : "this is the last version")
    }
    undo.push(.head(chat.conversation.head))
    let chosen = siblings[index + step]
    let effects = show(head: chat.conversation.newestLeaf(below: chosen))
    if chat.cursor != nil { chat.cursor = chosen }
    return effects
  }

  /// Shows the branch that ends at `id`.
  mutating func show(head id: MessageID?) -> [Effect] {
    chat.conversation.show(id)
    // No message shown: `show(nil)` is the empty branch before the first message.
    chat.cursor = nil
    rebuildTranscript()
    return record([.head(id)]) + measure()
  }

  mutating func undoStep(_ forward: Bool) -> [Effect] {
    guard let step = forward ? undo.future.popLast() : undo.past.popLast() else {
      return say(.info, forward ? "nothing to redo" : "nothing to undo")
    }
    let opposite: UndoHistory.Step
    var effects: [Effect]
    switch step {
    case .head(let id):
      guard running == nil else {
        if forward { undo.future.append(step) } else { undo.past.append(step) }
        return say(.warning, "wait for the answer, or stop it with C-c")
      }
      opposite = .head(chat.conversation.head)
      effects = show(head: id) + say(.info, forward ? "redone: branch" : "undone: branch")
    case .settings(let old):
      opposite = .settings(settings)
      let label = Self.difference(from: settings, to: old)
      effects = replaceSettings(old) + say(.info, (forward ? "redone: " : "undone: ") + label)
    case .methods(let old):
      opposite = .methods(methods.setup)
      methods.setup = old
      effects = say(
        .info, "\(forward ? "redone" : "undone"): \(methods.selection.title)")
    }
    if forward { undo.past.append(opposite) } else { undo.future.append(opposite) }
    return effects
  }

  /// Ends the present session and starts an empty one.
  mutating func newSession() -> [Effect] {
    let system = chat.conversation.system
    let isLost = session.failure != nil
    chat = ChatState()
    chat.conversation.system = system
    session = SessionIdentity()
    undo = UndoHistory()
    rebuildTranscript(width: max(8, Layout(self).chatText.width))
    mode = .insert
    focus = .chat
    var effects: [Effect] = [.closeSession]
    if system != nil { effects += record([.system(system)]) }
    return effects
      + (isLost
        ? say(.warning, "new session; the last one could not be saved")
        : say(.info, "new session; the last one is saved"))
  }

  /// Copies the branch up to the target into a session of its own.
  mutating func fork() -> [Effect] {
    guard let target = chat.target else { return [] }
    return [.syncSession, .forkSession(at: target.id)]
  }

  mutating func setSystem(_ text: String) -> [Effect] {
    let system = text.trimmed.isEmpty ? nil : text.trimmed
    chat.conversation.system = system
    rebuildTranscript()
    return record([.system(system)]) + measure()
      + say(
        .info, system == nil ? "system prompt removed" : "system prompt set for the next answer")
  }
}
