import Inference
import Runtime
import Terminal

/// What the playground is started with.
package struct PlaygroundOptions {
  /// The model to load; nil starts without one.
  package var modelPath: String?
  /// Positions of the context; nil leaves it to the engine.
  package var contextLength: Int?
  package var settings = SamplerSettings()
  package var maximumTokens = 1024
  /// The methods that can be switched on.
  package var methods: [MethodEntry] = []
  /// The ways to paint a picture.
  package var painters: [MethodEntry] = []
  /// Those that are on at the start.
  package var selection = MethodSelection.none
  package var sessions: SessionStore
  package var resumed: SessionFile?
  /// Where the prompt's history is kept; nil keeps none.
  package var historyPath: String?
  /// A folder for the file that an editor works on.
  package var editorFolder: String
  package var hashes: ModelHash?
  /// Model files on this machine; called on another thread.
  package var listModels: @Sendable () -> [ModelEntry]
  /// The file that a person means by a name or a path.
  package var findModel: @Sendable (String) -> Result<String, InferenceError> = { .success($0) }
  package var screen = Screen.Options()
  /// Name and version, for session files.
  package var program: String

  package init(
    modelPath: String?, sessions: SessionStore, paths: PacelinePaths, program: String,
    listModels: @escaping @Sendable () -> [ModelEntry]
  ) {
    self.modelPath = modelPath
    self.sessions = sessions
    self.program = program
    self.listModels = listModels
    historyPath = paths.history
    editorFolder = paths.state
    hashes = ModelHash(file: paths.hashes)
  }
}

/// The playground on a real terminal.
package enum PlaygroundApp {
  /// Runs until the person quits; a signal that asks for the end ends the process itself.
  ///
  /// - Returns: the exit code.
  /// - Throws: why there can be no full screen; nothing was sent to the terminal then.
  @MainActor package static func run(
    _ options: PlaygroundOptions, submit: @escaping @Sendable (JobRequest) -> Job
  ) throws(ScreenError) -> Int32 {
    var screenOptions = options.screen
    if screenOptions.graceSeconds == 0 { screenOptions.graceSeconds = 3 }
    if screenOptions.title == nil { screenOptions.title = "paceline" }
    let screen = try Screen.open(screenOptions)
    let stage = RealStage(options, screen: screen, submit: submit)
    let signal = stage.run()
    screen.close()
    if let signal { TerminalGuard.die(by: signal) }
    return 0
  }
}

/// Screen, prompt, files and engine, tied to an event loop.
@MainActor private final class RealStage {
  private let options: PlaygroundOptions
  private let screen: Screen
  private let prompt: Prompt
  private let wakeup = Wakeup()
  private let mailbox: Mailbox
  private let desk: SessionDesk
  private let submit: @Sendable (JobRequest) -> Job
  private var requests: [Action] = []
  private var matches: [String] = []
  private var shownMatches: [String] = []
  private var shownSize: Size

  init(
    _ options: PlaygroundOptions, screen: Screen, submit: @escaping @Sendable (JobRequest) -> Job
  ) {
    self.options = options
    self.screen = screen
    self.submit = submit
    shownSize = screen.size
    let wakeup = wakeup
    mailbox = Mailbox { wakeup.wake() }
    desk = SessionDesk(store: options.sessions, mailbox: mailbox, program: options.program)
    var promptOptions = Prompt.Options()
    if let path = options.historyPath {
      Self.makeFolder(of: path)
      promptOptions.historyPath = path
    }
    prompt = Prompt(promptOptions)
    connectPrompt()
  }

  func run() -> Int32? {
    var state = PlaygroundState(
      size: screen.size, utcOffset: LocalTime.utcOffset(at: Timestamp.now),
      methods: options.methods, painters: options.painters)
    if screen.glyphs == .ascii { state.pictures.look.symbols = .ascii }
    state.pictures.look.depth = screen.theme.depth
    state.methods.take(options.selection)
    state.settings = options.settings
    state.maximumTokens = options.maximumTokens
    state.contextLength = options.contextLength
    state.findModel = options.findModel
    var effects: [Effect] = [.listSessions]
    if let path = options.modelPath { effects = state.load(path: path) + effects }
    let loop = EventLoop(
      state: state, mailbox: mailbox, decoder: KeyDecoder(sequences: screen.keySequences),
      outside: surroundings())
    if let file = options.resumed { resume(file) }
    screen.askTerminal()
    loop.run(effects: effects)
    prompt.close()
    return loop.terminationSignal
  }

  private func resume(_ file: SessionFile) {
    do throws(InferenceError) {
      try desk.take(file)
    } catch {
      mailbox.post(.notice(Notice(.error, error.message)))
    }
  }

