import Runtime
import Terminal

extension PlaygroundState {
  /// Whether the playground takes a key; every other key is the prompt's.
  package func claims(_ key: Key) -> Bool {
    guard overlays.isEmpty, mode == .insert, !isTooSmall else { return true }
    switch key {
    case .mouse, .focus, .resize, .eof: return true
    case .paste: return false
    // In vi's insert mode the first Esc is readline's; the next one leaves the prompt.
    case .escape: return prompt.display.mode != .viInsert
    case .control("d"): return prompt.text.isEmpty
    default: return Commands.command(for: key, in: .anywhere) != nil
    }
  }

  /// Whether nothing can be shown, so that no key can be meant as text.
  private var isTooSmall: Bool { Layout.Kind(size: size) == .tooSmall }

  /// Takes a key that it claims.
  mutating func handle(_ key: Key) -> [Effect] {
    switch key {
    case .eof: return quit(asks: false)
    case .mouse(let event): return handle(event)
    case .focus, .resize: return []
    default: break
    }
    if let command = Commands.command(for: key, in: .anywhere) { return run(command) }
    if let overlay = overlays.last { return handle(key, over: overlay) }
    // Where nothing can be shown, C-d still ends; with text it would delete, which nobody would see.
    let ends = key == .control("d") && prompt.text.isEmpty
    if mode == .insert, !isTooSmall || ends {
      return Commands.command(for: key, in: .prompt).map { run($0) } ?? []
    }
    if let command = Commands.command(for: key, in: Scope(pane: focus)),
      command.disabledReason(self) == nil || Commands.command(for: key, in: .normal) == nil
    {
      return run(command)
    }
    if let command = Commands.command(for: key, in: .normal) { return run(command) }
    guard case .character = key else { return [] }
    return say(.info, "\(Command.label(key)) does nothing here: ? lists the keys, i types")
  }

  private mutating func handle(_ event: MouseEvent) -> [Effect] {
    let layout = Layout(self)
    guard let pane = layout.panes.first(where: { $0.area.contains(event.position) }) else {
      if event.action == .press, layout.prompt.contains(event.position) { mode = .insert }
      return []
    }
    switch event.action {
    case .press:
      focus = pane.id
      mode = .normal
    case .wheelUp, .wheelDown:
      let previous = focus
      focus = pane.id
      move(.line(event.action == .wheelUp ? -3 : 3))
      focus = previous
    case .release, .drag, .move: break
    }
    return []
  }

  /// Opens a layer, or closes it where it is open.
  mutating func toggle(_ overlay: Overlay) -> [Effect] {
    if let last = overlays.last, last.kind == overlay.kind {
      overlays.removeLast()
    } else {
      // One list at a time: help over help over a palette helps nobody.
      overlays.removeAll { $0.isList }
      overlays.append(overlay)
    }
    return []
  }

  mutating func leavePrompt() -> [Effect] {
    if !prompt.matches.isEmpty {
      prompt.matches = []
      return []
    }
    // C-g gives a history search up.
    if prompt.display.isSearching { return [.feedPrompt([7])] }
    if chat.editing != nil {
      chat.editing = nil
      return [.setPrompt("")] + say(.info, "edit given up; nothing changed")
    }
    mode = .normal
    return []
  }

  /// Stops what runs; else clears the prompt; else says how to quit.
  mutating func stopOrClear() -> [Effect] {
    if let running {
      if let since = running.stoppingSince, clock.monotonic &- since < 1_000_000_000 {
        return [.cancel(ticket: running.ticket)] + giveUpAnswer()
          + say(.warning, "given up; what had come is kept")
      }
      self.running?.stoppingSince = clock.monotonic
      return [.cancel(ticket: running.ticket)] + say(.info, "stopping: what has come is kept")
    }
    if methods.race?.isRunning == true { return stopRace() }
    if let effects = stopPainting() { return effects }
    if let load = inquiries.first(where: { if case .load = $0.value { true } else { false } }) {
      return [.cancel(ticket: load.key)] + say(.info, "stopping to load")
    }
    if !prompt.text.isEmpty {
      chat.editing = nil
      return [.setPrompt("")]
    }
    return say(.info, mode == .insert ? "C-d quits (or Esc, then q)" : "q or C-d quits")
  }

