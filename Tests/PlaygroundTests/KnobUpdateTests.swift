import Inference
import Playground
import Runtime
import Terminal
import Testing

/// Turning knobs, with and without a running answer.
@Suite struct KnobUpdateTests {
  @Test func aKnobTurnsWhileTyping() {
    var stage = Stage()
    stage.press("half a mess<F8>age")
    #expect(stage.state.settings.temperature == 0.85)
    #expect(stage.state.prompt.text == "half a message")
    stage.press("<F7><F7>")
    #expect(stage.state.settings.temperature == 0.75)
  }

  @Test func aKnobTurnsTheRunningAnswerFromTheNextToken() throws {
    var stage = Stage()
    stage.press("go<enter>")
    stage.play([.started(promptTokens: 3, reused: 0, contextLength: 2048)])
    stage.press("<F8>")
    let live = try #require(stage.effects.changes.last)
    #expect(live.temperature == 0.85)
    #expect(live.seed == stage.state.running?.settings.seed)
    var script = Script(settings: SamplerSettings(), start: 0)
    stage.play([.tokens(script.chunk("one"))])
    script.change(to: live)
    stage.play([.tokens(script.chunk(" two"))])
    #expect(stage.state.running?.changes == [KnobChange(tokenIndex: 1, settings: live)])
    #expect(stage.state.profile.ticks.map(\.label) == ["T 0.85"])
    let recorded = stage.effects.records.compactMap { record -> KnobChange? in
      if case .knobs(_, let change) = record { change } else { nil }
    }
    #expect(recorded == [KnobChange(tokenIndex: 1, settings: live)])
  }

  @Test func aKnobTurnedWhileThePromptIsReadIsRecordedBeforeTheFirstToken() throws {
    var stage = Stage()
    stage.press("go<enter>")
    stage.play([.started(promptTokens: 3, reused: 0, contextLength: 2048)])
    stage.press("<F8>")
    let live = try #require(stage.effects.changes.last)
    var script = Script(settings: SamplerSettings(), start: 0)
    script.change(to: live)
    stage.play([.tokens(script.chunk("one"))])
    let recorded = stage.effects.records.compactMap { record -> KnobChange? in
      if case .knobs(_, let change) = record { change } else { nil }
    }
    #expect(recorded == [KnobChange(tokenIndex: 0, settings: live)])
  }

  @Test func knobEditsAreUndoneAndRedone() {
    var stage = Stage()
    stage.press("<F8><F8><esc>u")
    #expect(stage.state.settings.temperature == 0.85)
    stage.press("u")
    #expect(stage.state.settings.temperature == 0.8)
    stage.press("UU")
    #expect(stage.state.settings.temperature == 0.9)
    stage.press("U")
    #expect(stage.state.notice?.text == "nothing to redo")
  }

  @Test func pickingWalksRoundAllKnobs() {
    var stage = Stage()
    stage.press("<F5>")
    #expect(stage.state.knobs.selected == KnobItem.all.count - 1)
    stage.press("<F6><F6>")
    #expect(KnobItem.at(stage.state.knobs.selected).id == "top-k")
  }

  @Test func theKnobsPaneStepsExactlyAndInLeaps() {
    var stage = Stage()
    stage.press("<esc>3jlL")
    #expect(stage.state.settings.topK == 51)
    stage.press("hH")
    #expect(stage.state.settings.topK == 40)
    stage.press("<enter><C-u>7<enter>")
    #expect(stage.state.settings.topK == 7)
    stage.press("d")
    #expect(stage.state.settings.topK == 40)
  }

  @Test func aKnobThatIsSetByNameIsPicked() {
    var stage = Stage()
    stage.press("/set min-p 0.1<enter>")
    #expect(stage.state.settings.minP == 0.1)
    #expect(KnobItem.at(stage.state.knobs.selected).id == "min-p")
  }

