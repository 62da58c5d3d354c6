import Inference
import Playground
import Runtime
import Terminal
import Testing

/// Screens as text, from key scripts on a scripted engine.
@Suite struct ScreenGoldenTests {
  static let sizes = [(80, 24), (120, 40), (200, 60), (60, 15), (30, 8), (20, 4)]

  private static let firstAnswer = """
    A KV cache keeps the key and value vectors of every token that has been read, so a new token \
    only attends to stored rows instead of re-reading the **whole prompt**.

    ```swift
    cache.append(k, v)
    ```

    The price is memory that grows with the context.
    """

  private static let secondAnswer = """
    On a CPU every generated token streams the weights through memory once, so speed is close to \
    bandwidth divided by model size. Cache rows are read in order, which the prefetcher likes.
    """

  /// A chat with a branch, a knob turned in mid-answer, and an answer that still runs.
  static func midGeneration(_ width: Int, _ height: Int) -> Stage {
    // Typed while there is room: a terminal can be made too small at any time.
    var stage = Stage(max(40, width), max(10, height))
    stage.press("Explain KV caching in two sentences.<enter>")
    stage.answer("It stores keys and values.")
    stage.press("<esc>r")
    stage.answer(firstAnswer)
    stage.press("i")
    stage.tick(6)
    stage.press("And on a CPU?<enter>")
    guard let running = stage.state.running else { return stage }
    stage.play([.started(promptTokens: 131, reused: 96, contextLength: 2048)])
    stage.play([.prefill(done: 35, total: 35, seconds: 0.11)])
    var script = Script(settings: running.settings, start: stage.state.clock.monotonic)
    script.context = 131
    let words = secondAnswer.split(separator: " ").map { " " + $0 }
    for (index, word) in words.enumerated() {
      if index == 20 {
        stage.press("<F8><F8><F8><F8><F8>")
        if let changed = stage.effects.changes.last { script.change(to: changed) }
      }
      stage.tick(0.045)
      stage.play([.tokens(script.chunk(index == 0 ? String(word.dropFirst()) : word))])
    }
    stage.play([.profile(script.profile())])
    stage.press("What changes when the weights do not fit?")
    stage.send(.resize(Size(width: width, height: height)))
    return stage
  }

  @Test(arguments: sizes)
  func midGenerationShowsChatGraphAndKnobs(_ width: Int, _ height: Int) {
    expectGolden(Self.midGeneration(width, height).screen(), "chat-\(width)x\(height)")
  }

  @Test(arguments: sizes)
  func anEmptyChatSaysWhatThisIs(_ width: Int, _ height: Int) {
    var stage = Stage(width, height)
    stage.send(.sessions([]))
    expectGolden(stage.screen(), "welcome-\(width)x\(height)")
  }

  @Test(arguments: [(80, 24), (120, 40)])
  func loadingIsShownBeforeTheModelIsThere(_ width: Int, _ height: Int) {
    var stage = Stage(width, height, model: nil)
    _ = stage.state.load(path: Script.model.path)
    stage.play([.loading(fraction: 0.42)], ticket: 1)
    expectGolden(stage.screen(), "loading-\(width)x\(height)")
  }

  @Test(arguments: [(80, 24), (120, 40)])
  func readingThePromptShowsProgressAndETA(_ width: Int, _ height: Int) {
    var stage = Stage(width, height)
    stage.press("Summarize this long text.<enter>")
    stage.play([
      .started(promptTokens: 480, reused: 0, contextLength: 2048),
      .prefill(done: 312, total: 480, seconds: 5.6),
    ])
    expectGolden(stage.screen(), "reading-\(width)x\(height)")
  }

