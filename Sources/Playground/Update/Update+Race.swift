import Inference
import Runtime
import Terminal

extension PlaygroundState {
  /// Repeats of a race whose figures are kept.
  package static let soloRepeats = 3

  /// Races what is chosen against plain decoding, or shows the race that runs.
  mutating func race(_ text: String) -> [Effect] {
    if methods.race?.isRunning == true { return showRace() }
    let candidate = candidate
    guard !candidate.isPlain else {
      return say(.info, "switch a method on, or choose one in the methods pane (6)")
    }
    return startRace([candidate, .none], text: text)
  }

  /// Races the method at the cursor against what is switched on.
  mutating func raceAgainstPresent() -> [Effect] {
    guard let entry = methods.selected else { return say(.info, "choose a method first") }
    let lanes = [methods.alone(entry), methods.selection]
    guard lanes[0] != lanes[1] else {
      return say(.info, "\(entry.card.id) is what is switched on: r races it against the baseline")
    }
    guard !lanes[1].isPlain else {
      return say(.info, "nothing is switched on: r races it against the baseline")
    }
    return startRace(lanes)
  }

  /// The method at the cursor where the pane has the keys and it is off; else what is switched on.
  private var candidate: MethodSelection {
    let chosen = methods.selected
    if focus == .methods, mode == .normal, let chosen, !methods.isOn(chosen) {
      return methods.alone(chosen)
    }
    return methods.selection.isPlain
      ? chosen.map { methods.alone($0) } ?? .none : methods.selection
  }

  private mutating func startRace(_ lanes: [MethodSelection], text: String = "") -> [Effect] {
    guard let (source, shown) = raceSource(text) else {
      return say(.info, "write a prompt first, or send one: a race needs something to answer")
    }
    return start(
      RaceRequest(
        source: source, settings: settings, maximumTokens: maximumTokens, lanes: lanes),
      promptText: shown)
  }

  private mutating func start(_ request: RaceRequest, promptText: String) -> [Effect] {
    let ticket = ticket()
    methods.race = RaceState(ticket: ticket, request: request, promptText: promptText)
    inquiries[ticket] = .race
    return showRace() + [.submit(ticket: ticket, .race(request))]
  }

  mutating func showRace() -> [Effect] {
    overlays.removeAll { $0.isList }
    overlays.append(.race)
    // Letters are commands there, and after it.
    mode = .normal
    return []
  }

  /// The same race again, each lane by itself and several times.
  mutating func raceSolo() -> [Effect] {
    guard let race = methods.race else { return [] }
    var request = race.request
    request.mode = .solo(repeats: Self.soloRepeats)
    return start(request, promptText: race.promptText)
  }

  /// What is answered: the text given, that of the prompt, or the last message of a person.
  private func raceSource(_ text: String) -> (PromptSource, String)? {
    let typed = prompt.text.trimmed
    let text = text.isEmpty && !typed.hasPrefix("/") ? typed : text
    if !text.isEmpty {
      return (
        source(
          of: chat.conversation.turns(to: chat.conversation.head)
            + [ChatTurn(role: .user, text: text)]), text
      )
    }
    guard let message = chat.conversation.branch.last(where: { $0.role == .user }) else {
      return nil
    }
    return (source(upTo: message.id), message.text)
  }

  // MARK: Events

  mutating func handleRace(_ event: JobEvent, ticket: Int) -> [Effect] {
    guard methods.race?.ticket == ticket else { return [] }
    switch event {
    case .race(let event):
      methods.race?.take(event)
      guard case .finished(let result) = event else { return [] }
      return finishRace(result, ticket: ticket)
    case .failed(let error) where error.code == .cancelled:
      return endRace("stopped: there is no verdict", ticket: ticket, level: .info)
    case .failed(let error): return endRace(error.message, ticket: ticket)
    case .contextFull(let needed, let capacity):
      return endRace(
        "the prompt needs \(needed) of \(capacity) positions: it cannot be raced", ticket: ticket)
    default: return []
    }
  }

