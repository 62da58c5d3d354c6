import Inference
import Playground
import Runtime
import Terminal
import Testing

/// What happens in the chat: sending, branching, editing, stopping.
@Suite struct ChatUpdateTests {
  private static func chatted(_ width: Int = 80, _ height: Int = 24) -> Stage {
    var stage = Stage(width, height)
    stage.press("hello there<enter>")
    stage.answer("Hi!")
    stage.effects = []
    return stage
  }

  @Test func sendingSubmitsTheConversationWithTheKnobs() throws {
    var stage = Stage()
    stage.press("hello there<enter>")
    let request = try #require(stage.effects.requests.first)
    #expect(request.source == .chat([ChatTurn(role: .user, text: "hello there")]))
    #expect(request.settings == SamplerSettings())
    #expect(stage.state.running != nil)
    #expect(stage.state.session.title == "hello there")
    let written = stage.effects.records.compactMap { record in
      if case .message(let message) = record { message.role } else { nil }
    }
    #expect(written == [.user, .assistant])
  }

  @Test func tokensGrowTheAnswerAndAreRecorded() throws {
    let stage = Self.chatted()
    let branch = stage.state.chat.conversation.branch
    #expect(branch.map(\.text) == ["hello there", "Hi!"])
    #expect(branch[1].tokens == [100])
    #expect(branch[1].provenance?.finish == .stop)
    #expect(stage.state.running == nil)
    #expect(stage.state.chat.contextTokens == 25)
  }

