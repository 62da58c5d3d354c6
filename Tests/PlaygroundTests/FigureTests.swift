import Inference
import Playground
import Runtime
import Terminal
import Testing

/// Numbers of the profile, small editors and labels.
@Suite struct FigureTests {
  @Test func quantilesAreWithinAPercent() throws {
    var gaps = GapHistogram()
    for value in 1...1000 { gaps.record(nanoseconds: UInt64(value) * 100_000) }
    let middle = try #require(gaps.quantile(0.5))
    let late = try #require(gaps.quantile(0.99))
    #expect(abs(middle / 50_000_000 - 1) < 0.015)
    #expect(abs(late / 99_000_000 - 1) < 0.015)
    #expect(GapHistogram().quantile(0.5) == nil)
  }

  @Test func speedOverTimeIsTokensByTheTimeTheyTook() {
    var history = SpeedHistory()
    let second: UInt64 = 1_000_000_000
    for index in 0..<40 {
      history.record(time: 100 * second + UInt64(index) * 50_000_000, gap: 50_000_000)
    }
    let samples = history.samples(endingAt: 102 * second, interval: 1, count: 4)
    #expect(samples[0].isNaN)
    #expect(samples[1].isNaN)
    #expect(abs(samples[2] - 20) < 0.001)
    #expect(abs(samples[3] - 20) < 0.001)
  }

  @Test func theFirstTokenIsNoGap() {
    var stage = Stage()
    stage.press("a<enter>")
    stage.answer("one two three")
    #expect(stage.state.profile.gaps.count == 2)
    stage.press("b<enter>")
    stage.answer("one two three four")
    #expect(stage.state.profile.gaps.count == 3)
    #expect(stage.state.profile.timeToFirstToken == 0.18)
  }

  @Test func thePromptsOperationsAreKeptApartFromTheTokens() {
    var stage = Stage()
    stage.press("a<enter>")
    stage.answer("one two three")
    let profile = stage.state.profile
    let script = Script(settings: SamplerSettings(), start: 0)
    #expect(profile.promptOperations == script.promptOperations)
    #expect(profile.operations[.feedForward].operations == 2 * 159_000_000)
    stage.press("b<enter>")
    #expect(stage.state.profile.promptOperations == OperationTotals())
  }

  @Test func theGraphStandsStillWhereFrozen() {
    var stage = Stage(120, 40)
    stage.press("a<enter>")
    stage.answer("one two three four five six")
    stage.press("<esc>2f")
    func graph(_ stage: Stage) -> [Substring] {
      stage.screen().split(separator: "\n").dropFirst(3).prefix(6).map { $0.dropFirst(77) }
    }
    let before = graph(stage)
    stage.press("ib<enter>")
    stage.tick(20)
    stage.answer("one two three four five six seven eight")
    #expect(graph(stage) == before)
    stage.press("<esc>2f")
    #expect(graph(stage) != before)
  }

  @Test func theWindowChangesWithinItsBounds() {
    var stage = Stage()
    stage.press("<esc>2---")
    #expect(stage.state.profile.window == 15)
    stage.press("=====")
    #expect(stage.state.profile.window == 300)
  }

  @Test func ticksTellWhichKnobTurned() {
    var new = SamplerSettings()
    new.topK = 12
    #expect(PlaygroundState.difference(from: SamplerSettings(), to: new) == "top-k 12")
    new.temperature = 1.05
    #expect(PlaygroundState.difference(from: SamplerSettings(), to: new) == "T 1.05 +1")
  }

  @Test func aModelIsNamedAsItsFileWithoutEndingAndFormat() {
    func name(_ path: String) -> String? { ModelSummary.name(ofFile: path, format: "Q8_0") }
    #expect(name("/m/SmolLM2-135M-Instruct.Q4_1.gguf") == "SmolLM2-135M-Instruct")
    #expect(name("gemma-3-270m.Q4_K_M.gguf") == "gemma-3-270m")
    #expect(name("tiny-iq3_xs.gguf") == "tiny")
    #expect(name("tiny_q8_0.gguf") == "tiny")
    #expect(name("qwen-0.5b-chat.gguf") == "qwen-0.5b-chat")
    #expect(name("qwen2.gguf") == "qwen2")
    #expect(name(".gguf") == nil)
  }

  @Test func readingAFewTokensIsNoSpeed() {
    var stage = Stage()
    stage.press("go<enter>")
    stage.play([.prefill(done: 1, total: 1, seconds: 0.02)])
    #expect(stage.state.profile.promptSpeed == nil)
    stage.play([.prefill(done: 40, total: 40, seconds: 0.1)])
    #expect(stage.state.profile.promptSpeed == 400)
  }

  @Test func aNarrowProvenanceBreaksBetweenFacts() throws {
    var stage = Stage()
    stage.press("go<enter>")
    stage.answer("a few words")
    let answer = try #require(stage.state.chat.conversation.branch.last)
    let line = try #require(stage.state.provenanceLine(of: answer, width: 30))
    let lines = line.split(separator: "\n")
    #expect(lines.count > 1)
    #expect(lines.allSatisfy { $0.count <= 28 })
    #expect(lines.contains { $0.contains(" t/s") })
  }

  @Test func settingsAreSummedUp() {
    #expect(PlaygroundState.summary(of: SamplerSettings()) == "T .80 k40 p.95 m.05")
    #expect(PlaygroundState.summary(of: .greedy) == "greedy")
  }

  @Test func numbersHaveTheirDecimals() {
    #expect(PlaygroundState.number(1.005, decimals: 1) == "1.0")
    #expect(PlaygroundState.number(-0.04, decimals: 1) == "0.0")
    #expect(PlaygroundState.number(-1.25, decimals: 2) == "-1.25")
    #expect(PlaygroundState.number(.nan, decimals: 2) == "?")
    #expect(byteText(1_404_000_000) == "1.40G")
    #expect(byteText(512) == "512B")
  }

  @Test func theLineEditorKnowsTheCoreKeys() throws {
    var editor = LineEditor()
    for key in try #require(Key.script("one two<C-w>three<C-a>0<right><C-k>!")) {
      _ = editor.handle(key)
    }
    #expect(editor.text == "0o!")
    editor = LineEditor("日本")
    #expect(editor.cursorColumn == 4)
    _ = editor.handle(.backspace)
    #expect(editor.text == "日")
    let isTaken = editor.handle(.enter)
    #expect(!isTaken)
  }
}