  private func surroundings() -> Surroundings {
    var files = desk.port
    files.listModels = { [self] in listModels() }
    return Surroundings(
      submit: { [self] in watched($0) }, wait: { [self] in wait(until: $0) },
      present: { [self] in present($0) },
      clock: { Clock(wall: Timestamp.now, monotonic: monotonicNanoseconds()) },
      prompt: promptPort(), files: files, copy: { [self] in copy($0) },
      suspend: { [self] in screen.suspend() }, repaint: { [self] in screen.repaint() },
      edit: { [self] in edit($0) }, note: { [self] in screen.note($0) })
  }

  /// Submits a job; a model that gets loaded has its hash taken meanwhile.
  private func watched(_ request: JobRequest) -> Job {
    if case .load(let path, _) = request, let hashes = options.hashes {
      let mailbox = mailbox
      hashes.hash(of: path) { result in
        if case .success(let hash) = result { mailbox.post(.modelHash(path: path, hash: hash)) }
      }
    }
    return submit(request)
  }

  // MARK: Screen

  private func wait(until deadline: ContinuousClock.Instant?) -> LoopInput {
    let got = screen.wait(until: deadline, wakeup: wakeup)
    var input = LoopInput()
    input.bytes = got.bytes
    if got.needsFrame || screen.size != shownSize { input.size = screen.size }
    input.isStopRequested = got.isStopRequested
    input.terminationSignal = got.terminationSignal
    input.isClosed = got.isClosed
    return input
  }

  private func present(_ state: PlaygroundState) {
    if shownSize != screen.size {
      shownSize = screen.size
      prompt.setSize(rows: screen.size.height, columns: Layout.promptWidth(of: screen.size))
    }
    var frame = screen.makeFrame()
    draw(state, on: &frame)
    screen.present(frame)
  }

  private func copy(_ text: String) -> Notice {
    switch screen.copyToClipboard(text) {
    case .sent(let route):
      Notice(.info, "copied \(counted(text.count, "character")) through \(route)")
    case .refused(let reason): Notice(.warning, "not copied: \(reason)")
    }
  }

  // MARK: Prompt

  private func connectPrompt() {
    prompt.setSize(rows: screen.size.height, columns: Layout.promptWidth(of: screen.size))
    prompt.commandNames = { Commands.all.map(\.name) + KnobItem.all.map(\.id) }
    prompt.onSubmit = { [unowned self] in requests.append(.submitted($0)) }
    prompt.onCompletions = { [unowned self] in matches = $0 }
    prompt.onEditor = { [unowned self] in requests.append(.command("editor")) }
    prompt.onEndOfInput = { [unowned self] in requests.append(.command("quit")) }
    prompt.refill = { [unowned self] in screen.readMore(milliseconds: 100) }
  }

  private func promptPort() -> PromptPort {
    PromptPort(
      feed: { [self] bytes in
        matches = []
        prompt.feed(bytes)
      },
      paste: { [self] in prompt.paste($0) },
      setText: { [self] in $0.isEmpty ? prompt.clear() : prompt.setText($0) },
      changed: { [self] in
        guard prompt.needsDisplay || matches != shownMatches else { return nil }
        shownMatches = matches
        return PromptState(prompt.display(), matches: matches)
      },
      requests: { [self] in
        defer { requests = [] }
        return requests
      })
  }

  // MARK: Files

  private func listModels() {
    let mailbox = mailbox
    let list = options.listModels
    Task.detached(priority: .utility) { mailbox.post(.models(list())) }
  }

  /// Lets `$VISUAL`, `$EDITOR`, vi or nano work on a text.
  private func edit(_ text: String) -> Result<String?, InferenceError> {
    do throws(InferenceError) {
      try SystemFile.makeFolder(options.editorFolder)
      let path =
        "\(options.editorFolder)/message-\(Timestamp.text(Timestamp.now).filter(\.isNumber)).md"
      try SystemFile(path, .create).append(Array(text.utf8))
      defer { SystemFile.remove(path) }
      guard runEditor(on: path) else { return .success(nil) }
      let bytes = try SystemFile.contents(of: path, limit: 1 << 22)
      var edited = String(decoding: bytes, as: UTF8.self)
      while edited.last?.isNewline == true { edited.removeLast() }
      return .success(edited.isEmpty ? nil : edited)
    } catch {
      return .failure(error)
    }
  }

  /// Runs the first editor that starts; false where it failed or was given up.
  private func runEditor(on path: String) -> Bool {
    let chosen = ["VISUAL", "EDITOR"].compactMap { Environment.value(of: $0) }.filter {
      !$0.isEmpty
    }
    for editor in chosen.prefix(1) + ["vi", "nano"] {
      // 127 is the shell's word for a command that is not there.
      guard let status = screen.runChild(editor, arguments: [path]), status != 127 else { continue }
      return status == 0
    }
    return false
  }

  private static func makeFolder(of path: String) {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
    // Without the folder the history is not kept; the prompt works all the same.
    try? SystemFile.makeFolder(String(path[..<slash]))
  }
}
