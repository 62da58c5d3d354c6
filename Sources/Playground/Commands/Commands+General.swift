import Inference
import Terminal

extension Commands {
  static let general: [Command] = [
    Command(
      "help", "F1 normal:?", in: .anywhere, "keys and commands, searchable",
      hint: ("help", 3)
    ) { state, _ in state.toggle(.help(SearchList())) },
    Command(
      "palette", "M-x F2 normal::", in: .anywhere, "run a command by name", argument: "COMMAND",
      hint: ("commands", 4)
    ) { state, argument in
      argument.isEmpty ? state.toggle(.palette(SearchList())) : state.runCommandLine(argument)
    },
    Command(
      "stop", "C-c", in: .anywhere, "stop the answer, keep it; or clear the text",
      hint: ("stop/clear", 1)
    ) { state, _ in state.stopOrClear() },
    Command(
      "knob-previous", "F5 normal:{", in: .anywhere, "pick the previous knob", hint: ("knob", 5)
    ) { state, _ in state.pickKnob(-1) },
    Command("knob-next", "F6 normal:}", in: .anywhere, "pick the next knob", hint: ("knob", 5)) {
      state, _ in state.pickKnob(1)
    },
    Command(
      "knob-lower", "F7 normal:(", in: .anywhere, "lower it, from the next token on",
      hint: ("-/+", 6)
    ) { state, _ in state.moveKnob(state.pickedKnob, by: -1) },
    Command(
      "knob-raise", "F8 normal:)", in: .anywhere, "raise it, from the next token on",
      hint: ("-/+", 6)
    ) { state, _ in state.moveKnob(state.pickedKnob, by: 1) },
    pane(.chat, "show the chat"),
    pane(.profile, "show the profile: speed, memory, time"),
    pane(.knobs, "show the knobs of the sampler"),
    pane(.pictures, "show the pictures that were painted"),
    pane(.sessions, "show the sessions and the tree of this one"),
    pane(.methods, "show the decoding methods and their races"),
    Command("new", "M-s", in: .anywhere, "start a new session", unless: busy) { state, _ in
      state.newSession()
    },
    Command(
      "hold", "M-h", in: .anywhere, "hold the answer, or let it go on",
      unless: { $0.running == nil ? "nothing is being generated" : nil }
    ) { state, _ in state.toggleHold() },
    Command("repaint", "C-l", in: .anywhere, "draw the whole screen again") { _, _ in [.repaint] },
    Command("suspend", "C-z", in: .anywhere, "suspend to the shell; fg comes back") { _, _ in
      [.suspend]
    },
  ]

  static let prompt: [Command] = [
    Command(
      "send", "<enter>", in: .prompt, "send; waits while the engine is busy", hint: ("send", 0)
    ) {
      _, _ in [.feedPrompt([13])]
    },
    Command(
      "newline", "M-<enter> C-j", in: .prompt, "a new line in the message", hint: ("newline", 9)
    ) {
      _, _ in [.feedPrompt([10])]
    },
    Command("editor", "M-e", in: .prompt, "write it in $EDITOR (also C-x C-e)") {
      state, _ in [.edit(.prompt, state.prompt.text)]
    },
    Command(
      "normal", "<esc>", in: .prompt, "leave the prompt: letters are commands", hint: ("normal", 2)
    ) {
      state, _ in state.leavePrompt()
    },
    Command("quit-empty", "C-d", in: .prompt, "quit, where the prompt is empty") { state, _ in
      state.prompt.text.isEmpty ? state.quit() : []
    },
  ]

