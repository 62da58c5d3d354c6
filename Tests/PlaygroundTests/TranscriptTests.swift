import Playground
import Runtime
import Terminal
import Testing

/// The laid-out chat and its markdown.
@Suite struct TranscriptTests {
  private static func lines(_ transcript: Transcript) -> [String] {
    (0..<transcript.lineCount).map { transcript.flow.line($0)?.plain ?? "" }
  }

  private static func transcript(_ text: String, width: Int = 40, isRaw: Bool = false) -> Transcript
  {
    var transcript = Transcript(width: width, isRaw: isRaw)
    transcript.begin(0)
    transcript.append(text)
    transcript.end(note: nil)
    return transcript
  }

  @Test func streamingGivesTheSameAsSettingAtOnce() {
    let text =
      "# Title\n\nSome *text* with `code` and\n- a list of\n- things\n\n```swift\nlet a = 1\n\nlet b\n```\nend **bold** é 日本"
    for width in [10, 23, 40, 80] {
      var streamed = Transcript(width: width)
      streamed.begin(0)
      for character in text { streamed.append(String(character)) }
      streamed.end(note: nil)
      #expect(Self.lines(streamed) == Self.lines(Self.transcript(text, width: width)))
      #expect(streamed.blocks == Self.transcript(text, width: width).blocks)
    }
  }

  @Test func aTokenCostsTheSameAfterAHundredThousand() {
    var transcript = Transcript(width: 76)
    transcript.begin(0)
    var sentence = 0
    func cost(of count: Int) -> Int {
      let before = transcript.paragraphsSet
      for _ in 0..<count {
        sentence += 1
        transcript.append(sentence % 12 == 0 ? " end.\n" : " token")
      }
      return transcript.paragraphsSet - before
    }
    let early = cost(of: 1_000)
    _ = cost(of: 98_000)
    #expect(cost(of: 1_000) <= early + 1)
  }

  @Test func drawingTouchesOnlyWhatIsVisible() {
    var stage = Stage()
    stage.press("go<enter>")
    stage.play([.started(promptTokens: 3, reused: 0, contextLength: 2048)])
    var script = Script(settings: stage.state.settings, start: 0)
    stage.play([.tokens(script.chunk(String(repeating: "word and word.\n", count: 10_000)))])
    let before = stage.state.chat.transcript.paragraphsSet
    _ = stage.screen()
    stage.press("<esc>kkj")
    stage.play([.tokens(script.chunk("one more"))])
    _ = stage.screen()
    #expect(stage.state.chat.transcript.paragraphsSet - before <= 3)
  }

  @Test func aLineWithoutEndIsClosedInPieces() {
    var transcript = Transcript(width: 76)
    transcript.begin(0)
    for _ in 0..<5_000 { transcript.append("endless ") }
    let bodies = transcript.blocks.filter { $0 == .body(0) }.count
    #expect(bodies > 5)
  }

  @Test func marksBecomeStylesAndLoneOnesStay() {
    func runs(_ text: String) -> [StyledText.Run] {
      var reader = MarkdownReader()
      guard case .text(let paragraph) = reader.read(Substring(text), indent: 0) else { return [] }
      return paragraph.text.runs
    }
    #expect(runs("a **b** c").map(\.text) == ["a ", "b", " c"])
    #expect(runs("a **b** c")[1].style.bold)
    #expect(runs("*i*")[0].style.italic)
    #expect(runs("`x*y*`").map(\.text) == ["x*y*"])
    #expect(runs("2 * 3 * 4").map(\.text).joined() == "2 * 3 * 4")
    #expect(runs("snake_case_name").map(\.text).joined() == "snake_case_name")
    #expect(runs("open **bold").map(\.text).joined() == "open **bold")
    #expect(runs("a ` b").map(\.text).joined() == "a ` b")
  }

  @Test func listsHangUnderTheirText() {
    let lines = Self.lines(Self.transcript("- one two three four five six seven eight nine"))
    #expect(lines[1].hasPrefix("  - one"))
    #expect(lines[2].hasPrefix("    "))
  }

  @Test func codeIsBoxedAndKeepsItsSpaces() {
    let transcript = Self.transcript("```c\n  if (x)\n    y();\n```")
    #expect(
      transcript.blocks.prefix(5) == [
        .header(0), .codeTop(0, language: "c"), .code(0), .code(0), .codeBottom(0),
      ])
    #expect(Self.lines(transcript)[2] == "      if (x)")
  }

  @Test func anUnfinishedFenceIsClosedAtTheEnd() {
    #expect(Self.transcript("```\nopen").blocks.suffix(2) == [.codeBottom(0), .blank])
    #expect(MarkdownReader.codeBlocks(in: "```\nopen") == ["open"])
  }

  @Test func rawShowsMarksAndControls() {
    let transcript = Self.transcript("**b** \u{1B}[31mred", isRaw: true)
    #expect(Self.lines(transcript)[1].contains("**b** "))
    #expect(Self.lines(transcript)[1].contains("^[[31mred"))
  }

  @Test func theModelCannotReachTheTerminal() {
    var stage = Stage()
    stage.press("go<enter>")
    stage.answer("\u{1B}]52;c;ZXZpbA==\u{07}\u{202E}evil\r\nnext")
    let screen = stage.screen()
    #expect(screen.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" })
    #expect(!screen.unicodeScalars.contains("\u{202E}"))
    #expect(screen.contains("next"))
  }
}
