import Inference
import Playground
import Runtime
import Terminal
import Testing

/// Modes, panes, layers, scrolling, sessions and models.
@Suite struct ModeUpdateTests {
  static func long() -> Stage {
    var stage = Stage()
    stage.press("tell<enter>")
    stage.answer((1...60).map { "line \($0)" }.joined(separator: "\n"))
    return stage
  }

  @Test func aLetterWithoutMeaningSaysSo() {
    var stage = Stage()
    stage.press("<esc>w")
    #expect(stage.state.notice?.text.hasPrefix("w does nothing here") == true)
  }

  @Test func lettersTypeInInsertAndActInNormal() {
    var stage = Stage()
    stage.press("qz")
    #expect(stage.state.prompt.text == "qz")
    stage.press("<esc>z")
    #expect(stage.state.isZoomed)
    stage.press("i")
    #expect(stage.state.mode == .insert)
  }

  @Test func viInsertModeKeepsTheFirstEscape() {
    var stage = Stage()
    stage.send(
      .prompt(PromptState(PromptDisplay(prompt: "> ", text: "a", cursor: 1, mode: .viInsert))))
    #expect(!stage.state.claims(.escape))
    stage.send(
      .prompt(PromptState(PromptDisplay(prompt: "> ", text: "a", cursor: 0, mode: .viCommand))))
    #expect(stage.state.claims(.escape))
  }

  @Test func escapeEndsAHistorySearchFirst() {
    var stage = Stage()
    stage.send(
      .prompt(
        PromptState(PromptDisplay(prompt: "(search)", text: "a", cursor: 1, isSearching: true))))
    stage.press("<esc>")
    #expect(stage.state.mode == .insert)
    #expect(stage.effects.contains { if case .feedPrompt([7]) = $0 { true } else { false } })
  }

  @Test func panesAreChosenByNumberAnywhere() {
    var stage = Stage()
    stage.press("abc<M-3>")
    #expect(stage.state.focus == .knobs)
    #expect(stage.state.mode == .normal)
    stage.press("1")
    #expect(stage.state.focus == .chat)
    stage.press("<tab><tab>")
    #expect(stage.state.focus == .knobs)
    stage.press("<backtab>5")
    #expect(stage.state.focus == .sessions)
    #expect(stage.state.prompt.text == "abc")
  }

  @Test func quitAsksOnlyWhileSomethingRuns() {
    var stage = Stage()
    stage.press("<esc>q")
    #expect(stage.effects.quits)
    stage = Stage()
    stage.press("go<enter><esc>q")
    #expect(!stage.effects.quits)
    stage.press("n")
    #expect(stage.state.overlays.isEmpty)
    stage.press("qy")
    #expect(stage.effects.quits)
  }

  @Test func controlDQuitsOnAnEmptyPromptOnly() {
    var stage = Stage()
    stage.press("a")
    #expect(!stage.state.claims(.control("d")))
    stage.press("<C-c><C-d>")
    #expect(stage.effects.quits)
  }

  @Test func aTooSmallTerminalStillQuitsAndStops() {
    var stage = Stage()
    stage.press("go<enter>")
    stage.send(.resize(Size(width: 15, height: 3)))
    stage.press("<C-c>")
    #expect(stage.effects.cancels.count == 1)
    stage.press("qy")
    #expect(stage.effects.quits)
  }

  @Test func theRunGoesOnInATooSmallTerminal() {
    var stage = Stage()
    stage.press("go<enter>")
    stage.send(.resize(Size(width: 10, height: 2)))
    stage.answer("done in the dark")
    stage.send(.resize(Size(width: 80, height: 24)))
    #expect(stage.screen().contains("done in the dark"))
  }

  @Test func anUpwardMoveEndsFollowingAndNewLinesAreCounted() {
    var stage = Self.long()
    stage.press("more<enter><esc>k")
    #expect(!stage.state.chat.scroll.isFollowing)
    stage.answer("a\nb\nc")
    #expect(stage.screen().contains("new line"))
    stage.press("G")
    #expect(stage.state.chat.scroll.isFollowing)
    #expect(!stage.screen().contains("new line"))
  }

