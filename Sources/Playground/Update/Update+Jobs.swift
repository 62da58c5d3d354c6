import Inference
import Runtime

extension PlaygroundState {
  /// Takes up an event of a job; events of a job that was given up are dropped.
  mutating func handle(_ event: JobEvent, ticket: Int) -> [Effect] {
    if running?.ticket == ticket { return handleAnswer(event) }
    guard let inquiry = inquiries[ticket] else { return [] }
    switch (event, inquiry) {
    case (_, .race): return handleRace(event, ticket: ticket)
    case (_, .paint): return handlePainting(event, ticket: ticket)
    case (.loading(let fraction), .load(let path)):
      model = .loading(path: path, fraction: fraction)
      return []
    case (.loaded(let summary), .load):
      inquiries[ticket] = nil
      return loaded(summary)
    case (.inspected(let prompt), .measure):
      inquiries[ticket] = nil
      chat.contextTokens = prompt.tokens.count
      sessions.contextMap = contextMap(of: prompt)
      return []
    case (.inspected(let prompt), .inspect):
      inquiries[ticket] = nil
      let tokens = prompt.tokens.map {
        PromptInspector.Token(id: $0.id, text: $0.text, isSpecial: $0.isSpecial)
      }
      overlays.append(.inspector(PromptInspector(tokens: tokens)))
      return []
    case (.failed(let error), .load(let path)):
      inquiries[ticket] = nil
      model = previousModel ?? .failed(path: path, reason: error.message)
      return say(.error, "model not loaded: \(error.message)")
    case (.prepared, .prepare):
      inquiries[ticket] = nil
      return []
    case (.failed(let error), .prepare(let method)):
      inquiries[ticket] = nil
      methods.setup.on.removeAll { $0 == method }
      return error.code == .cancelled ? [] : say(.warning, "\(method) stays off: \(error.message)")
    case (.failed(let error), .inspect):
      inquiries[ticket] = nil
      return say(.error, error.message)
    case (.failed, .measure):
      inquiries[ticket] = nil
      chat.contextTokens = nil
      return []
    default: return []
    }
  }

  /// The stream of a job ended; one that left without a last event must not hang the screen.
  mutating func jobEnded(_ ticket: Int) -> [Effect] {
    if running?.ticket == ticket {
      return giveUpAnswer() + returnQueue()
        + say(.error, "the engine ended the answer without a word")
    }
    if case .load(let path) = inquiries[ticket], case .loading = model {
      model = previousModel ?? .failed(path: path, reason: "loading was broken off")
    }
    if inquiries[ticket] == .race, methods.race?.ticket == ticket, methods.race?.isRunning == true {
      let reason =
        methods.race?.isStopping == true
        ? "stopped: there is no verdict" : "the engine ended the race without a word"
      return endRace(reason, ticket: ticket)
    }
    inquiries[ticket] = nil
    return []
  }

  private mutating func loaded(_ summary: ModelSummary) -> [Effect] {
    let isOther = model.summary != summary && session.savedAt != nil
    // Speed and memory of one model say nothing of the next.
    if let old = previousModel?.summary, old.path != summary.path {
      profile.forgetFigures()
      methods.forgetFigures()
    }
    model = .ready(summary)
    previousModel = .ready(summary)
    modelHash = loadingHash
    loadingHash = ""
    var effects = isOther ? record([.model(reference(to: summary))]) : []
    mention(
      "\(Self.displayName(of: summary)) loaded in \(Self.number(summary.loadSeconds, decimals: 2)) s"
    )
    if summary.template == nil {
      let reason = summary.templateNote ?? "the file has no chat template"
      effects += say(.warning, "\(reason): it continues text as it stands")
    }
    effects += measure() + methods.setup.on.flatMap { prepare($0) }
    return effects + sendQueued()
  }

