import Inference
import Playground
import Runtime
import Terminal
import Testing

/// The playground with everything outside of it played by the test: prompt, engine, files and clock.
struct Stage {
  var state: PlaygroundState
  /// Every effect so far, oldest first.
  var effects: [Effect] = []
  private var text = LineEditor()
  /// Seconds on the stage's clock.
  private(set) var seconds = 0.0
  /// The stage's first moment: 2026-03-01 12:03:00 UTC.
  static let start = 1_772_366_580.0

  init(_ width: Int = 80, _ height: Int = 24, model: ModelSummary? = Script.model) {
    state = PlaygroundState(
      size: Size(width: width, height: height), methods: TestMethods.all,
      painters: TestMethods.painters)
    tick(0)
    if let model {
      effects += state.load(path: model.path)
      play([.loading(fraction: 0.5), .loaded(model)], ticket: 1)
      state.notice = nil
      effects = []
    }
  }

  /// Lets time pass.
  mutating func tick(_ by: Double) {
    seconds += by
    send(
      .time(
        Clock(wall: Self.start + seconds, monotonic: 1_000_000_000 + UInt64(seconds * 1e9))))
  }

  mutating func send(_ action: Action) {
    let new = update(&state, action)
    effects += new
    for effect in new { perform(effect) }
  }

  /// Presses the keys of a script such as `hi<enter>`.
  mutating func press(_ script: String, sourceLocation: SourceLocation = #_sourceLocation) {
    guard let keys = Key.script(script) else {
      Issue.record("no key script: \(script)", sourceLocation: sourceLocation)
      return
    }
    for key in keys { press(key) }
  }

  mutating func press(_ key: Key) {
    if state.claims(key) {
      send(.key(key))
      return
    }
    send(.typed)
    switch key {
    case .enter: submit()
    case .alt(.enter), .control("j"): _ = text.handle(.character("\n"))
    default: _ = text.handle(key)
    }
    showPrompt()
  }

  /// Sends events of the engine to the running answer, or to another job.
  mutating func play(_ events: [JobEvent], ticket: Int? = nil) {
    guard let ticket = ticket ?? state.running?.ticket else {
      Issue.record("no answer is running")
      return
    }
    for event in events { send(.job(ticket: ticket, event)) }
  }

  /// Plays a whole answer to the running job.
  mutating func answer(
    _ text: String, finish: FinishReason = .stop, promptTokens: Int = 24
  ) {
    guard let running = state.running else {
      Issue.record("no answer is running")
      return
    }
    play([.started(promptTokens: promptTokens, reused: 0, contextLength: 2048)])
    var script = Script(settings: running.settings, start: state.clock.monotonic)
    script.context = promptTokens
    for chunk in script.chunks(of: text) {
      tick(script.gap(before: chunk))
      play([.tokens(chunk)])
    }
    play([.profile(script.profile())])
    play([.finished(script.provenance(finish, promptTokens: promptTokens))])
  }

  /// Plays events of the engine to the race that runs.
  mutating func play(race events: [JobEvent]) {
    guard let ticket = state.methods.race?.ticket else {
      Issue.record("no race is running")
      return
    }
    play(events, ticket: ticket)
  }

  /// The effects since the last call.
  mutating func takeEffects() -> [Effect] {
    defer { effects = [] }
    return effects
  }

  func screen(_ glyphs: GlyphSet = .ascii) -> String {
    var frame = Frame(size: state.size, glyphs: glyphs)
    draw(state, on: &frame)
    return frame.text
  }

  private mutating func submit() {
    let line = text.text
    text = LineEditor()
    showPrompt()
    if !line.allSatisfy(\.isWhitespace) { send(.submitted(line)) }
  }

  private mutating func perform(_ effect: Effect) {
    switch effect {
    case .setPrompt(let new):
      text = LineEditor(new)
      showPrompt()
    case .feedPrompt([13]): submit()
    default: break
    }
  }

  private mutating func showPrompt() {
    let before = String(text.characters.prefix(text.cursor))
    send(
      .prompt(
        PromptState(PromptDisplay(prompt: "> ", text: text.text, cursor: before.utf8.count))))
  }
}

extension [Effect] {
  /// The generate requests among the effects.
  var requests: [GenerateRequest] {
    compactMap { if case .submit(_, .generate(let request)) = $0 { request } else { nil } }
  }

  /// The ticket of the last job that makes a method ready.
  var preparing: Int? {
    compactMap { if case .submit(let ticket, .prepare) = $0 { ticket } else { nil } }.last
  }

  var records: [SessionRecord] {
    flatMap { if case .record(let records) = $0 { records } else { [SessionRecord]() } }
  }

  var copies: [String] { compactMap { if case .copy(let text) = $0 { text } else { nil } } }

  var cancels: [Int] { compactMap { if case .cancel(let ticket) = $0 { ticket } else { nil } } }

  var changes: [SamplerSettings] {
    compactMap { if case .change(_, let settings) = $0 { settings } else { nil } }
  }

  var quits: Bool { contains { if case .quit = $0 { true } else { false } } }
}