  private mutating func finishRace(_ result: RaceResult, ticket: Int) -> [Effect] {
    inquiries[ticket] = nil
    guard let race = methods.race else { return [] }
    if race.request.lanes.dropFirst().first?.isPlain == true, let lane = race.request.lanes.first {
      methods.note(lane) { $0.take(result, repeats: race.repeats) }
    }
    return record([.race(result, prompt: race.request.source)])
      + (isRaceShown ? [] : say(.info, "race: " + (raceVerdict?.headline ?? "over")))
      + sendQueued()
  }

  mutating func endRace(
    _ reason: String, ticket: Int, level: Notice.Level = .error
  ) -> [Effect] {
    inquiries[ticket] = nil
    methods.race?.phase = .ended(reason)
    return (isRaceShown ? [] : say(level, "race: " + reason)) + sendQueued()
  }

  var isRaceShown: Bool { overlays.contains(.race) }

  /// What the last race came to; nil while there is no result.
  package var raceVerdict: RaceVerdict? {
    guard let race = methods.race, let result = race.result else { return nil }
    // Together methods promise no more than the one that promises least.
    let promises = race.request.lanes.flatMap(\.choices).compactMap { choice in
      methods.entries.first { $0.card.id == choice.id }?.card.guarantee
    }
    let order = Guarantee.allCases
    let promise = promises.max {
      (order.firstIndex(of: $0) ?? 0) < (order.firstIndex(of: $1) ?? 0)
    }
    return RaceVerdict(
      result, repeats: race.repeats, promise: promise,
      isGreedy: race.request.settings.temperature == 0)
  }

  // MARK: The screen

  mutating func handleInRace(_ key: Key) -> [Effect] {
    if let command = Commands.command(for: key, in: .race) { return run(command) }
    guard let command = Commands.command(for: key, in: .normal),
      Commands.movement.contains(where: { $0.name == command.name })
    else { return [] }
    return run(command)
  }

  mutating func closeRace() -> [Effect] {
    overlays.removeAll { $0 == .race }
    guard methods.race?.isRunning == true else { return [] }
    return say(.info, "the race goes on: v shows it, C-c stops it")
  }

  mutating func stopRace() -> [Effect] {
    guard let race = methods.race, race.isRunning else { return [] }
    if race.isStopping {
      return [.cancel(ticket: race.ticket)]
        + endRace("given up: there is no verdict", ticket: race.ticket, level: .info)
    }
    methods.race?.isStopping = true
    return [.cancel(ticket: race.ticket)] + say(.info, "stopping the race")
  }

  mutating func scrollRace(_ motion: Motion) {
    guard let race = methods.race else { return }
    let view = RaceScreen.view(of: self)
    let last = max(0, view.lineCount - view.height)
    let top = race.top ?? last
    let target =
      switch motion {
      case .line(let step): top + step
      case .half(let step): top + step * max(1, view.height / 2)
      case .page(let step): top + step * max(1, view.height - 1)
      case .start: 0
      case .end: last
      }
    methods.race?.top = target >= last ? nil : max(0, target)
  }

  /// Brings the place where the lanes part into view.
  mutating func showParting() -> [Effect] {
    guard methods.race?.parting != nil else { return say(.info, "the lanes have not parted") }
    let view = RaceScreen.view(of: self)
    let last = max(0, view.lineCount - view.height)
    let line = max(0, (view.partingLine ?? last) - view.height / 2)
    methods.race?.top = line >= last ? nil : line
    return []
  }

  mutating func exportRace() -> [Effect] {
    guard let race = methods.race, let result = race.result, let summary = model.summary else {
      return []
    }
    return [
      .exportRace(
        RaceExport(
          model: summary.name, modelHash: modelHash, request: race.request,
          promptText: race.promptText, result: result, verdict: raceVerdict?.headline ?? ""))
    ]
  }
}