  @Test func aSecondTurnSendsTheFirstWithItsExactTokens() throws {
    var stage = Self.chatted()
    stage.press("more<enter>")
    guard case .chat(let turns) = try #require(stage.effects.requests.first).source else {
      Issue.record("no chat was sent")
      return
    }
    #expect(turns.map(\.text) == ["hello there", "Hi!", "more"])
    #expect(turns[1].tokens == [100])
  }

  @Test func theSystemPromptGoesFirst() throws {
    var stage = Stage()
    stage.press("/system Be brief.<enter>hello<enter>")
    guard case .chat(let turns) = try #require(stage.effects.requests.first).source else { return }
    #expect(turns.map(\.role) == [.system, .user])
    #expect(turns[0].text == "Be brief.")
    #expect(stage.effects.records.contains(.system("Be brief.")))
  }

  @Test func aMessageWhileBusyWaitsAndIsSentNext() {
    var stage = Stage()
    stage.press("one<enter>two<enter>three<enter>")
    #expect(stage.state.chat.queue == ["two", "three"])
    stage.answer("1")
    #expect(stage.state.chat.queue == ["three"])
    #expect(stage.state.chat.conversation.branch.map(\.text) == ["one", "1", "two", ""])
  }

  @Test func aMessageBeforeTheModelIsThereIsSentOnceItIs() {
    var stage = Stage(model: nil)
    stage.send(.resize(Size(width: 80, height: 24)))
    _ = stage.state.load(path: Script.model.path)
    stage.press("early<enter>")
    #expect(stage.effects.requests.isEmpty)
    stage.play([.loaded(Script.model)], ticket: 1)
    #expect(stage.effects.requests.count == 1)
  }

  @Test func withoutAModelTheTextStaysInThePrompt() {
    var stage = Stage(model: nil)
    stage.press("hello<enter>")
    #expect(stage.state.prompt.text == "hello")
    #expect(stage.state.notice?.level == .error)
  }

  @Test func aModelWithoutTemplateContinuesPlainText() throws {
    var model = Script.model
    model.template = nil
    var stage = Stage(model: model)
    stage.press("Once upon<enter>")
    #expect(
      try #require(stage.effects.requests.first).source == .raw("Once upon", parsesSpecial: false))
    stage.play([.started(promptTokens: 3, reused: 0, contextLength: 2048)])
    let sources = stage.effects.records.compactMap { record -> PromptSource? in
      if case .answerStarted(_, _, _, _, _, let source, _) = record { source } else { nil }
    }
    #expect(sources == [.raw("Once upon", parsesSpecial: false)])
  }

  @Test func regenerateMakesASiblingWithAnotherSeed() throws {
    var stage = Self.chatted()
    stage.press("<esc>r")
    let request = try #require(stage.effects.requests.first)
    #expect(request.settings.seed == SamplerSettings().seed + 1)
    stage.answer("Hello!")
    let head = try #require(stage.state.chat.conversation.head)
    #expect(stage.state.chat.conversation.siblings(of: head).count == 2)
    #expect(stage.state.chat.conversation.branch.map(\.text) == ["hello there", "Hello!"])
  }

  @Test func aFixedSeedStaysFixed() throws {
    var stage = Stage()
    let index = try #require(KnobItem.all.firstIndex(of: .seed))
    stage.state.knobs.selected = index
    stage.press("<esc>3<space>1i")
    stage.press("a<enter>")
    stage.answer("b")
    #expect(stage.state.settings.seed == SamplerSettings().seed)
  }

  @Test func siblingsAreWalkedAndUndone() {
    var stage = Self.chatted()
    stage.press("<esc>r")
    stage.answer("Hello!")
    stage.press("h")
    #expect(stage.state.chat.conversation.branch.last?.text == "Hi!")
    stage.press("l")
    #expect(stage.state.chat.conversation.branch.last?.text == "Hello!")
    stage.press("l")
    #expect(stage.state.notice?.text.contains("last version") == true)
    stage.press("u")
    #expect(stage.state.chat.conversation.branch.last?.text == "Hi!")
    stage.press("U")
    #expect(stage.state.chat.conversation.branch.last?.text == "Hello!")
  }

  @Test func editingMyMessageMakesABranchAndAnAnswer() {
    var stage = Self.chatted()
    stage.press("<esc>e")
    #expect(stage.state.prompt.text == "hello there")
    #expect(stage.state.mode == .insert)
    stage.press("!<enter>")
    stage.answer("Hi again!")
    #expect(stage.state.chat.conversation.branch.map(\.text) == ["hello there!", "Hi again!"])
    #expect(stage.state.chat.conversation.siblings(of: 0).count == 2)
  }

  @Test func editingTheAnswerBranchesWithoutAnsweringAndCanBeContinued() throws {
    var stage = Self.chatted()
    stage.press("<esc>Ke")
    #expect(stage.state.prompt.text == "Hi!")
    stage.press("<C-u>Once<enter>")
    #expect(stage.effects.requests.isEmpty)
    #expect(stage.state.chat.conversation.branch.map(\.text) == ["hello there", "Once"])
    stage.press("<esc>c")
    guard case .chat(let turns) = try #require(stage.effects.requests.first).source else { return }
    #expect(turns.last == ChatTurn(role: .assistant, text: "Once"))
    stage.answer(" upon a time")
    #expect(stage.state.chat.conversation.branch.last?.text == "Once upon a time")
  }

  @Test func escapeGivesAnEditUp() {
    var stage = Self.chatted()
    stage.press("<esc>e<esc>")
    #expect(stage.state.chat.editing == nil)
    #expect(stage.state.prompt.text.isEmpty)
    #expect(stage.state.mode == .insert)
  }

  @Test func anEditorsTextReplacesTheMessage() {
    var stage = Self.chatted()
    stage.press("<esc>E")
    guard case .edit(.message(0), "hello there") = stage.effects.last else {
      Issue.record("no editor was asked for")
      return
    }
    stage.send(.edited(.message(0), "other words"))
    #expect(stage.state.chat.conversation.branch.first?.text == "other words")
    stage.send(.edited(.message(0), nil))
    #expect(stage.state.notice?.text.contains("given up") == true)
  }

  @Test func continuingRepeatsTheTokensThatWereThere() throws {
    var stage = Self.chatted()
    stage.press("<esc>c")
    guard case .chat(let turns) = try #require(stage.effects.requests.first).source else { return }
    #expect(turns.last == ChatTurn(role: .assistant, text: "Hi!", tokens: [100]))
    let made = stage.effects.records.compactMap { record -> ChatMessage? in
      if case .message(let message) = record { message } else { nil }
    }
    #expect(made.last?.text == "Hi!")
    #expect(made.last?.tokens == [100])
  }

  @Test func forkAsksForASessionOfItsOwn() {
    var stage = Self.chatted()
    stage.press("<esc>b")
    #expect(stage.effects.contains { if case .forkSession(at: 1) = $0 { true } else { false } })
  }

  @Test func stopKeepsThePartAndASecondPressGivesUp() {
    var stage = Stage()
    stage.press("go<enter>")
    stage.play([.started(promptTokens: 3, reused: 0, contextLength: 2048)])
    var script = Script(settings: stage.state.settings, start: 0)
    stage.play([.tokens(script.chunk("some"))])
    let ticket = stage.state.running?.ticket
    stage.press("<C-c>")
    #expect(stage.effects.cancels == [ticket])
    #expect(stage.state.running != nil)
    stage.tick(0.5)
    stage.press("<C-c>")
    #expect(stage.state.running == nil)
    #expect(stage.state.chat.conversation.branch.last?.text == "some")
    // What the job still says is dropped.
    stage.play([.tokens(script.chunk(" more"))], ticket: ticket)
    #expect(stage.state.chat.conversation.branch.last?.text == "some")
  }

  @Test func aSlowSecondPressAsksAgainOnly() {
    var stage = Stage()
    stage.press("go<enter><C-c>")
    stage.tick(1.5)
    stage.press("<C-c>")
    #expect(stage.state.running != nil)
    #expect(stage.effects.cancels.count == 2)
  }

  @Test func controlCWithoutARunClearsThenHints() {
    var stage = Stage()
    stage.press("text<C-c>")
    #expect(stage.state.prompt.text.isEmpty)
    stage.press("<C-c>")
    #expect(stage.state.notice?.text.contains("quits") == true)
    #expect(!stage.effects.quits)
  }

  @Test func anAnswerStoppedBeforeItsFirstTokenLeavesNoEmptyMessage() {
    var stage = Stage()
    stage.press("go<enter>")
    let script = Script(settings: stage.state.settings, start: 0)
    stage.play([.finished(script.provenance(.cancelled, promptTokens: 3))])
    #expect(stage.state.chat.conversation.branch.map(\.text) == ["go"])
  }

  @Test func aFailureIsALineAndALogEntry() {
    var stage = Stage()
    stage.press("go<enter>")
    stage.play([.failed(InferenceError(.outOfMemory, "no room for the cache"))])
    #expect(stage.state.running == nil)
    #expect(stage.state.notice == Notice(.error, "no room for the cache"))
    #expect(stage.state.log.last == stage.state.notice)
    stage.press("<esc>:log<enter>")
    #expect(stage.screen().contains("no room for the cache"))
  }

  @Test func aStreamThatEndsWithoutAWordEndsTheAnswer() {
    var stage = Stage()
    stage.press("go<enter>")
    stage.send(.jobEnded(ticket: stage.state.running?.ticket ?? 0))
    #expect(stage.state.running == nil)
    #expect(stage.state.notice?.level == .error)
  }

  @Test func aFullContextDropsTurnsOnlyWhenAsked() throws {
    var stage = Stage()
    for text in ["one", "two", "three"] {
      stage.press("\(text)<enter>")
      stage.answer("answer to \(text)")
    }
    stage.press("four<enter>")
    stage.effects = []
    stage.play([.contextFull(needed: 2100, capacity: 2048)])
    #expect(stage.state.running == nil)
    #expect(stage.effects.requests.isEmpty)
    stage.press("d")
    guard case .chat(let turns) = try #require(stage.effects.requests.first).source else { return }
    #expect(turns.map(\.text) == ["three", "answer to three", "four"])
    // Nothing is gone: the old branch is a sibling.
    #expect(stage.state.chat.conversation.messages.contains { $0.text == "one" })
    stage.answer("4")
    stage.press("<esc>u")
    #expect(stage.state.chat.conversation.branch.first?.text == "one")
  }

  @Test func aFullContextInMidAnswerGoesOnWithThePart() throws {
    var stage = Stage()
    stage.press("one<enter>")
    stage.answer("1")
    stage.press("two<enter>")
    stage.answer("part of", finish: .contextFull)
    stage.effects = []
    stage.press("d")
    guard case .chat(let turns) = try #require(stage.effects.requests.first).source else { return }
    #expect(turns.map(\.text) == ["two", "part of"])
    #expect(turns[1].tokens.count == 2)
  }

  @Test func aFullContextWithOneTurnOffersNoDrop() {
    var stage = Stage()
    stage.press("a very long message<enter>")
    stage.play([.contextFull(needed: 9000, capacity: 2048)])
    #expect(stage.screen().contains("no earlier turn"))
    stage.press("d")
    #expect(stage.state.running == nil)
    stage.press("e")
    #expect(stage.state.overlays.isEmpty)
  }

  @Test func whatWaitsBehindAFullContextComesBackToThePrompt() {
    var stage = Stage()
    stage.press("one<enter>two<enter>")
    #expect(stage.screen().contains("1 message queued"))
    stage.play([.contextFull(needed: 9000, capacity: 2048)])
    stage.press("e")
    #expect(stage.state.chat.queue.isEmpty)
    #expect(stage.state.prompt.text == "two")
  }

  @Test func theMeterNeverPassesTheContext() {
    var stage = Stage()
    stage.press("one<enter>")
    var script = Script(settings: SamplerSettings(), start: 0)
    script.context = 2048
    stage.play([.tokens(script.chunk("last"))])
    #expect(stage.state.chat.contextTokens == 2048)
  }

  @Test func aStoppedAnswerSaysSo() {
    var stage = Stage()
    stage.press("one<enter><C-c>")
    stage.answer("a part", finish: .cancelled)
    #expect(stage.state.notice?.text == "stopped: 2 tokens kept")
  }

  @Test func holdAndGoOn() {
    var stage = Stage()
    stage.press("go<enter><M-h>")
    #expect(stage.effects.contains { if case .hold(_, true) = $0 { true } else { false } })
    stage.press("<M-h>")
    #expect(stage.effects.contains { if case .hold(_, false) = $0 { true } else { false } })
  }

  @Test func copyTakesTheMessageOrItsCodeBlocksInTurn() {
    var stage = Stage()
    stage.press("code<enter>")
    stage.answer("Two:\n```\nfirst\n```\nand\n```c\nsecond\n```")
    stage.press("<esc>YYYy")
    #expect(stage.effects.copies.prefix(3) == ["first", "second", "first"])
    #expect(stage.effects.copies.last?.hasPrefix("Two:") == true)
  }

  @Test func theExactPromptOfAnAnswerEndsBeforeIt() throws {
    var stage = Self.chatted()
    stage.press("<esc>x")
    guard case .submit(_, .inspect(let source)) = try #require(stage.effects.last) else {
      Issue.record("nothing was inspected")
      return
    }
    #expect(source == .chat([ChatTurn(role: .user, text: "hello there")]))
  }

  @Test func twoSlashesSendOne() throws {
    var stage = Stage()
    stage.press("//help me<enter>")
    #expect(
      try #require(stage.effects.requests.first).source
        == .chat([ChatTurn(role: .user, text: "/help me")]))
  }

  @Test func anUnknownCommandIsSaidAndNotSent() {
    var stage = Stage()
    stage.press("/regnerate<enter>")
    #expect(stage.effects.requests.isEmpty)
    #expect(stage.state.notice?.text.contains("regenerate") == true)
  }
}
