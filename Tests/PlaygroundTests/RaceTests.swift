import Inference
import Playground
import Runtime
import Terminal
import Testing

/// Races: what is asked of the engine, what is shown of it, and what is kept.
@Suite struct RaceTests {
  /// A conversation of one exchange, and a race of the first method that was just asked for.
  static func started(_ width: Int = 80, _ height: Int = 24) -> (Stage, RaceRequest) {
    var stage = Stage(width, height)
    stage.press("Explain KV caching.<enter>")
    stage.answer("It stores keys.")
    stage.press("<esc>6r")
    let fallback = RaceRequest(
      source: .raw("", parsesSpecial: false), settings: SamplerSettings(), maximumTokens: 1,
      lanes: [])
    guard let request = stage.effects.races.last else {
      Issue.record("no race was started")
      return (stage, fallback)
    }
    return (stage, request)
  }

  @Test func aRaceHoldsTheChosenMethodAgainstPlainDecodingOnTheLastMessage() {
    let (stage, request) = Self.started()
    #expect(request.lanes == [TestMethods.trie, .none])
    #expect(request.settings == stage.state.settings)
    #expect(request.maximumTokens == stage.state.maximumTokens)
    #expect(request.mode == .turns)
    #expect(request.source == .chat([ChatTurn(role: .user, text: "Explain KV caching.")]))
    #expect(stage.state.overlays == [.race])
  }

  @Test func theTextOfThePromptIsRacedWhereThereIsSome() {
    var stage = Stage()
    stage.press("one<enter>")
    stage.answer("1")
    stage.press("two<M-6>r")
    guard case .chat(let turns) = stage.effects.races.last?.source else {
      Issue.record("no race was started")
      return
    }
    #expect(turns.map(\.text) == ["one", "1", "two"])
    #expect(stage.state.prompt.text == "two")
  }

