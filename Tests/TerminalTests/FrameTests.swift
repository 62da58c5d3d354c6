import Terminal
import Testing

@Suite struct FrameTests {
  @Test func writeReportsTheColumnsUsed() {
    var frame = Frame(size: Size(width: 10, height: 2))
    #expect(frame.write("a日b", at: Point(x: 0, y: 0)) == 4)
    #expect(frame.text == "a日b\n")
  }
}
