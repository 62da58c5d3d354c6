import Terminal
import Testing

@Suite struct TextFlowTests {
  private func wrap(_ text: String, _ width: Int, anywhere: Bool = false) -> [String] {
    Paragraph(StyledText(text), breaksAnywhere: anywhere).lines(width: width).map(\.plain)
  }

  @Test(arguments: [
    ("one two three", 7, ["one two", "three"]), ("one two three", 8, ["one two", "three"]),
    ("", 5, [""]), ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
    ("a bcdefghij", 4, ["a", "bcde", "fghi", "j"]), ("日本語テキスト", 5, ["日本", "語テ", "キス", "ト"]),
    ("a日b本c", 3, ["a日", "b本", "c"]), ("well-known fact", 6, ["well-", "known", "fact"]),
    ("    indented code", 12, ["    indented", "code"]), ("a  b", 2, ["a", "b"]),
    ("x\ty", 10, ["x   y"]), ("日", 1, ["日"]), ("end ", 3, ["end"]),
    ("e\u{301}e\u{301}e\u{301}", 2, ["e\u{301}e\u{301}", "e\u{301}"]),
  ])
  func wordsWrap(text: String, width: Int, lines: [String]) {
    #expect(wrap(text, width) == lines)
  }

  @Test func codeBreaksAnywhere() {
    #expect(wrap("let x = 1", 5, anywhere: true) == ["let x", " = 1"])
  }

  @Test func noLineIsWiderAndNothingIsLost() {
    let text =
      "The 日本 quick-brown 👩‍🔬 fox\tjumps  over, e\u{301}lan and ❤️; aVeryLongWordThatMustBeCut."
    for width in 2...60 {
      let lines = wrap(text, width)
      for line in lines { #expect(CharacterWidth.columns(line) <= width, "\(width): \(line)") }
      let ink = { (text: String) in text.filter { !$0.isWhitespace } }
      #expect(ink(lines.joined()) == ink(text))
    }
  }

  @Test func indentsAndStylesAreKept() {
    let text = StyledText([.init("bold ", Style(bold: true)), .init("plain words here")])
    let lines = Paragraph(text, firstIndent: 2, indent: 4).lines(width: 14)
    #expect(lines.map(\.plain) == ["  bold plain", "    words here"])
    #expect(lines[0].runs.contains(.init("bold ", Style(bold: true))))
  }

  @Test func appendingEqualsSettingAnew() {
    let text = "A long answer,\nwith lines and words 日本 that wrap\n\nand end."
    var flow = TextFlow(width: 12)
    for character in text { flow.append(String(character)) }
    let whole = TextFlow(
      width: 12,
      paragraphs: text.split(separator: "\n", omittingEmptySubsequences: false).map {
        Paragraph(String($0))
      })
    #expect(flow == whole)
    #expect(flow.lineCount == whole.lineCount)
    for line in 0..<flow.lineCount { #expect(flow.line(line) == whole.line(line)) }
    flow.setWidth(30)
    #expect(flow.line(1)?.plain == "with lines and words 日本 that")
    #expect(flow.line(flow.lineCount) == nil && flow.line(-1) == nil)
  }

  @Test func replacingAndRemovingMovesTheRest() {
    var flow = TextFlow(width: 10, paragraphs: ["one", "two", "three"].map { Paragraph($0) })
    flow.replace(0, with: Paragraph("a longer first one"))
    #expect(flow.lineRange(ofParagraph: 1) == 2..<3)
    #expect(flow.paragraph(atLine: 1) == 0 && flow.paragraph(atLine: 3) == 2)
    flow.removeParagraphs(from: 1)
    #expect(flow.lineCount == 2)
    var frame = Frame(size: Size(width: 10, height: 3))
    flow.draw(from: 1, in: frame.bounds, on: &frame)
    #expect(frame.text == "first one\n\n")
  }

  @Test func scrollingUpEndsFollowingAndTheEndResumesIt() {
    var scroll = Scroll()
    #expect(scroll.firstLine(lineCount: 100, height: 10) == 90)
    scroll.move(by: -5, lineCount: 100, height: 10)
    #expect(!scroll.isFollowing && scroll.firstLine(lineCount: 112, height: 10) == 85)
    #expect(scroll.newLines(lineCount: 112) == 12)
    scroll.reveal(20..<22, lineCount: 112, height: 10)
    #expect(scroll.firstLine(lineCount: 112, height: 10) == 20)
    scroll.move(by: 500, lineCount: 112, height: 10)
    #expect(scroll.isFollowing && scroll.newLines(lineCount: 200) == 0)
    scroll.move(by: -1, lineCount: 5, height: 10)
    #expect(scroll.isFollowing)
  }
}
