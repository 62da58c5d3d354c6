import Terminal
import Testing

@Suite struct PromptDisplayTests {
  private func layout(
    _ text: String, cursor: Int? = nil, width: Int = 10
  ) -> (lines: [String], cursor: Point) {
    let display = PromptDisplay(prompt: "> ", text: text, cursor: cursor ?? text.utf8.count)
    let layout = display.layout(width: width)
    return (layout.lines.map(\.plain), layout.cursor)
  }

  @Test func linesWrapAndTheCursorFollows() {
    #expect(layout("abc") == (["> abc"], Point(x: 5, y: 0)))
    #expect(layout("abcdefghij") == (["> abcdefgh", "  ij"], Point(x: 4, y: 1)))
    #expect(layout("abcdefgh") == (["> abcdefgh", "  "], Point(x: 2, y: 1)))
    #expect(layout("abcdefghi", cursor: 8) == (["> abcdefgh", "  i"], Point(x: 2, y: 1)))
    #expect(layout("ab\ncd", cursor: 3) == (["> ab", "  cd"], Point(x: 2, y: 1)))
    #expect(layout("ab\n") == (["> ab", "  "], Point(x: 2, y: 1)))
    #expect(layout("") == (["> "], Point(x: 2, y: 0)))
  }

  @Test func clustersAreAtomic() {
    #expect(layout("日本語x", cursor: 3) == (["> 日本語x"], Point(x: 4, y: 0)))
    #expect(layout("1234567日") == (["> 1234567", "  日"], Point(x: 4, y: 1)))
    // A cursor inside a cluster stands on it.
    #expect(layout("a👩‍🔬b", cursor: 5).cursor == Point(x: 3, y: 0))
  }

  @Test func controlCharactersShowInCaretForm() {
    #expect(layout("a\u{1B}b\u{01}") == (["> a^[b^A"], Point(x: 8, y: 0)))
  }

  @Test func aPasteIsMarkedAndTheCursorIsAlwaysVisible() {
    let display = PromptDisplay(prompt: "> ", text: "one\ntwo\nthree", cursor: 13, region: 4..<7)
    var frame = Frame(size: Size(width: 8, height: 2))
    display.draw(in: frame.bounds, on: &frame)
    #expect(frame.text == "  two\n  three")
    #expect(frame.cursor == Point(x: 7, y: 1))
    #expect(frame[2, 0].style == Style(.selection) && frame[2, 1].style == .plain)
  }

  @Test func everyWidthKeepsTheCursorInside() {
    let text = "mixed 日本 text\nwith e\u{301} and \u{1B} and a long enough tail"
    for width in 1...40 {
      var offset = 0
      for character in text + " " {
        let display = PromptDisplay(prompt: "> ", text: text, cursor: offset)
        let layout = display.layout(width: width)
        #expect((0..<max(2, width)).contains(layout.cursor.x), "\(width) \(offset)")
        #expect((0..<layout.lines.count).contains(layout.cursor.y))
        offset += character.utf8.count
      }
    }
  }

  @Test func clusterBoundariesAreFoundInBytes() {
    let text = "a👩‍🔬é"
    #expect(GraphemeOffsets.boundary(in: text, from: 12, by: -1) == 1)
    #expect(GraphemeOffsets.boundary(in: text, from: 1, by: 1) == 12)
    #expect(GraphemeOffsets.boundary(in: text, from: 5, by: 1) == 12)
    #expect(GraphemeOffsets.boundary(in: text, from: 5, by: -1) == 1)
    #expect(GraphemeOffsets.boundary(in: text, from: 0, by: -9) == 0)
    #expect(GraphemeOffsets.boundary(in: text, from: 0, by: 99) == text.utf8.count)
  }
}