  private mutating func handleAnswer(_ event: JobEvent) -> [Effect] {
    guard let answer = running else { return [] }
    switch event {
    case .started(let promptTokens, _, _):
      running?.phase = .reading(done: 0, total: promptTokens, seconds: 0)
      chat.contextTokens = promptTokens
      return record([
        .answerStarted(
          message: answer.message, settings: answer.settings, promptTokens: promptTokens,
          maximumTokens: answer.maximumTokens, source: answer.recordedSource,
          methods: answer.methods)
      ])
    case .prefill(let done, let total, let seconds):
      running?.phase = .reading(done: done, total: total, seconds: seconds)
      profile.promptRows = done
      // A few tokens after a reused prompt say nothing about the speed of reading.
      if done >= 8, seconds > 0 { profile.promptSpeed = Double(done) / seconds }
      return []
    case .tokens(let chunk): return take(chunk, of: answer)
    case .profile(let sample):
      profile.record(sample)
      return []
    case .finished(let provenance): return finish(provenance, of: answer)
    case .contextFull(let needed, let capacity):
      let effects = giveUpAnswer()
      askAboutFullContext(needed: needed, capacity: capacity, message: answer.message)
      return effects
    case .failed(let error):
      return giveUpAnswer() + returnQueue() + say(.error, error.message)
    case .round(let round):
      profile.record(round)
      return []
    case .loading, .loaded, .prepared, .inspected, .race, .painting: return []
    }
  }

  private mutating func take(_ chunk: TokenChunk, of answer: RunningAnswer) -> [Effect] {
    running?.phase = .generating
    // The last token of a full context was chosen but has no position any more.
    chat.contextTokens = min(chunk.contextCount, model.summary?.contextLength ?? .max)
    let tokens = chunk.records.map(\.sampled.token)
    let writer = chunk.records.first?.writer ?? 0
    show(chunk, of: answer, writer: writer)
    var records: [SessionRecord] = []
    for token in chunk.records {
      if let settings = token.settings {
        let before = running?.changes.last?.settings ?? answer.settings
        let change = KnobChange(tokenIndex: token.index, settings: settings)
        running?.changes.append(change)
        profile.mark(Self.difference(from: before, to: settings), at: token.time)
        records.append(.knobs(message: answer.message, change: change))
      }
      if profile.tokens == 0, token.time > answer.submitted {
        profile.timeToFirstToken = Double(token.time - answer.submitted) / 1e9
      }
      profile.record(token)
      knobs.observe(token, settings: running?.changes.last?.settings ?? answer.settings)
      running?.tokens += 1
    }
    if let last = chunk.records.last {
      knobs.lastToken = last.sampled
      knobs.pieces = chunk.pieces
    }
    records.append(
      .answerTokens(
        message: answer.message, tokens: tokens, text: writer == 0 ? chunk.text : ""))
    return record(records)
  }

  private mutating func finish(_ provenance: Provenance, of answer: RunningAnswer) -> [Effect] {
    running = nil
    profile.timeToFirstToken = provenance.timeToFirstToken
    noteFigures(of: provenance)
    var effects = closeWriters(of: answer)
    chat.conversation.setProvenance(provenance, of: answer.message)
    effects += record([.answerFinished(message: answer.message, provenance: provenance)])
    if chat.conversation[answer.message]?.text.isEmpty == true, provenance.tokens == 0 {
      effects += show(head: chat.conversation[answer.message]?.parent)
    } else {
      chat.transcript.end(
        note: chat.conversation[answer.message].flatMap { provenanceLine(of: $0) })
    }
    if advancesSeed { settings.seed &+= 1 }
    if provenance.finish == .contextFull {
      let used = chat.contextTokens ?? 0
      let capacity = model.summary?.contextLength ?? used
      askAboutFullContext(
        needed: max(used, capacity + 1), capacity: capacity, message: answer.message)
      return effects
    }
    if provenance.finish == .cancelled {
      effects += say(.info, "stopped: \(counted(provenance.tokens, "token")) kept")
    }
    return effects + sendQueued()
  }

  /// What an answer with methods tells of them; of their speed only a race does.
  private mutating func noteFigures(of provenance: Provenance) {
    guard let tokensPerPass = provenance.tokensPerPass else { return }
    let acceptance = profile.drafting.totals.acceptance
    methods.note(provenance.methods) { figures in
      // Figures of a race in solo mode stay as they were measured together.
      guard figures.ratio == nil else { return }
      figures.tokensPerPass = tokensPerPass
      figures.acceptance = acceptance
    }
  }