  mutating func quit(asks: Bool = true) -> [Effect] {
    let race = methods.race?.isRunning == true ? methods.race : nil
    if asks, running != nil || race != nil {
      overlays.append(
        .dialog(
          Dialog(
            purpose: .quitWhileRunning, title: "quit?",
            text: running != nil
              ? "An answer is being made. What has come so far is saved."
              : "A race is run. Its result would be lost.",
            choices: [.init(key: "y", label: "quit"), .init(key: "n", label: "stay")])))
      return []
    }
    if asks, let failure = session.failure {
      overlays.append(
        .dialog(
          Dialog(
            purpose: .quitWhileRunning, title: "quit?",
            text: "The session is not saved: \(failure)",
            choices: [.init(key: "y", label: "quit"), .init(key: "n", label: "stay")])))
      return []
    }
    isQuitting = true
    let cancel = [running?.ticket, race?.ticket].compactMap { $0 }.map { Effect.cancel(ticket: $0) }
    return cancel + [.syncSession, .quit]
  }

  mutating func toggleHold() -> [Effect] {
    guard let running else { return [] }
    self.running?.isHeld.toggle()
    return [.hold(ticket: running.ticket, !running.isHeld)]
      + say(.info, running.isHeld ? "going on" : "held: M-h goes on")
  }

  mutating func focusPane(_ pane: PaneID) -> [Effect] {
    focus = pane
    if pane != .chat || overlays.isEmpty { mode = pane == .chat ? mode : .normal }
    if pane == .sessions { return [.listSessions] }
    return []
  }

  mutating func movePane(_ step: Int) -> [Effect] {
    let panes = PaneID.allCases
    guard let index = panes.firstIndex(of: focus) else { return [] }
    return focusPane(panes[(index + step + panes.count) % panes.count])
  }

  mutating func changePreset(_ step: Int) -> [Effect] {
    let count = Layout(self).presetCount
    guard count > 1 else { return say(.info, "this size has one arrangement; z zooms a pane") }
    preset = ((preset + step) % count + count) % count
    focus = .chat
    return []
  }

  /// The knob that `F7` and `F8` turn.
  var pickedKnob: KnobItem { KnobItem.at(knobs.selected) }

  mutating func pickKnob(_ step: Int) -> [Effect] {
    let count = KnobItem.all.count
    knobs.selected = (knobs.selected + step + count) % count
    return []
  }

  mutating func askForValue() -> [Effect] {
    let item = pickedKnob
    if item == .order { return toggleReordering() }
    overlays.append(
      .input(
        LineInput(
          purpose: .knob(knobs.selected), label: "\(item.id) \(rangeText(of: item)): ",
          editor: LineEditor(valueText(of: item)))))
    return []
  }

  mutating func toggleReordering() -> [Effect] {
    knobs.reordering = knobs.reordering == nil ? 0 : nil
    knobs.selected = KnobItem.all.count - 1
    return say(
      .info, knobs.reordering == nil ? "order set" : "j k choose a stage, J K move it, o ends")
  }

  mutating func rename(_ title: String) -> [Effect] {
    guard !title.isEmpty else {
      overlays.append(
        .input(
          LineInput(
            purpose: .title, label: "title: ", editor: LineEditor(session.title ?? ""))))
      return []
    }
    session.title = title
    return record([.title(title)])
  }

  mutating func inspectPrompt() -> [Effect] {
    guard let target = chat.target else { return [] }
    let id = target.role == .assistant && target.provenance != nil ? target.parent : target.id
    let ticket = ticket()
    inquiries[ticket] = .inspect
    return [.submit(ticket: ticket, .inspect(source(upTo: id)))]
  }

  /// The chosen message; without a choice the last one that a person wrote.
  func editTarget() -> MessageID? {
    if chat.cursor != nil { return chat.target?.id }
    return chat.conversation.branch.last { $0.role == .user }?.id
  }

  mutating func copyCode() -> [Effect] {
    guard let target = chat.target else { return [] }
    let blocks = MarkdownReader.codeBlocks(in: target.text)
    guard !blocks.isEmpty else {
      return say(.info, "the message has no code block; y copies all of it")
    }
    let index =
      chat.copiedBlock.map { $0.message == target.id ? ($0.index + 1) % blocks.count : 0 } ?? 0
    chat.copiedBlock = .init(message: target.id, index: index)
    let effect = [Effect.copy(blocks[index])]
    return blocks.count > 1
      ? effect + say(.info, "code block \(index + 1) of \(blocks.count)") : effect
  }
}
