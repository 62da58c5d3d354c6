import Dispatch
import Inference
import Playground
import Runtime
import Terminal
import Testing

/// The event loop with everything around it played.
@Suite @MainActor struct EventLoopTests {
  /// A terminal that types a script, a prompt of one line, and an engine with scripted answers.
  @MainActor final class World {
    var inputs: [LoopInput] = []
    var deadlines: [ContinuousClock.Instant?] = []
    var shown: [PlaygroundState] = []
    var requests: [JobRequest] = []
    var controls: [DecodingControl] = []
    var records: [SessionRecord] = []
    var log: [String] = []
    var text = LineEditor()
    /// How often the prompt was given bytes.
    var feeds = 0
    var sent: [Action] = []
    var promptChanged = true
    /// What the engine says to each request.
    var script: (JobRequest, DecodingControl) -> [JobEvent] = { _, _ in [] }
    /// Runs when the script of inputs is over and nothing is left to do; answers the last input.
    var whenIdle: (PlaygroundState) -> LoopInput? = { _ in nil }
    let woken = DispatchSemaphore(value: 0)
    var time = 1_000_000_000 as UInt64

    func type(_ bytes: String) {
      var input = LoopInput()
      input.bytes = Array(bytes.utf8)
      inputs.append(input)
    }

    private func wait(_ deadline: ContinuousClock.Instant?) -> LoopInput {
      deadlines.append(deadline)
      if !inputs.isEmpty {
        let input = inputs.removeFirst()
        // Nothing at all is a deadline that passed; anything else comes at once.
        if input.bytes.isEmpty, input.size == nil { time += 2_000_000_000 }
        return input
      }
      if deadline == nil, let state = shown.last, state.running == nil, let last = whenIdle(state) {
        return last
      }
      // A real terminal waits for its deadline; here a word of the engine or ten seconds end it.
      if deadline == nil { _ = woken.wait(timeout: .now() + 10) }
      return LoopInput()
    }

    var outside: Surroundings {
      Surroundings(
        submit: { [self] request in
          requests.append(request)
          let control = DecodingControl()
          controls.append(control)
          let (events, continuation) = AsyncStream.makeStream(of: JobEvent.self)
          for event in script(request, control) { continuation.yield(event) }
          continuation.finish()
          return Job(id: requests.count, events: events, control: control)
        },
        wait: { [self] in wait($0) }, present: { [self] in shown.append($0) },
        clock: { [self] in
          time += 1_000_000
          return Clock(wall: Stage.start, monotonic: time)
        },
        prompt: prompt, files: files,
        copy: { [self] text in
          log.append("copy \(text)")
          return Notice(.info, "copied")
        },
        suspend: { [self] in
          log.append("suspend, held: \(controls.allSatisfy(\.isHeld))")
        },
        repaint: { [self] in log.append("repaint") },
        edit: { .success($0.uppercased()) })
    }

    private var prompt: PromptPort {
      PromptPort(
        feed: { [self] bytes in
          feeds += 1
          for byte in bytes {
            if byte == 13 {
              sent.append(.submitted(text.text))
              text = LineEditor()
            } else {
              _ = text.handle(.character(Character(Unicode.Scalar(byte))))
            }
          }
          promptChanged = true
        },
        paste: { [self] in
          _ = text.handle(.paste($0))
          promptChanged = true
        },
        setText: { [self] in
          text = LineEditor($0)
          promptChanged = true
        },
        changed: { [self] in
          guard promptChanged else { return nil }
          promptChanged = false
          return PromptState(
            PromptDisplay(prompt: "> ", text: text.text, cursor: text.text.utf8.count))
        },
        requests: { [self] in
          defer { sent = [] }
          return sent
        })
    }

    private var files: FilePort {
      FilePort(
        record: { [self] records, _ in self.records += records },
        closeSession: { [self] in log.append("close") }, sync: { [self] in log.append("sync") },
        listSessions: {}, openSession: { [self] in log.append("open \($0)") },
        forkSession: { _ in },
        listModels: {},
        exportRace: { [self] race in
          log.append("export \(race.method)")
          return Notice(.info, "written")
        }, news: { [] })
    }
  }

