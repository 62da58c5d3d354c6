import Inference
import Playground
import Runtime
import Terminal
import Testing

/// Methods as switches: what is on, its knobs, and what was measured of it.
@Suite struct MethodsUpdateTests {
  @Test func aMethodThatIsOnMakesTheNextAnswerAndStandsInTheTitle() {
    var stage = Stage()
    stage.press("hi<enter>")
    #expect(stage.effects.requests.last?.methods == MethodSelection.none)
    stage.answer("hello")
    stage.press("<esc>6<space>")
    #expect(stage.state.methods.selection == TestMethods.trie)
    #expect(stage.screen().split(separator: "\n").first?.contains("+trie") == true)
    stage.press("imore<enter>")
    #expect(stage.effects.requests.last?.methods == TestMethods.trie)
    stage.press("<esc>6<space>")
    #expect(stage.state.methods.selection.isPlain)
  }

  @Test func aConflictIsSaidAndChangesNothing() {
    var stage = Stage()
    stage.press("<esc>6<space>")
    let before = stage.state.methods.setup
    stage.press(":method prompt-lookup<enter>")
    #expect(stage.state.methods.setup == before)
    #expect(
      stage.state.notice?.text
        == "lookahead-trie and prompt-lookup both want the drafter: switch one of them off")
    stage.press(":method judge<enter>")
    #expect(stage.state.methods.selection.choices.map(\.id) == ["lookahead-trie", "judge"])
  }

  @Test func aMethodThatLacksSomethingIsSwitchedOffAgainAndSaysWhat() throws {
    var stage = Stage()
    stage.press("<esc>6<space>")
    let first: Int = try #require(stage.effects.preparing)
    stage.play(
      [.failed(InferenceError(.invalidRequest, "no smaller model is known"))], ticket: first)
    #expect(stage.state.methods.selection.isPlain)
    #expect(stage.state.notice?.text == "lookahead-trie stays off: no smaller model is known")
    stage.press("<space>")
    let second: Int = try #require(stage.effects.preparing)
    stage.play([.prepared], ticket: second)
    #expect(stage.state.methods.selection == TestMethods.trie)
  }

  @Test func itsKnobsAreTurnedLikeTheSamplers() {
    var stage = Stage()
    stage.press("<esc>6j")
    #expect(stage.state.methods.cursor == .knob(method: 0, knob: 0))
    stage.press("llLh")
    #expect(stage.state.methods.setup.choice("lookahead-trie").values == ["nodes": 19])
    stage.press("<enter><C-u>99<enter>")
    #expect(stage.state.notice?.text == "nodes goes from 1 to 48")
    stage.press("<enter><C-u>24<enter>")
    #expect(stage.state.methods.setup.choice("lookahead-trie").values == ["nodes": 24])
    stage.press("d")
    #expect(stage.state.methods.setup.choice("lookahead-trie").values.isEmpty)
    stage.press("jlll")
    #expect(stage.state.methods.setup.choice("lookahead-trie").values == ["decay": 0.65])
  }

  @Test func theCursorWalksThroughTheKnobsOfOneMethodAtATime() {
    var stage = Stage()
    stage.press("<esc>6")
    var seen: [MethodRow] = []
    for _ in 0..<8 {
      seen.append(stage.state.methods.cursor)
      stage.press("j")
    }
    #expect(
      seen == [
        .method(0), .knob(method: 0, knob: 0), .knob(method: 0, knob: 1), .method(1), .method(2),
        .method(3), .governor, .governor,
      ])
    stage.press("kkkk")
    #expect(stage.state.methods.cursor == .method(0))
    stage.press("G")
    #expect(stage.state.methods.cursor == .governor)
  }

  @Test func changesActFromTheNextAnswerOnAndThatIsSaid() {
    var stage = Stage()
    stage.press("hi<enter><esc>6<space>")
    #expect(stage.state.notice?.text == "lookahead-trie on: from the next answer on")
    #expect(stage.state.running?.methods.isPlain == true)
    stage.answer("hello")
    stage.press("imore<enter>")
    #expect(stage.state.running?.methods == TestMethods.trie)
    #expect(
      stage.effects.records.contains {
        if case .answerStarted(_, _, _, _, _, _, let methods) = $0 {
          methods.isPlain
        } else {
          false
        }
      })
  }

  @Test func theCommandTakesNamesKnobsAndOff() {
    var stage = Stage()
    stage.press("/method lookahead-trie:nodes=4<enter>")
    #expect(
      stage.state.methods.selection.choices == [
        MethodChoice("lookahead-trie", values: ["nodes": 4])
      ]
    )
    stage.press("/method off<enter>")
    #expect(stage.state.methods.selection.isPlain)
    // Switched on again it is as it was; part of a name will do.
    stage.press("/method trie<enter>")
    #expect(stage.state.notice?.text == "lookahead-trie:nodes=4 on")
    stage.press("/method trie off<enter>")
    #expect(stage.state.methods.selection.isPlain)
    stage.press("/method trie:nodes=400<enter>")
    #expect(stage.state.notice?.level == .warning)
    #expect(stage.state.methods.selection.isPlain)
    stage.press("/method nothing<enter>")
    #expect(stage.state.notice?.text.hasPrefix("no method is called nothing") == true)
    stage.press("/method<enter>")
    #expect(stage.state.focus == .methods)
  }

  @Test func theGovernorIsASwitchToo() {
    var stage = Stage()
    stage.press("<esc>6<space>G<space>ihi<enter>")
    #expect(stage.effects.requests.last?.methods.isGoverned == false)
    #expect(stage.effects.requests.last?.methods.title == "lookahead-trie (ungoverned)")
  }

  @Test func switchesAndKnobsAreUndone() {
    var stage = Stage()
    stage.press("<esc>6<space>jlu")
    #expect(stage.state.methods.selection == TestMethods.trie)
    stage.press("u")
    #expect(stage.state.methods.selection.isPlain)
    #expect(stage.state.notice?.text == "undone: baseline")
    stage.press("U")
    #expect(stage.state.methods.selection == TestMethods.trie)
  }

  @Test func noFigureIsShownThatWasNotMeasured() {
    var stage = Stage(120, 40)
    stage.press("<esc>6")
    #expect(stage.screen().contains("not measured yet"))
    #expect(!stage.screen().contains("/pass"))
  }

  @Test func anAnswerTellsTokensPerPassButNoSpeedRatio() throws {
    var stage = Stage(120, 40)
    stage.press("/method trie<enter>hi<enter>")
    let running = try #require(stage.state.running)
    var made = Script(settings: running.settings, start: 0).provenance(.stop, promptTokens: 9)
    made.methods = running.methods
    made.tokens = 40
    // That of the prompt, and 20 that gave 39 more tokens and the end.
    made.passes = 21
    stage.play([.started(promptTokens: 9, reused: 0, contextLength: 2048), .finished(made)])
    let figures = try #require(stage.state.methods.figures.last)
    #expect(figures.tokensPerPass == 2)
    #expect(figures.ratio == nil)
    stage.press("<esc>6")
    #expect(stage.screen().contains("speed not measured yet"))
  }

  @Test func theLineUnderAnAnswerNamesItsMethods() throws {
    var stage = Stage(120, 40)
    stage.press("/method trie<enter>hi<enter>")
    let running = try #require(stage.state.running)
    var script = Script(settings: running.settings, start: stage.state.clock.monotonic)
    stage.play([.started(promptTokens: 9, reused: 0, contextLength: 2048)])
    stage.play(script.chunks(of: "one two three").map { .tokens($0) })
    var made = script.provenance(.stop, promptTokens: 9)
    made.methods = running.methods
    made.passes = 3
    stage.play([.finished(made)])
    #expect(stage.screen().contains("+lookahead-trie  1.50 tok/pass"))
  }

  @Test func aResumedSessionBringsItsMethodsBack() {
    var stage = Stage()
    var conversation = Conversation()
    let question = conversation.append(.user, "hi", after: nil, time: 0)
    let answer = conversation.append(.assistant, "hello", after: question, time: 0)
    var made = Script(settings: SamplerSettings(), start: 0).provenance(.stop, promptTokens: 9)
    made.methods = MethodSelection(
      [MethodChoice("lookahead-trie", values: ["nodes": 4]), MethodChoice("gone")],
      isGoverned: false)
    conversation.setProvenance(made, of: answer)
    stage.send(
      .sessionOpened(
        OpenedSession(id: "a", title: "a", conversation: conversation, settings: nil)))
    #expect(stage.state.methods.selection.title == "lookahead-trie:nodes=4 (ungoverned)")
  }

  @Test func withoutMethodsThePaneSaysSo() {
    var stage = Stage()
    stage.state.methods = MethodsState()
    stage.press("<esc>6<space>r")
    #expect(stage.screen().contains("built without methods"))
    #expect(stage.effects.races.isEmpty)
  }
}