  @Test func messagesAreChosenAndLeft() {
    var stage = Self.long()
    stage.press("<esc>K")
    #expect(stage.state.chat.cursor == 1)
    stage.press("K")
    #expect(stage.state.chat.cursor == 0)
    #expect(stage.screen().contains("> you"))
    stage.press("JJ")
    #expect(stage.state.chat.cursor == nil)
    #expect(stage.state.chat.scroll.isFollowing)
  }

  @Test func searchJumpsFromMatchToMatch() {
    var stage = Self.long()
    stage.press("<esc>/line 1<enter>")
    let first = stage.state.chat.search?.line
    #expect(first != nil)
    stage.press("N")
    #expect(stage.state.chat.search?.line != first)
    stage.press("n")
    #expect(stage.state.chat.search?.line == first)
    #expect(stage.state.notice?.text.contains("of 11") == true)
    stage.press("/nowhere<enter>")
    #expect(stage.state.notice?.text == "no match for 'nowhere'")
  }

  @Test func foundTextIsMarkedOnTheScreen() {
    var stage = Self.long()
    stage.press("<esc>/LINE 7<enter>")
    var frame = Frame(size: stage.state.size)
    draw(stage.state, on: &frame)
    let marked = (0..<24).flatMap { y in
      frame.row(y).filter { $0.style == Style(.search) }.map(\.text)
    }
    #expect(marked.joined() == "line 7")
  }

  @Test func loadingAnotherModelKeepsTheOldOneWhereItFails() {
    var stage = Stage()
    stage.press("<esc>m")
    #expect(stage.effects.contains { if case .listModels = $0 { true } else { false } })
    stage.send(.models([ModelEntry(name: "other", path: "/m/other.gguf", bytes: 1 << 20)]))
    stage.press("<enter>")
    guard case .submit(let ticket, .load(let path, _)) = stage.effects.last else {
      Issue.record("nothing was loaded")
      return
    }
    #expect(path == "/m/other.gguf")
    stage.play([.failed(InferenceError(.modelFile, "wrong magic at offset 0"))], ticket: ticket)
    #expect(stage.state.model.summary == Script.model)
    #expect(stage.state.notice?.text.contains("wrong magic") == true)
  }

  @Test func aFirstModelThatFailsIsSaidInTheChat() {
    var stage = Stage(120, 40, model: nil)
    _ = stage.state.load(path: "/m/bad.gguf")
    stage.play([.failed(InferenceError(.modelFile, "wrong magic at offset 0"))], ticket: 1)
    #expect(stage.screen().contains("wrong magic at offset 0"))
  }