  /// Gives what waits to be sent back to the prompt, where it can be sent again or dropped.
  mutating func returnQueue() -> [Effect] {
    guard !chat.queue.isEmpty else { return [] }
    let texts = chat.queue + (prompt.text.isEmpty ? [] : [prompt.text])
    chat.queue = []
    return [.setPrompt(texts.joined(separator: "\n"))]
  }

  /// Ends the running answer here, whatever its job still does, and keeps what came.
  mutating func giveUpAnswer() -> [Effect] {
    guard let answer = running else { return [] }
    running = nil
    let effects = closeWriters(of: answer)
    guard chat.conversation[answer.message]?.text.isEmpty != false else {
      chat.transcript.end(note: "broken off")
      return effects
    }
    return show(head: chat.conversation[answer.message]?.parent)
  }

  private mutating func askAboutFullContext(needed: Int, capacity: Int, message: MessageID) {
    let turns = droppableTurns(of: message)
    var choices = [Dialog.Choice(key: "e", label: "end here, change nothing")]
    if turns > 0 {
      let words = turns == 1 ? "the oldest turn" : "the \(turns) oldest turns"
      choices.insert(Dialog.Choice(key: "d", label: "drop \(words) and go on"), at: 0)
    }
    let text =
      turns > 0
      ? "The conversation needs \(needed) of \(capacity) positions. Dropped turns stay in the session as a branch of their own; the model no longer reads them."
      : "The conversation needs \(needed) of \(capacity) positions, and there is no earlier turn to drop. Shorten the message, or load the model with a longer context."
    overlays.append(
      .dialog(
        Dialog(
          purpose: .contextFull(needed: needed, capacity: capacity, message: message),
          title: "context full", text: text, choices: choices)))
  }

  /// What changed between two settings, as short as a graph's label must be: `T 1.05`.
  package static func difference(from old: SamplerSettings, to new: SamplerSettings) -> String {
    var parts: [String] = []
    for (knob, _) in SamplerSettings.knobs where knob.value(in: old) != knob.value(in: new) {
      let name = knob.id == "temp" ? "T" : knob.id
      parts.append("\(name) \(number(knob.value(in: new), decimals: knob.decimals))")
    }
    if old.order != new.order { parts.append("order") }
    if parts.count > 1 { return "\(parts[0]) +\(parts.count - 1)" }
    return parts.first ?? "knobs"
  }

  /// Each token of a prompt by the turn it belongs to; what is in no turn is the template's.
  private func contextMap(of prompt: PromptTokens) -> [ContextPart] {
    var turns: [(ContextPart.Origin, [UInt8])] = chat.conversation.branch.map { message in
      let origin: ContextPart.Origin =
        switch message.role {
        case .system: .system
        case .user: .user
        case .assistant: .assistant
        }
      return (origin, Array(message.text.trimmed.utf8))
    }
    if let system = chat.conversation.system {
      turns.insert((.system, Array(system.trimmed.utf8)), at: 0)
    }
    var parts: [ContextPart] = []
    func add(_ origin: ContextPart.Origin) {
      if parts.last?.origin == origin {
        parts[parts.count - 1].tokens += 1
      } else {
        parts.append(ContextPart(origin: origin, tokens: 1))
      }
    }
    var turn = 0
    var matched = 0
    for token in prompt.tokens {
      let bytes = Array(token.text.utf8)
      while turn < turns.count, matched >= turns[turn].1.count {
        turn += 1
        matched = 0
      }
      guard !token.isSpecial, turn < turns.count,
        turns[turn].1[matched...].starts(with: bytes)
      else {
        // Text of the template between two turns, or a turn that the template trimmed.
        if token.isSpecial, matched > 0 {
          turn += 1
          matched = 0
        }
        add(.template)
        continue
      }
      matched += bytes.count
      add(turns[turn].0)
    }
    return parts
  }
}
