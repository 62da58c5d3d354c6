import Terminal
import Testing

@Suite struct LineFieldTests {
  private func field(after script: String) throws -> LineField {
    var field = LineField()
    for key in try #require(Key.script(script)) {
      let isUsed = field.handle(key)
      #expect(isUsed)
    }
    return field
  }

  @Test(arguments: [
    ("hello", "hello", 5), ("abc<left><left>X", "aXbc", 2), ("abc<C-a><delete><C-e>d", "bcd", 3),
    ("one two<C-w>x", "one x", 5), ("one two<M-b><C-k>", "one ", 4),
    ("one two<M-b><C-u>", "two", 0),
    ("日本<backspace>語", "日語", 2), ("ab<C-b><C-d>", "a", 1), ("<backspace><delete><left>", "", 0),
  ])
  func keysEdit(script: String, text: String, cursor: Int) throws {
    let field = try field(after: script)
    #expect(field.text == text)
    #expect(field.cursor == cursor)
  }

  @Test func otherKeysAreFree() {
    var field = LineField("x")
    for key in [
      Key.enter, .escape, .tab, .up, .function(1), .control("c"),
      .mouse(.init(.press, at: .init(x: 0, y: 0))),
    ] {
      let isUsed = field.handle(key)
      #expect(!isUsed)
    }
  }

  @Test func pastesStayOnOneLineAndMarksJoinTheirBase() {
    var field = LineField("e")
    _ = field.handle(.character("\u{301}"))
    #expect(field.cursor == 1 && field.text == "e\u{301}")
    _ = field.handle(.paste("a\nb\u{1B}"))
    #expect(field.text == "e\u{301}a b\u{FFFD}")
  }

  @Test func theCursorIsAlwaysVisible() {
    let text = "a long 日本 text"
    for width in 1...20 {
      var field = LineField(text)
      for _ in 0...text.count {
        var frame = Frame(size: Size(width: 24, height: 1))
        let rect = Rect(x: 2, y: 0, width: width, height: 1)
        field.draw(in: rect, isFocused: true, on: &frame)
        #expect(frame.cursor.map(rect.contains) == true)
        _ = field.handle(.left)
      }
    }
  }
}
