import Inference
import Runtime
import Terminal

extension Commands {
  static let chat: [Command] = [
    Command("next-message", "J", in: .chat, "choose the next message", hint: ("message", 1)) {
      state, _ in state.moveMessage(1)
    },
    Command("previous-message", "K", in: .chat, "choose the message before", hint: ("message", 1)) {
      state, _ in state.moveMessage(-1)
    },
    Command(
      "previous-branch", "h <left>", in: .chat, "show the version before", hint: ("branch", 5),
      unless: idleWithMessages
    ) { state, _ in state.showSibling(-1) },
    Command(
      "next-branch", "l <right>", in: .chat, "show the next version", hint: ("branch", 5),
      unless: idleWithMessages
    ) { state, _ in state.showSibling(1) },
    Command(
      "regenerate", "r", in: .chat, "another answer, beside this one", hint: ("regenerate", 2),
      unless: needsModel
    ) { state, _ in state.regenerate() },
    Command(
      "edit", "e", in: .chat, "edit the message; makes a branch", hint: ("edit", 4),
      unless: idleWithMessages
    ) { state, _ in state.editTarget().map { state.beginEditing($0) } ?? [] },
    Command(
      "edit-outside", "E", in: .chat, "edit the message in $VISUAL or $EDITOR",
      unless: idleWithMessages
    ) { state, _ in
      guard let id = state.editTarget(), let message = state.chat.conversation[id] else {
        return []
      }
      return [.edit(.message(id), message.text)]
    },
    Command(
      "continue", "c", in: .chat, "go on where the answer ended", hint: ("continue", 6),
      unless: { state in
        needsModel(state)
          ?? (state.chat.target?.role == .assistant ? nil : "choose an answer first, with J and K")
      }
    ) { state, _ in state.continueAnswer() },
    Command(
      "fork", "b", in: .chat, "a new session that begins with this branch",
      unless: idleWithMessages
    ) { state, _ in state.fork() },
    Command(
      "copy", "y", in: .chat, "copy the message to the clipboard", hint: ("copy", 8),
      unless: noMessages
    ) { state, _ in state.chat.target.map { [.copy($0.text)] } ?? [] },
    Command(
      "copy-code", "Y", in: .chat, "copy its code block; again: the next one", unless: noMessages
    ) { state, _ in state.copyCode() },
    Command(
      "inspect", "x", in: .chat, "the exact prompt, special tokens and ids",
      unless: needsModel
    ) { state, _ in state.inspectPrompt() },
    Command("raw", "R", in: .chat, "show text as it came, or rendered") { state, _ in
      state.chat.isRaw.toggle()
      return state.say(.info, state.chat.isRaw ? "raw text" : "rendered text")
    },
  ]

  static let tint = Command(
    "tint", "T", in: .chat, "underline what a method had guessed"
  ) { state, _ in
    state.chat.isTinted.toggle()
    let words = "guessed text is underlined, in answers made with methods since the start"
    return state.say(.info, state.chat.isTinted ? words : "guessed text is not marked")
  }

  static let profile: [Command] = [
    Command("freeze", "f", in: .profile, "hold the graph still, or let it run", hint: ("freeze", 1))
    {
      state, _ in
      state.profile.frozenAt = state.profile.frozenAt == nil ? state.profile.newest : nil
      return []
    },
    Command("window-shorter", "-", in: .profile, "show a shorter time", hint: ("time window", 2)) {
      state, _ in
      state.profile.windowIndex = max(0, state.profile.windowIndex - 1)
      return []
    },
    Command("window-longer", "=", in: .profile, "show a longer time", hint: ("time window", 2)) {
      state, _ in
      state.profile.windowIndex = min(ProfileState.windows.count - 1, state.profile.windowIndex + 1)
      return []
    },
  ]