  @Test func theCommandRacesItsTextWithWhatIsOn() {
    var stage = Stage()
    stage.press("/method prompt-lookup<enter>/race tell me<enter>")
    #expect(stage.effects.races.last?.lanes.first?.title == "prompt-lookup")
    #expect(
      stage.effects.races.last?.source == .chat([ChatTurn(role: .user, text: "tell me")]))
  }

  @Test func capitalRRacesAgainstWhatIsSwitchedOn() {
    var (stage, _) = Self.started()
    stage.play(race: [.failed(InferenceError(.cancelled, "the race was stopped"))])
    stage.press("q")
    stage.press("R")
    #expect(stage.state.notice?.text.hasPrefix("nothing is switched on") == true)
    stage.press("<space>jjjR")
    #expect(
      stage.effects.races.last?.lanes.map(\.title) == ["prompt-lookup", "lookahead-trie"])
  }

  @Test func aRaceWaitsForNothingAndSaysWhatItLacks() {
    var stage = Stage()
    stage.press("<esc>6r")
    #expect(stage.state.notice?.text.hasPrefix("write a prompt first") == true)
    stage.press("ihi<enter><esc>6r")
    #expect(stage.effects.races.isEmpty)
    #expect(stage.state.notice?.text == "race: an answer is being made: C-c stops it")
  }

  @Test func aFinishedRaceIsRecordedAndRemembered() {
    var (stage, request) = Self.started(120, 40)
    let script = RaceScript(request)
    stage.play(race: script.all())
    #expect(
      stage.effects.records.contains(.race(script.outcome(), prompt: request.source)))
    stage.press("q")
    #expect(stage.screen().contains("1.62x"))
    #expect(stage.screen().contains("same tokens"))
    // What another model does is another matter.
    _ = stage.state.load(path: "/models/other.gguf")
    var other = Script.model
    other.path = "/models/other.gguf"
    stage.play([.loaded(other)], ticket: stage.state.nextTicket - 1)
    #expect(stage.state.methods.figures.isEmpty)
  }

  @Test func aSoloRaceIsKeptOverOneByTurns() throws {
    var (stage, request) = Self.started()
    stage.play(race: RaceScript(request).all(ratios: [1.9]))
    stage.press("s")
    let solo = try #require(stage.effects.races.last)
    #expect(solo.mode == .solo(repeats: 3))
    #expect(solo.source == request.source)
    stage.play(race: [
      .race(.started(promptTokens: 41, lanes: 2)), .race(.progress(done: 1, total: 3)),
    ])
    #expect(stage.screen().contains("1 of 3 done"))
    stage.play(race: RaceScript(solo).all(ratios: [1.5, 1.7, 1.6]))
    #expect(stage.state.methods.figures.last?.ratio == 1.6)
    #expect(stage.state.methods.figures.last?.spread == 1.5...1.7)
    #expect(stage.screen().contains(" t/s in run 1"))
    stage.press("qr")
    stage.play(race: RaceScript(request).all(ratios: [2.4]))
    #expect(stage.state.methods.figures.last?.ratio == 1.6)
  }

  @Test func aFigureOfOtherKnobsIsShownAsSuch() {
    var (stage, request) = Self.started(120, 40)
    stage.play(race: RaceScript(request).all())
    stage.press("qjl")
    #expect(stage.screen().contains("here, with lookahead-trie:"))
  }

  @Test func controlCStopsARaceAndNothingIsKept() {
    var (stage, request) = Self.started()
    stage.play(race: RaceScript(request).events(turns: 3))
    stage.press("<C-c>")
    #expect(stage.effects.cancels.count == 1)
    #expect(stage.state.overlays == [.race])
    stage.play(race: [.failed(InferenceError(.cancelled, "the race was stopped"))])
    #expect(stage.screen().contains("stopped: there is no verdict"))
    #expect(
      !stage.effects.records.contains { if case .race = $0 { true } else { false } })
    #expect(stage.state.methods.figures.isEmpty)
  }

  @Test func escapeLeavesTheRaceRunningAndMessagesWaitForIt() {
    var (stage, request) = Self.started()
    stage.press("<esc>")
    #expect(stage.state.overlays.isEmpty)
    #expect(stage.effects.cancels.isEmpty)
    stage.press("imore<enter>")
    #expect(stage.state.running == nil)
    #expect(stage.state.chat.queue == ["more"])
    stage.press("<esc>6v")
    #expect(stage.state.overlays == [.race])
    stage.press("q")
    stage.play(race: RaceScript(request).all())
    #expect(stage.state.running != nil)
    #expect(stage.state.log.contains { $0.text.hasPrefix("race: lookahead-trie 1.62x faster") })
  }

  @Test func anErrorOfTheEngineIsShown() {
    var (stage, _) = Self.started()
    stage.play(race: [
      .failed(InferenceError(.invalidRequest, "no draft model is known for this model"))
    ])
    #expect(stage.screen().contains("no draft model is known for this model"))
    stage.press("s")
    #expect(stage.effects.races.count == 2)
  }

  @Test func aJobThatEndsWithoutAWordIsNoHang() {
    var (stage, _) = Self.started()
    if let ticket = stage.state.methods.race?.ticket { stage.send(.jobEnded(ticket: ticket)) }
    #expect(stage.state.methods.race?.isRunning == false)
    #expect(!stage.state.isBusy)
  }

  @Test func quittingARaceAsksFirst() {
    var (stage, _) = Self.started()
    stage.press("qq")
    #expect(!stage.effects.quits)
    stage.press("y")
    #expect(stage.effects.quits)
    #expect(stage.effects.cancels.count == 1)
  }

  // MARK: What is shown

  @Test func commonTextIsDimAndTheFirstOtherTokenIsMarked() {
    var (stage, request) = Self.started()
    stage.play(race: RaceScript(request, parts: true).events(turns: 100))
    #expect(stage.state.methods.race?.parting == 22)
    var frame = Frame(size: stage.state.size)
    draw(stage.state, on: &frame)
    func text(_ style: Style) -> String {
      (4..<20).flatMap { y in frame.row(y).filter { $0.style == style }.map(\.text) }.joined()
    }
    #expect(text(Style(.tick).reversed) == "storedold")
    #expect(text(Style(.dim)).contains("cache keeps"))
    #expect(stage.screen().contains("token 23: \" stored\" p 0.607 against \" old\" p 0.287"))
  }

  @Test func aLaneThatIsAheadIsNeitherCommonNorOther() {
    var (stage, request) = Self.started()
    stage.play(race: RaceScript(request).events(turns: 3))
    let race = stage.state.methods.race
    #expect(race?.lanes.map(\.tokens.count) == [7, 3])
    #expect(race?.common == 3)
    #expect(race?.parting == nil)
    #expect(race?.lanes.first?.tokensPerPass == 3)
    #expect(race?.lanes.first?.acceptance == 4.0 / 6)
  }

  @Test func aLanesTextIsCutAtItsTokens() {
    var (stage, request) = Self.started()
    stage.play(race: RaceScript(request).events(turns: 100))
    let lane = stage.state.methods.race?.lanes.first
    #expect(lane?.lines.count == 2)
    #expect(lane?.text(of: 2) == " cache")
    #expect(lane?.text(of: 14) == " read,\nso")
    #expect(lane?.text(of: 400) == "")
  }

  @Test func writersOfALaneStandBelowEachOther() {
    var (stage, request) = Self.started()
    let events = RaceScript(request).events(turns: 3).map { event -> JobEvent in
      guard case .race(.tokens(let lane, var chunk, let clock)) = event, lane == 0 else {
        return event
      }
      chunk.records[0].writer = chunk.records[0].index % 2
      return .race(.tokens(lane: lane, chunk, nanoseconds: clock))
    }
    stage.play(race: events)
    let text = stage.state.methods.race?.lanes.first?.shownLines.map(\.text)
    #expect(text == ["A cache the and", "", "writer 2:", "KV keeps keys"])
    #expect(stage.screen().contains("writer 2:"))
  }

  @Test func scrollingLeavesTheEndAndComesBack() {
    var (stage, request) = Self.started(80, 18)
    var script = RaceScript(request)
    script.texts = script.texts.map { _ in
      (1...60).map { "line\($0)" }.joined(separator: "\n ")
    }
    stage.play(race: script.all())
    #expect(stage.screen().contains("line60"))
    stage.press("g")
    #expect(stage.screen().contains("line1 "))
    #expect(!stage.screen().contains("line60"))
    stage.press("G")
    #expect(stage.state.methods.race?.top == nil)
    stage.press("d")
    #expect(stage.state.notice?.text == "the lanes have not parted")
  }

  @Test func theResultIsExportedAsJSON() throws {
    var (stage, request) = Self.started()
    stage.press("e")
    #expect(stage.state.notice?.text == "race-export: there is no result yet")
    stage.play(race: RaceScript(request).all(ratios: [1.5]))
    stage.press("e")
    let exports = stage.effects.compactMap {
      if case .exportRace(let race) = $0 { race } else { nil as RaceExport? }
    }
    let export = try #require(exports.last)
    let json = try export.json()
    for part in [
      "\"method\" : \"lookahead-trie\"", "\"against\" : \"baseline\"", "\"identical\" : true",
      "\"ratio\" : 1.5", "\"prompt\" : \"Explain KV caching.\"", "\"repeats\" : 1",
    ] { #expect(json.contains(part), "\(part)") }
  }

  // MARK: The verdict

  private func verdict(
    _ ratios: [Double], parts: Bool = false, promise: Guarantee? = .sameTokens,
    isGreedy: Bool = true
  ) -> RaceVerdict {
    let request = RaceRequest(
      source: .raw("x", parsesSpecial: false), settings: .greedy, maximumTokens: 64,
      lanes: [TestMethods.trie, .none])
    return RaceVerdict(
      RaceScript(request, parts: parts).outcome(ratios: ratios), repeats: max(1, ratios.count),
      promise: promise, isGreedy: isGreedy)
  }

  @Test func theVerdictSaysWhatWasMeasuredAndNoMore() {
    #expect(
      verdict([1.62]).headline
        == "lookahead-trie 1.62x faster; 8 passes in place of 23; 24 tokens identical")
    #expect(verdict([0.93]).headline.hasPrefix("lookahead-trie slower: 0.93x;"))
    #expect(verdict([1.004]).headline.hasPrefix("lookahead-trie as fast: 1.00x;"))
    #expect(verdict([]).headline.hasPrefix("lookahead-trie: too short to time;"))
    #expect(
      verdict([1.5, 1.7, 1.6]).headline.hasPrefix("lookahead-trie 1.60x (1.50x..1.70x) faster"))
    // Where some repeats were slower there is no telling.
    #expect(
      verdict([0.98, 1.1, 1.2]).headline.contains("no difference shown, 1.10x (0.98x..1.20x)"))
    #expect(verdict([0.994, 1, 1.002]).headline.contains("as fast: 1.00x (0.99x..1.00x)"))
    #expect(verdict([1.62]).remark.hasPrefix("one run by turns, to look at"))
    #expect(verdict([1.5, 1.7, 1.6]).remark.hasPrefix("median of 3 runs"))
  }

  @Test func aBrokenPromiseIsCalledADefect() {
    #expect(verdict([1.2], parts: true).isAlarm)
    #expect(verdict([1.2], parts: true, promise: .sameDistribution).isAlarm)
    #expect(!verdict([1.2], parts: true, promise: .sameDistribution, isGreedy: false).isAlarm)
    let lenient = verdict([1.2], parts: true, promise: .approximate)
    #expect(!lenient.isAlarm)
    #expect(lenient.headline.hasSuffix("parts at token 23"))
    #expect(lenient.remark.hasSuffix("it does not promise the same tokens"))
  }
}