  static let normal: [Command] = [
    Command("insert", "i", in: .normal, "back to the prompt", hint: ("type", 0)) { state, _ in
      state.mode = .insert
      return []
    },
    Command("next-pane", "<tab>", in: .normal, "focus the next pane", hint: ("next pane", 2)) {
      state, _ in state.movePane(1)
    },
    Command("previous-pane", "<backtab>", in: .normal, "focus the previous pane") { state, _ in
      state.movePane(-1)
    },
    Command("zoom", "z", in: .normal, "give the pane the whole screen, or not", hint: ("zoom", 12))
    {
      state, _ in
      state.isZoomed.toggle()
      return []
    },
    Command("layout-next", "+", in: .normal, "next arrangement of the panes") { state, _ in
      state.changePreset(1)
    },
    Command("layout-previous", "_", in: .normal, "previous arrangement of the panes") { state, _ in
      state.changePreset(-1)
    },
    Command("undo", "u", in: .normal, "undo a branch move or a knob edit", hint: ("undo", 14)) {
      state, _ in state.undoStep(false)
    },
    Command("redo", "U", in: .normal, "redo what was undone") { state, _ in state.undoStep(true) },
    Command(
      "search", "/", in: .normal, "search in the pane", argument: "TEXT", hint: ("search", 11)
    ) {
      state, argument in state.search(argument)
    },
    Command("search-next", "n", in: .normal, "next match", unless: noSearch) { state, _ in
      state.jumpToMatch(1)
    },
    Command("search-previous", "N", in: .normal, "previous match", unless: noSearch) { state, _ in
      state.jumpToMatch(-1)
    },
    Command("recent", "C-r", in: .normal, "recent sessions", unless: busy) { state, _ in
      state.toggle(.recent(SearchList())) + [.listSessions]
    },
    Command("model", "m", in: .normal, "pick another model", argument: "NAME", unless: busy) {
      state, argument in
      if argument.isEmpty { return state.toggle(.models(SearchList())) + [.listModels] }
      switch state.findModel(argument) {
      case .success(let path): return state.load(path: path)
      case .failure(let error): return state.say(.error, error.message)
      }
    },
    Command("close", "<esc>", in: .normal, "close the top layer") { state, _ in
      state.isZoomed = false
      return []
    },
    Command("quit", "q", in: .normal, "close the zoom, or quit", hint: ("quit", 10)) { state, _ in
      if state.isZoomed {
        state.isZoomed = false
        return []
      }
      return state.quit()
    },
    Command("quit-now", "Q", in: .normal, "quit without a question") { state, _ in
      state.quit(asks: false)
    },
  ]

  static let movement: [Command] = [
    move("down", "j <down>", "down a line, or to the next row", .line(1), hint: ("scroll", 3)),
    move("up", "k <up>", "up a line, or to the row before", .line(-1), hint: ("scroll", 3)),
    move("half-down", "C-d", "half a page down", .half(1)),
    move("half-up", "C-u", "half a page up", .half(-1)),
    move("page-down", "C-f <pagedown>", "a page down", .page(1)),
    move("page-up", "C-b <pageup>", "a page up", .page(-1)),
    move("top", "g <home>", "to the start", .start),
    move("bottom", "G <end>", "to the end, and follow it", .end),
  ]

  private static func move(
    _ name: String, _ keys: String, _ summary: String, _ motion: Motion, hint: (String, Int)? = nil
  ) -> Command {
    Command(name, keys, in: .normal, summary, hint: hint) { state, _ in
      state.move(motion)
      return []
    }
  }

  private static func pane(_ pane: PaneID, _ summary: String) -> Command {
    Command(
      "pane-\(pane.title)", "M-\(pane.rawValue) normal:\(pane.rawValue)", in: .anywhere, summary,
      hint: ("pane", 7)
    ) { state, _ in state.focusPane(pane) }
  }

  static let busy: @Sendable (PlaygroundState) -> String? = { state in
    if state.running != nil { return "an answer is being made: C-c stops it" }
    return state.methods.race?.isRunning == true ? "a race is run: C-c stops it" : nil
  }

  static let noSearch: @Sendable (PlaygroundState) -> String? = { state in
    state.chat.search == nil ? "search first, with /" : nil
  }
}