  @Test(arguments: [(80, 24), (120, 40), (60, 15)], ["profile", "knobs", "sessions", "methods"])
  func eachPaneCanBeOpened(_ size: (Int, Int), _ pane: String) {
    var stage = Self.midGeneration(size.0, size.1)
    let keys = ["profile": "2", "knobs": "3", "sessions": "5", "methods": "6"]
    stage.press("<esc>" + (keys[pane] ?? ""))
    stage.send(.sessions(Self.sessions))
    expectGolden(stage.screen(), "\(pane)-\(size.0)x\(size.1)")
  }

  static let sessions = [
    SessionEntry(
      id: "a", path: "/s/a.jsonl", title: "Explain KV caching in two sentences.",
      time: Stage.start, turns: 4, model: "SmolLM2-135M-Instruct"),
    SessionEntry(
      id: "b", path: "/s/b.jsonl", title: "sampler notes", time: Stage.start - 1380, turns: 9,
      model: "SmolLM2-135M-Instruct"),
    SessionEntry(
      id: "c", path: "/s/c.jsonl", title: "swift actors", time: Stage.start - 260_000, turns: 31,
      model: "Qwen2.5-Coder-0.5B-Instruct"),
  ]

  @Test(arguments: [(80, 24), (120, 40)])
  func helpListsEveryCommand(_ width: Int, _ height: Int) {
    var stage = Stage(width, height)
    stage.press("<F1>")
    expectGolden(stage.screen(), "help-\(width)x\(height)")
  }

  @Test func helpIsSearched() {
    var stage = Stage(80, 24)
    stage.press("<F1>branch")
    expectGolden(stage.screen(), "help-search-80x24")
  }

  @Test func thePaletteGreysWhatCannotRun() {
    var stage = Stage(80, 24)
    stage.press("<F2>re")
    expectGolden(stage.screen(), "palette-80x24")
  }

  @Test func theInspectorShowsTheExactPrompt() {
    var stage = Stage(80, 24)
    stage.press("hi<enter>")
    stage.answer("Hello!")
    stage.press("<esc>x")
    let tokens: [(id: TokenID, text: String, isSpecial: Bool)] = [
      (1, "<|im_start|>", true), (9690, "user", false), (198, "\n", false), (6004, "hi", false),
      (2, "<|im_end|>", true), (198, "\n", false), (1, "<|im_start|>", true),
      (520, "ass", false), (9531, "istant", false), (198, "\n", false),
    ]
    stage.play([.inspected(PromptTokens(tokens: tokens))], ticket: stage.state.nextTicket - 1)
    expectGolden(stage.screen(), "inspector-80x24")
    stage.press("i")
    expectGolden(stage.screen(), "inspector-ids-80x24")
  }

  @Test func aFullContextAsks() {
    var stage = Stage(80, 24)
    stage.press("one<enter>")
    stage.answer("1")
    stage.press("two<enter>")
    stage.answer("2")
    stage.press("three<enter>")
    stage.play([.contextFull(needed: 2101, capacity: 2048)])
    expectGolden(stage.screen(), "context-full-80x24")
  }

  @Test func zoomGivesOnePaneTheScreen() {
    var stage = Self.midGeneration(120, 40)
    stage.press("<esc>3z")
    expectGolden(stage.screen(), "zoom-knobs-120x40")
  }

  @Test(arguments: [(80, 24), (120, 40), (200, 60)])
  func aZoomedProfileHoldsBothPhasesAgainstTheirRoofs(_ width: Int, _ height: Int) {
    var stage = Self.midGeneration(width, height)
    stage.press("<esc>2z")
    expectGolden(stage.screen(), "zoom-profile-\(width)x\(height)")
  }

  @Test func stagesAreReorderedInTheKnobsPane() {
    var stage = Self.midGeneration(120, 40)
    stage.press("<esc>3ojjJ")
    expectGolden(stage.screen(), "reorder-120x40")
  }

  @Test(arguments: GlyphSet.allCases)
  func everyGlyphSetDrawsTheSameLayout(_ glyphs: GlyphSet) {
    expectGolden(Self.midGeneration(120, 40).screen(glyphs), "chat-120x40-\(glyphs.rawValue)")
  }
}