  @Test func sessionsAreListedFilteredAndOpened() {
    var stage = Stage()
    stage.press("<esc>5")
    stage.send(.sessions(ScreenGoldenTests.sessions))
    stage.press("/swift<enter>")
    #expect(stage.state.sessions.shown.map(\.id) == ["c"])
    stage.press("<enter>")
    #expect(
      stage.effects.contains { if case .openSession("/s/c.jsonl") = $0 { true } else { false } })
  }

  @Test func anOpenedSessionReplacesTheChat() {
    var stage = Stage()
    stage.press("before<enter>")
    stage.answer("x")
    var conversation = Conversation()
    let first = conversation.append(.user, "old question", after: nil, time: 0)
    conversation.append(.assistant, "old answer", after: first, time: 0)
    var settings = SamplerSettings()
    settings.temperature = 0.3
    stage.effects = []
    stage.send(
      .sessionOpened(
        OpenedSession(id: "z", title: "old", conversation: conversation, settings: settings)))
    #expect(stage.state.chat.conversation.branch.map(\.text) == ["old question", "old answer"])
    #expect(stage.state.settings.temperature == 0.3)
    #expect(stage.screen().contains("old answer"))
    // Its context is counted by the engine.
    #expect(stage.effects.contains { if case .submit(_, .inspect) = $0 { true } else { false } })
  }

  @Test func aNewSessionKeepsTheSystemPrompt() {
    var stage = Stage()
    stage.press("/system Be kind.<enter>hi<enter>")
    stage.answer("x")
    stage.press("<M-s>")
    #expect(stage.state.chat.conversation.messages.isEmpty)
    #expect(stage.state.chat.conversation.system == "Be kind.")
    #expect(stage.effects.contains { if case .closeSession = $0 { true } else { false } })
  }

  @Test func theModelsHashIsRecordedOnceKnown() {
    var stage = Stage()
    stage.press("hi<enter>")
    stage.send(.modelHash(path: Script.model.path, hash: "abc"))
    let models = stage.effects.records.compactMap { record -> ModelReference? in
      if case .model(let model) = record { model } else { nil }
    }
    #expect(models.map(\.hash) == ["abc"])
    #expect(stage.state.sessionHeader(program: "p", created: "now")?.modelHash == "abc")
  }

  @Test func aHashThatIsKnownBeforeTheModelIsKeptForIt() {
    var stage = Stage(model: nil)
    _ = stage.state.load(path: Script.model.path)
    stage.send(.modelHash(path: "/models/other.gguf", hash: "other"))
    stage.send(.modelHash(path: Script.model.path, hash: "abc"))
    stage.play([.loaded(Script.model)], ticket: 1)
    #expect(stage.state.sessionHeader(program: "p", created: "now")?.modelHash == "abc")
    // It says nothing of what is loaded next.
    _ = stage.state.load(path: Script.model.path)
    stage.play([.loaded(Script.model)], ticket: stage.state.nextTicket - 1)
    #expect(stage.state.modelHash.isEmpty)
  }

  @Test func aScarceContextIsWarnedOf() {
    var stage = Stage()
    stage.press("hi<enter>")
    stage.play([.started(promptTokens: 1700, reused: 0, contextLength: 2048)])
    #expect(stage.screen().contains("83% !"))
  }

  @Test func terminationSavesAndQuits() {
    var stage = Stage()
    stage.send(.terminate)
    #expect(stage.effects.quits)
    #expect(stage.effects.contains { if case .syncSession = $0 { true } else { false } })
  }

  @Test func theContextMapCountsEveryToken() {
    var stage = Stage()
    stage.press("hi you<enter>")
    stage.answer("Hello!")
    stage.press("<esc>rh")
    guard
      case .submit(let ticket, .inspect) = stage.effects.last(where: { effect in
        if case .submit(_, .inspect) = effect { true } else { false }
      })
    else { return }
    let tokens: [(id: TokenID, text: String, isSpecial: Bool)] = [
      (1, "<|im_start|>", true), (2, "user\n", false), (3, "hi", false), (4, " you", false),
      (5, "<|im_end|>", true), (6, "\n", false), (1, "<|im_start|>", true),
      (7, "assistant\n", false), (8, "Hello", false), (9, "!", false),
    ]
    stage.play([.inspected(PromptTokens(tokens: tokens))], ticket: ticket)
    let counted = stage.state.sessions.contextMap
    #expect(counted.map(\.tokens) == [2, 2, 4, 2])
    #expect(counted.map(\.origin) == [.template, .user, .template, .assistant])
  }

  @Test(arguments: [(80, 24), (120, 40)])
  func aSessionThatIsNotSavedIsSaidSoAndAskedAbout(_ width: Int, _ height: Int) {
    var stage = Stage(width, height)
    stage.send(.sessionFailed("disk full"))
    #expect(stage.screen().contains("NOT SAVED"))
    stage.send(.command("quit"))
    #expect(!stage.state.isQuitting)
    #expect(stage.screen().contains("disk full"))
    stage.press(.character("n"))
    stage.send(.sessionFailed(nil))
    #expect(!stage.screen().contains("NOT SAVED"))
    stage.send(.command("quit"))
    #expect(stage.state.isQuitting)
  }

  @Test func whatNobodyAskedForHidesNoError() {
    var stage = Stage(model: nil)
    _ = stage.state.load(path: Script.model.path)
    stage.send(.notice(Notice(.error, "open in another paceline")))
    stage.play([.loaded(Script.model)], ticket: 1)
    #expect(stage.state.notice?.text == "open in another paceline")
    #expect(stage.state.log.contains { $0.text.contains("loaded in") })
  }
}
