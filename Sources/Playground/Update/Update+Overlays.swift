import Runtime
import Terminal

extension PlaygroundState {
  /// Gives a key to the top layer.
  mutating func handle(_ key: Key, over overlay: Overlay) -> [Effect] {
    switch overlay {
    case .help(let list):
      return handle(key, in: list, rows: Commands.matching(list.editor.text).count) { .help($0) }
    case .palette(let list):
      return handle(key, in: list, rows: paletteMatches(list).count) { .palette($0) }
    case .models(let list):
      return handle(key, in: list, rows: modelMatches(list).count) { .models($0) }
    case .recent(let list):
      return handle(key, in: list, rows: recentMatches(list).count) { .recent($0) }
    case .dialog(let dialog): return handle(key, in: dialog)
    case .input(let input): return handle(key, in: input)
    case .inspector(let inspector): return handle(key, in: inspector)
    case .log(let top): return handle(key, inLogAt: top)
    case .race: return handleInRace(key)
    case .picture: return handleOverPicture(key)
    }
  }

  package func paletteMatches(_ list: SearchList) -> [Command] {
    // Words after the first are the argument where the first is a command's name.
    let name = list.editor.text.prefix { $0 != " " }
    if let exact = Commands.named(String(name)), exact.argument != nil,
      list.editor.text.contains(" ")
    {
      return [exact]
    }
    return Commands.matching(list.editor.text)
  }

  package func modelMatches(_ list: SearchList) -> [ModelEntry] {
    let needle = list.editor.text.lowercased()
    return modelFiles.filter { needle.isEmpty || $0.name.lowercased().contains(needle) }
  }

  package func recentMatches(_ list: SearchList) -> [SessionEntry] {
    let needle = list.editor.text.lowercased()
    return sessions.entries.filter {
      needle.isEmpty || $0.title.lowercased().contains(needle)
        || $0.model.lowercased().contains(needle)
    }
  }

  private mutating func handle(
    _ key: Key, in list: SearchList, rows: Int, _ overlay: (SearchList) -> Overlay
  ) -> [Effect] {
    var list = list
    switch key {
    case .escape:
      overlays.removeLast()
      return []
    case .enter: return choose(list)
    case .up, .control("p"): list.selected -= 1
    case .down, .control("n"), .tab: list.selected += 1
    case .pageUp: list.selected -= 10
    case .pageDown: list.selected += 10
    default:
      guard list.editor.handle(key) else { return [] }
      list.selected = 0
    }
    list.selected = min(max(0, list.selected), max(0, rows - 1))
    overlays[overlays.count - 1] = overlay(list)
    return []
  }

  /// Does what the chosen row of the top list says.
  private mutating func choose(_ list: SearchList) -> [Effect] {
    guard let overlay = overlays.popLast() else { return [] }
    func row<Row>(_ rows: [Row]) -> Row? {
      rows.indices.contains(list.selected) ? rows[list.selected] : nil
    }
    switch overlay {
    case .help: return row(Commands.matching(list.editor.text)).map { runListed($0, "") } ?? []
    case .palette:
      guard let command = row(paletteMatches(list)) else { return runCommandLine(list.editor.text) }
      let text = list.editor.text
      let isExact = text.prefix { $0 != " " } == command.name
      let argument = isExact ? String(text.dropFirst(command.name.count)).trimmed : ""
      return runListed(command, argument)
    case .models: return row(modelMatches(list)).map { load(path: $0.path) } ?? []
    case .recent:
      return row(recentMatches(list)).map {
        [.openSession(path: $0.path)]
      } ?? []
    default: return []
    }
  }

  /// Runs a command chosen from a list, in the pane that it belongs to.
  private mutating func runListed(_ command: Command, _ argument: String) -> [Effect] {
    switch command.scope {
    case .profile: focus = .profile
    case .knobs: focus = .knobs
    case .pictures: focus = .pictures
    case .sessions: focus = .sessions
    case .methods: focus = .methods
    case .chat: focus = .chat
    case .anywhere, .prompt, .normal, .race: break
    }
    return run(command, argument)
  }

  private mutating func handle(_ key: Key, in dialog: Dialog) -> [Effect] {
    guard case .character(let character) = key,
      dialog.choices.contains(where: { $0.key == character })
    else {
      guard key == .escape else { return [] }
      overlays.removeLast()
      if case .contextFull = dialog.purpose { return returnQueue() }
      return []
    }
    overlays.removeLast()
    switch (dialog.purpose, character) {
    case (.contextFull(_, _, let message), "d"): return dropOldestTurns(of: message)
    case (.contextFull, _): return returnQueue()
    case (.quitWhileRunning, "y"): return quit(asks: false)
    default: return []
    }
  }

  private mutating func handle(_ key: Key, in input: LineInput) -> [Effect] {
    var input = input
    switch key {
    case .escape:
      overlays.removeLast()
      if case .search(.sessions) = input.purpose { sessions.filter = "" }
      return []
    case .enter:
      overlays.removeLast()
      switch input.purpose {
      case .search(let pane): return search(input.editor.text, in: pane)
      case .knob(let index): return set(KnobItem.at(index).id, to: input.editor.text)
      case .methodKnob(let method, let knob):
        return setMethodKnob(knob, of: method, to: input.editor.text)
      case .title: return rename(input.editor.text.trimmed)
      }
    default:
      guard input.editor.handle(key) else { return [] }
      overlays[overlays.count - 1] = .input(input)
      if case .search(.sessions) = input.purpose { _ = search(input.editor.text, in: .sessions) }
      return []
    }
  }

  private mutating func handle(_ key: Key, in inspector: PromptInspector) -> [Effect] {
    var inspector = inspector
    let page = max(1, size.height - 6)
    switch key {
    case .escape, .character("q"), .character("x"):
      overlays.removeLast()
      return []
    case .character("i"), .tab:
      inspector.showsIDs.toggle()
      inspector.top = 0
    case .character("j"), .down: inspector.top += 1
    case .character("k"), .up: inspector.top -= 1
    case .pageDown, .control("f"), .character(" "): inspector.top += page
    case .pageUp, .control("b"): inspector.top -= page
    case .character("g"), .home: inspector.top = 0
    case .character("G"), .end: inspector.top = .max / 2
    case .character("y"): return [.copy(inspector.tokens.map(\.text).joined())]
    default: return []
    }
    let last = max(0, inspectorLines(inspector).count - page)
    inspector.top = min(max(0, inspector.top), last)
    overlays[overlays.count - 1] = .inspector(inspector)
    return []
  }

  private mutating func handle(_ key: Key, inLogAt top: Int) -> [Effect] {
    let last = max(0, log.count - 1)
    switch key {
    case .escape, .character("q"):
      overlays.removeLast()
      return []
    case .character("j"), .down: overlays[overlays.count - 1] = .log(min(last, top + 1))
    case .character("k"), .up: overlays[overlays.count - 1] = .log(max(0, top - 1))
    default: break
    }
    return []
  }
}
