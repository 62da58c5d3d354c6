import Playground
import Terminal
import Testing

/// The picture on the whole screen.
@Suite struct PictureZoomTests {
  private static func zoomed(_ width: Int = 80, _ height: Int = 24) -> Stage {
    var stage = PicturesTests.painted(width, height)
    stage.state.pictures.look.symbols = .ascii
    stage.press("<esc>4z")
    return stage
  }

  private static func frame(
    _ stage: Stage, _ encoding: PixelGraphics.Encoding = .kitty,
    cell: Size = Size(width: 8, height: 16)
  ) -> Frame {
    var frame = Frame(
      size: stage.state.size, graphics: PixelGraphics(encoding: encoding, cell: cell))
    draw(stage.state, on: &frame)
    return frame
  }

  @Test(arguments: ["z", "q", "<esc>"])
  func keysEndIt(_ key: String) {
    var stage = PicturesTests.painted()
    stage.press("<esc>4")
    let before = stage.screen()
    stage.press("z")
    #expect(stage.state.overlays == [.picture] && stage.screen() != before)
    stage.press("x")
    #expect(stage.state.overlays == [.picture])
    stage.press(key)
    #expect(stage.state.overlays.isEmpty && !stage.state.isQuitting && !stage.state.isZoomed)
    #expect(stage.screen() == before)
  }

  @Test func controlDQuitsFromIt() {
    var stage = Self.zoomed()
    stage.press("<C-d>")
    #expect(stage.state.isQuitting && stage.effects.quits)
  }

  @Test func withoutAPictureThePaneIsZoomed() {
    var stage = Stage()
    stage.press("<esc>4z")
    #expect(stage.state.overlays.isEmpty && stage.state.isZoomed)
  }

  @Test(arguments: [(40, 10), (80, 24), (120, 40)])
  func charactersFillTheScreen(_ width: Int, _ height: Int) {
    expectGolden(Self.zoomed(width, height).screen(), "picture-zoom-\(width)x\(height)")
  }

  @Test func pixelsTakeTheCharactersPlace() throws {
    let stage = Self.zoomed(80, 24)
    let frame = Self.frame(stage)
    let picture = try #require(frame.picture)
    #expect(picture.area == Rect(x: 18, y: 1, width: 44, height: 22))
    #expect(picture.pixels == stage.state.pictures.picture?.pixels)
    let lines = frame.text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines[1...22].allSatisfy { $0.isEmpty })
    #expect(lines[0].contains("a red disc") && lines[23].contains("z/q/Esc"))
    // A cell as high as wide makes another shape of it.
    let square = Self.frame(stage, cell: Size(width: 10, height: 10)).picture
    #expect(square?.area == Rect(x: 29, y: 1, width: 22, height: 22))
  }

  @Test func panesShowNoPixels() {
    var stage = Self.zoomed()
    stage.press("z")
    #expect(Self.frame(stage).picture == nil)
  }

  @Test func aNewSizeMovesIt() {
    var stage = Self.zoomed()
    stage.send(.resize(Size(width: 60, height: 15)))
    #expect(Self.frame(stage).picture?.area == Rect(x: 17, y: 1, width: 26, height: 13))
    #expect(
      stage.screen().split(separator: "\n", omittingEmptySubsequences: false).count == 15)
    stage.send(.resize(Size(width: 19, height: 4)))
    #expect(Self.frame(stage).picture == nil, "too small to show anything")
    stage.send(.resize(Size(width: 80, height: 24)))
    #expect(Self.frame(stage).picture?.area.height == 22)
  }

  @Test func whatLiesOverItIsNotHidden() {
    var stage = Self.zoomed()
    stage.press("<F1>")
    let frame = Self.frame(stage)
    #expect(frame.picture == nil && frame.text.contains("help"))
    stage.press("<esc>")
    #expect(Self.frame(stage).picture != nil && stage.state.overlays == [.picture])
  }

  @Test func itFollowsThePictureThatIsPainted() throws {
    var stage = Self.zoomed()
    stage.press("<F9>")
    let (ticket, request) = try #require(stage.takeEffects().painting)
    #expect(Self.frame(stage).picture == nil && stage.screen().contains("no picture yet"))
    let events = PicturesTests.events(request)
    stage.play(Array(events.prefix(2)), ticket: ticket)
    #expect(Self.frame(stage).picture?.pixels == PicturesTests.picture(0).pixels)
    stage.play(Array(events.dropFirst(2)), ticket: ticket)
    #expect(Self.frame(stage).picture?.pixels == PicturesTests.picture(3).pixels)
  }
}