  private static func quit() -> LoopInput {
    var input = LoopInput()
    input.bytes = [4]
    return input
  }

  private static func answering(_ words: [String]) -> (JobRequest, DecodingControl) -> [JobEvent] {
    { request, _ in
      switch request {
      case .load: return [.loaded(Script.model)]
      case .prepare: return [.prepared]
      case .inspect: return [.inspected(PromptTokens(tokens: []))]
      case .generate(let request):
        var script = Script(settings: request.settings, start: 0)
        let chunks = words.map { script.chunk($0) }
        return [.started(promptTokens: 5, reused: 0, contextLength: 2048)]
          + chunks.map(JobEvent.tokens) + [.finished(script.provenance(.stop, promptTokens: 5))]
      case .race(let request): return RaceScript(request).all()
      case .paint(let request): return PicturesTests.events(request)
      }
    }
  }

  /// A state in which the given load was asked for.
  private static func world(_ words: [String] = ["Hel", "lo"]) -> World {
    let world = World()
    world.script = answering(words)
    return world
  }

  private static func started(_ world: World) -> EventLoop {
    var state = PlaygroundState(size: Size(width: 80, height: 24))
    let effects = state.load(path: Script.model.path)
    let woken = world.woken
    let loop = EventLoop(
      state: state, mailbox: Mailbox { woken.signal() }, outside: world.outside)
    loop.run(effects: effects)
    return loop
  }

  @Test func aTypedLineIsAnsweredAndTheLastStateIsShown() throws {
    let world = Self.world()
    world.type("hi\r")
    world.whenIdle = { $0.chat.conversation.branch.last?.text == "Hello" ? Self.quit() : nil }
    let loop = Self.started(world)
    #expect(loop.state.chat.conversation.branch.map(\.text) == ["hi", "Hello"])
    #expect(world.shown.last?.chat.conversation.branch.last?.text == "Hello")
    #expect(world.requests.count >= 2)
    #expect(world.log.last == "sync")
    #expect(loop.terminationSignal == nil)
  }

  @Test(arguments: [("", true), ("x", false)])
  func whatACommandSaysStaysUntilTheNextKey(_ next: String, isShown: Bool) {
    let world = Self.world()
    world.type("/nonsense\r" + next)
    var closed = LoopInput()
    closed.isClosed = true
    world.inputs.append(closed)
    let state = PlaygroundState(size: Size(width: 80, height: 24))
    let loop = EventLoop(state: state, mailbox: Mailbox {}, outside: world.outside)
    loop.run()
    #expect(loop.state.log.contains { $0.text.hasPrefix("no command 'nonsense'") })
    #expect((loop.state.notice?.level == .warning) == isShown)
  }

  @Test func textInOnePieceGoesToThePromptAsAWhole() {
    let world = Self.world()
    let words = String(repeating: "word ", count: 1000)
    world.type(words + "\u{7F}more")
    var closed = LoopInput()
    closed.isClosed = true
    world.inputs.append(closed)
    let state = PlaygroundState(size: Size(width: 80, height: 24))
    let loop = EventLoop(state: state, mailbox: Mailbox {}, outside: world.outside)
    loop.run()
    #expect(world.feeds == 3)
    #expect(loop.state.prompt.text.hasPrefix(words.dropLast()))
    #expect(loop.state.prompt.text.hasSuffix("more"))
  }

  @Test func theFirstFrameComesBeforeAnyEvent() throws {
    let world = Self.world()
    world.whenIdle = { _ in Self.quit() }
    _ = Self.started(world)
    let first = try #require(world.shown.first)
    guard case .loading = first.model else {
      Issue.record("the first frame shows \(first.model)")
      return
    }
  }

  @Test func anIdleLoopArmsNoTimer() {
    let world = Self.world()
    world.whenIdle = { _ in Self.quit() }
    _ = Self.started(world)
    #expect(world.deadlines.contains { $0 == nil })
    #expect(world.deadlines.last == .some(nil))
  }