  @Test func offAndOnAgainKeepsTheValue() {
    var stage = Stage()
    stage.press("<esc>3jll<space>")
    #expect(stage.state.settings.topK == 0)
    stage.press("<space>")
    #expect(stage.state.settings.topK == 42)
  }

  @Test func switchingOnWhatWasAlwaysOffGivesAnEffect() throws {
    var stage = Stage()
    stage.press("<esc>3")
    for (index, item) in KnobItem.all.enumerated() {
      guard case .number(let number) = item else { continue }
      let knob = SamplerSettings.knobs[number].knob
      guard knob.offValue != nil else { continue }
      stage.state.settings = SamplerSettings()
      knob.set(try #require(knob.offValue), in: &stage.state.settings)
      stage.state.knobs.selected = index
      stage.press("<space>")
      #expect(!knob.isOff(in: stage.state.settings), "\(knob.id)")
    }
  }

  @Test func aValueOutOfRangeIsRefusedWithTheRange() {
    var stage = Stage()
    stage.press("/set temp 9<enter>")
    #expect(stage.state.settings.temperature == 0.8)
    #expect(stage.state.notice?.text.contains("0 to 2") == true)
    stage.press("/temp 1.25<enter>")
    #expect(stage.state.settings.temperature == 1.25)
    stage.press("/temp warm<enter>")
    #expect(stage.state.notice?.text.contains("a number is wanted") == true)
  }

  @Test(arguments: [
    ("/set foo 1", "no setting is called foo"), ("/set temp", "temp needs a value"),
    ("/set", "name a knob"), ("/set bias 42", "TOKEN:AMOUNT"), ("/order foo", "no stage is called"),
    ("/set top-k 1.5", "a whole number"), ("/max-tokens 0", "from 1 to"),
    ("/temp", "/set temp 0.8"),
  ])
  func aMistakeIsSaidAndChangesNothing(line: String, words: String) {
    var stage = Stage()
    stage.press(line + "<enter>")
    #expect(stage.state.notice?.text.contains(words) == true, "\(stage.state.notice?.text ?? "")")
    #expect(stage.state.settings == SamplerSettings() && stage.state.maximumTokens == 1024)
  }

  @Test func orderAndBiasAreSetByName() {
    var stage = Stage()
    stage.press("/order temp,top-k<enter>/set bias 42:1<enter>")
    #expect(stage.state.settings.order == [.temperature, .topK])
    #expect(stage.state.settings.logitBias == [42: 1])
  }

  @Test func stagesAreReordered() {
    var stage = Stage()
    stage.press("<esc>3o")
    stage.press("J")
    #expect(Array(stage.state.settings.order.prefix(2)) == [.penalties, .logitBias])
    stage.press("K")
    #expect(stage.state.settings.order == SamplerStage.defaultOrder)
    stage.press("o")
    #expect(stage.state.knobs.reordering == nil)
  }

  @Test func greedyAndDefaultsKeepTheSeed() {
    var stage = Stage()
    stage.press("/seed 7<enter>/greedy<enter>")
    #expect(stage.state.settings.temperature == 0)
    #expect(stage.state.settings.seed == 7)
    stage.press("/defaults<enter>")
    #expect(stage.state.settings.temperature == 0.8)
    #expect(stage.state.settings.seed == 7)
  }

  @Test func maximumTokensIsAKnobToo() throws {
    var stage = Stage()
    stage.press("/max-tokens 12<enter>hi<enter>")
    #expect(try #require(stage.effects.requests.first).maximumTokens == 12)
  }

  @Test func anInertKnobSaysWhy() {
    var stage = Stage(120, 40)
    stage.press("go<enter>")
    stage.answer("one two three four five six seven eight nine ten eleven twelve")
    let reason = stage.state.knobs.inert["top-k"]
    #expect(reason?.contains("min-p") == true)
    #expect(stage.screen().contains("min-p cut to 7"))
  }
}