  static let knobs: [Command] = [
    Command("lower", "h <left>", in: .knobs, "a step down", hint: ("step", 1)) { state, _ in
      state.moveKnob(state.pickedKnob, by: -1)
    },
    Command("raise", "l <right>", in: .knobs, "a step up", hint: ("step", 1)) { state, _ in
      state.moveKnob(state.pickedKnob, by: 1)
    },
    Command("lower-much", "H", in: .knobs, "a big step down", hint: ("big step", 5)) { state, _ in
      state.moveKnob(state.pickedKnob, by: -1, large: true)
    },
    Command("raise-much", "L", in: .knobs, "a big step up", hint: ("big step", 5)) { state, _ in
      state.moveKnob(state.pickedKnob, by: 1, large: true)
    },
    Command("exact", "<enter>", in: .knobs, "type an exact value", hint: ("exact", 2)) { state, _ in
      state.askForValue()
    },
    Command("default", "d", in: .knobs, "back to its default", hint: ("default", 3)) { state, _ in
      state.resetKnob(state.pickedKnob)
    },
    Command("on-off", "<space>", in: .knobs, "switch it off, or on again", hint: ("on/off", 4)) {
      state, _ in state.toggleKnob(state.pickedKnob)
    },
    Command(
      "reorder", "o", in: .knobs, "move a stage: j k choose, J K move, o done", hint: ("reorder", 6)
    ) {
      state, _ in state.toggleReordering()
    },
    Command(
      "stage-later", "J", in: .knobs, "move the chosen stage down", unless: notReordering
    ) { state, _ in state.moveStage(by: 1) },
    Command(
      "stage-earlier", "K", in: .knobs, "move the chosen stage up", unless: notReordering
    ) { state, _ in state.moveStage(by: -1) },
  ]

  static let sessions: [Command] = [
    Command(
      "resume", "<enter>", in: .sessions, "open the chosen session, or one by its id",
      argument: "ID", hint: ("resume", 1), unless: busy
    ) { state, name in
      if !name.isEmpty { return [.openSession(path: name)] }
      guard let entry = state.sessions.selectedEntry else {
        return state.say(.info, "resume: the list is empty")
      }
      return [.openSession(path: entry.path)]
    },
    Command(
      "fork-session", "b", in: .sessions, "copy the shown branch into a new session",
      hint: ("fork", 2), unless: idleWithMessages
    ) { state, _ in state.fork() },
    Command("refresh", "r", in: .sessions, "read the list again") { _, _ in [.listSessions] },
  ]

  /// Commands without a key.
  static let named: [Command] = [
    Command(
      "system", in: .normal, "set the system prompt; no text removes it", argument: "TEXT",
      unless: busy
    ) {
      state, argument in state.setSystem(argument)
    },
    Command("title", in: .normal, "name this session", argument: "TEXT") { state, argument in
      state.rename(argument)
    },
    Command("set", in: .normal, "set a knob to a value", argument: "KNOB VALUE") {
      state, argument in
      state.set(argument)
    },
    Command("greedy", in: .normal, "take the most probable token always") { state, _ in
      var settings = SamplerSettings.greedy
      settings.seed = state.settings.seed
      return state.apply(settings)
    },
    Command("defaults", in: .normal, "all knobs back to their defaults") { state, _ in
      var settings = SamplerSettings()
      settings.seed = state.settings.seed
      return state.apply(settings)
    },
    Command("commands", in: .normal, "the list of commands (as /help)") { state, _ in
      state.toggle(.help(SearchList()))
    },
    Command("log", in: .normal, "what the status row said so far") { state, _ in
      state.toggle(.log(0))
    },
    Command(
      "drop-queue", in: .normal, "forget the messages that wait",
      unless: {
        $0.chat.queue.isEmpty ? "no message waits" : nil
      }
    ) { state, _ in
      let text = state.chat.queue.joined(separator: "\n")
      state.chat.queue = []
      return [.setPrompt(text)] + state.say(.info, "back in the prompt")
    },
  ]

  static let noMessages: @Sendable (PlaygroundState) -> String? = { state in
    state.chat.conversation.branch.isEmpty ? "there is no message yet" : nil
  }

  static let idleWithMessages: @Sendable (PlaygroundState) -> String? = { state in
    noMessages(state) ?? busy(state)
  }

  static let needsModel: @Sendable (PlaygroundState) -> String? = { state in
    idleWithMessages(state) ?? (state.model.summary == nil ? "no model is loaded" : nil)
  }

  private static let notReordering: @Sendable (PlaygroundState) -> String? = { state in
    state.knobs.reordering == nil ? "press o first" : nil
  }
}