  @Test func aBurstOfEventsIsDrawnFewTimes() throws {
    let words = (0..<2_000).map { "w\($0) " }
    let world = Self.world(words)
    world.type("go\r")
    world.whenIdle = { $0.chat.conversation.branch.last?.provenance != nil ? Self.quit() : nil }
    let loop = Self.started(world)
    #expect(loop.state.chat.conversation.branch.last?.text == words.joined())
    #expect(world.shown.count < 1_000)
    #expect(world.shown.last?.running == nil)
  }

  @Test func aSignalSavesAndEnds() {
    let world = Self.world()
    var input = LoopInput()
    input.terminationSignal = 15
    world.inputs = [input]
    let loop = Self.started(world)
    #expect(loop.terminationSignal == 15)
    #expect(world.log.contains("sync"))
  }

  @Test func aLostTerminalEndsTheLoop() {
    let world = Self.world()
    var input = LoopInput()
    input.isClosed = true
    world.inputs = [input]
    let loop = Self.started(world)
    #expect(loop.state.isQuitting)
  }

  @Test func suspendingHoldsTheEngine() {
    let world = Self.world()
    world.type("\u{1A}")
    world.whenIdle = { _ in Self.quit() }
    _ = Self.started(world)
    #expect(world.log.contains("suspend, held: true"))
    #expect(world.controls.allSatisfy { !$0.isHeld })
  }

  @Test func aPasteWithLineEndsNeverSends() {
    let world = Self.world()
    world.type("\u{1B}[200~one\rtwo\r\u{1B}[201~")
    world.whenIdle = { _ in
      var input = LoopInput()
      input.isClosed = true
      return input
    }
    let loop = Self.started(world)
    #expect(loop.state.chat.conversation.messages.isEmpty)
    #expect(loop.state.prompt.text == "one two ")
  }

  @Test func aKeyAfterEscapeInOneReadIsACommand() {
    let world = Self.world()
    world.type("\u{1B}")
    world.inputs.append(LoopInput())
    world.type("z")
    world.whenIdle = { _ in
      var input = LoopInput()
      input.isClosed = true
      return input
    }
    let loop = Self.started(world)
    #expect(loop.state.isZoomed)
  }

  @Test func anAnswerOfTheTerminalIsNotCutByAnotherEvent() {
    let world = Self.world()
    var event = LoopInput()
    event.size = Size(width: 80, height: 24)
    for piece in ["a\u{1B}", "_Gi=1346454341;", "OK\u{1B}", "\\b"] {
      world.type(piece)
      world.inputs.append(event)
    }
    world.whenIdle = { _ in
      var input = LoopInput()
      input.isClosed = true
      return input
    }
    let loop = Self.started(world)
    #expect(loop.state.prompt.text == "ab" && loop.state.mode == .insert)
  }

  @Test func aVeryLongPasteIsRefused() {
    let world = Self.world()
    world.type("\u{1B}[200~" + String(repeating: "a", count: 70_000) + "\u{1B}[201~b")
    world.whenIdle = { _ in
      var input = LoopInput()
      input.isClosed = true
      return input
    }
    let loop = Self.started(world)
    #expect(loop.state.prompt.text == "b")
    #expect(loop.state.log.contains { $0.text.contains("not taken") })
  }

  @Test func aKnobReachesTheRunningJob() throws {
    let world = Self.world()
    // An answer that never ends by itself.
    world.script = { request, control in
      switch request {
      case .load: [.loaded(Script.model)]
      case .inspect, .race, .prepare, .paint: []
      case .generate: [.started(promptTokens: 3, reused: 0, contextLength: 2048)]
      }
    }
    var state = PlaygroundState(size: Size(width: 80, height: 24))
    state.model = .ready(Script.model)
    let woken = world.woken
    world.type("go\r\u{1B}[19~")
    var closed = LoopInput()
    closed.isClosed = true
    world.inputs.append(closed)
    let loop = EventLoop(state: state, mailbox: Mailbox { woken.signal() }, outside: world.outside)
    loop.run()
    #expect(try #require(world.controls.first).takeSettings()?.temperature == 0.85)
  }
}
