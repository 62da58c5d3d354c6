import Terminal
import Testing

@Suite struct FrameTests {
  private func frame(_ width: Int, _ height: Int = 1) -> Frame {
    Frame(size: Size(width: width, height: height))
  }

  @Test func writeReportsTheColumnsUsed() {
    var frame = frame(10)
    #expect(frame.write("a日b", at: Point(x: 0, y: 0)) == 4)
    #expect(frame.text == "a日b")
    #expect(frame[1, 0].width == 2)
    #expect(frame[2, 0].width == 0)
  }

  @Test func aWideClusterAtTheEdgeIsLeftOut() {
    var frame = frame(4)
    #expect(frame.write("abc日", at: Point(x: 0, y: 0)) == 3)
    #expect(frame.text == "abc")
  }

  @Test func overwritingHalfAWideClusterBlanksTheOtherHalf() {
    var frame = frame(6)
    frame.write("日本", at: Point(x: 0, y: 0))
    frame.write("x", at: Point(x: 1, y: 0))
    #expect(frame.text == " x本")
    frame.write("y", at: Point(x: 2, y: 0))
    #expect(frame.text == " xy")
    #expect(frame.row(0).reduce(0) { $0 + $1.width } == 6)
  }

  @Test func nothingIsDrawnOutsideTheClip() {
    var frame = frame(5, 3)
    frame.clipped(to: Rect(x: 1, y: 1, width: 3, height: 1)) {
      $0.fill($0.bounds, with: "#")
      $0.write("日本語", at: Point(x: 2, y: 1))
      $0.write("no", at: Point(x: 0, y: 0))
    }
    #expect(frame.text == "\n #日\n")
    frame.write("far", at: Point(x: -2, y: 0))
    frame.write("far", at: Point(x: 99, y: 99))
    #expect(frame.text == "r\n #日\n")
  }

  @Test func anEllipsisMarksCutText() {
    var frame = frame(5)
    frame.write("truncated", at: Point(x: 0, y: 0), ellipsis: true)
    #expect(frame.text == "trun~")
  }

  @Test(arguments: [
    ("\u{1B}[31m", "\u{FFFD}[31m", "^[[31m"), ("\u{07}", "\u{FFFD}", "^G"),
    ("\u{9B}2J", "\u{FFFD}2J", "<9B>2J"), ("a\u{202E}b", "a\u{FFFD}b", "a<202E>b"),
    ("\u{2066}x\u{2069}", "\u{FFFD}x\u{FFFD}", "<2066>x<2069>"), ("a\r\nb", "a  b", "a^M^Jb"),
    ("\u{7F}", "\u{FFFD}", "^?"), ("a\u{200B}b", "ab", "a<200B>b"), ("\0", "\u{FFFD}", "^@"),
    ("\u{FFFE}", "\u{FFFD}", "<FFFE>"),
  ])
  func controlCharactersNeverReachACell(text: String, replaced: String, raw: String) {
    var first = frame(20)
    first.write(text, at: Point(x: 0, y: 0))
    #expect(first.text == replaced)
    var second = frame(20)
    second.write(text, at: Point(x: 0, y: 0), controls: .raw)
    #expect(second.text == raw)
  }

  @Test func noScalarReachesACellThatATerminalObeys() {
    var frame = frame(8)
    for value in UInt32(0)...0x2FFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      for controls in [VisibleText.ControlDisplay.replaced, .raw] {
        frame.fill(frame.bounds)
        frame.write("\(scalar)x", at: Point(x: 0, y: 0), controls: controls)
        let hostile = frame.text.unicodeScalars.contains(where: VisibleText.isHostile)
        #expect(!hostile, "U+\(String(value, radix: 16))")
      }
    }
  }

  @Test func invalidBytesBecomeReplacementCharacters() {
    #expect(VisibleText.decode([0x61, 0xFF, 0x62, 0xE6, 0x97]) == "a\u{FFFD}b\u{FFFD}")
  }

  @Test func tabsAdvanceToStops() {
    var frame = frame(20)
    #expect(frame.write("ab\tc", at: Point(x: 1, y: 0)) == 9)
    #expect(frame.text == " ab      c")
  }

  @Test func boxesShowTitlesAndFocusWithoutColour() {
    var frame = frame(34, 6)
    let inside = frame.box(
      Rect(x: 0, y: 0, width: 34, height: 3), title: "1 chat", rightTitle: "follow v")
    #expect(inside == Rect(x: 1, y: 1, width: 32, height: 1))
    frame.box(
      Rect(x: 0, y: 3, width: 16, height: 3), title: "2 profile", rightTitle: "f freeze",
      focused: true)
    frame.box(Rect(x: 20, y: 3, width: 1, height: 9), title: "none")
    expectGolden(frame.text, "boxes")
  }

  @Test func framesAreEqualByWhatTheyShow() {
    var first = frame(4)
    var second = frame(4)
    first.write("ab", at: Point(x: 0, y: 0))
    second.write("a", at: Point(x: 0, y: 0))
    #expect(first != second)
    second.write("b", at: Point(x: 1, y: 0))
    #expect(first == second)
    second.cursor = Point(x: 0, y: 0)
    #expect(first != second)
  }
}

@Suite struct RectTests {
  @Test func noHelperYieldsANegativeSize() {
    for width in -2...6 {
      for height in -2...6 {
        let rect = Rect(x: 3, y: 4, width: width, height: height)
        for amount in -3...9 {
          let parts = [
            rect.splitTop(amount).top, rect.splitTop(amount).rest, rect.splitBottom(amount).rest,
            rect.splitBottom(amount).bottom, rect.splitLeft(amount).left,
            rect.splitLeft(amount).rest, rect.splitRight(amount).right,
            rect.inset(horizontal: max(0, amount), vertical: max(0, amount)),
          ]
          for part in parts {
            #expect(part.width >= 0 && part.height >= 0)
            #expect(part.isEmpty || rect.intersection(part) == part)
          }
        }
      }
    }
  }

  @Test func splitsCoverTheWhole() {
    let rect = Rect(x: 2, y: 3, width: 10, height: 7)
    let (top, rest) = rect.splitTop(3)
    #expect(top.height + rest.height == 7 && rest.y == top.bottom)
    let rows = rect.rows([2, 3, 9, 1])
    #expect(rows.map(\.height) == [2, 3, 2, 0])
    #expect(rect.columns([4, 20]).map(\.width) == [4, 6])
    #expect(rect.centred(Size(width: 4, height: 99)) == Rect(x: 5, y: 3, width: 4, height: 7))
  }
}
