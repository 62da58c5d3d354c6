import Terminal
import Testing

/// Pictures as characters.
@Suite struct PictureCellsTests {
  /// The left half red, the right half blue.
  private func pixels(_ width: Int, _ height: Int) -> [UInt8] {
    (0..<width * height).flatMap { pixel -> [UInt8] in
      pixel % width < width / 2 ? [255, 0, 0, 255] : [0, 0, 255, 255]
    }
  }

  @Test(arguments: PictureCells.Symbols.allCases)
  func coloursStandWhereThePictureHasThem(_ symbols: PictureCells.Symbols) throws {
    var options = PictureCells.Options()
    options.symbols = symbols
    let cells = try #require(
      PictureCells(
        pixels: pixels(16, 16), width: 16, height: 16, columns: 8, rows: 4, options: options))
    var frame = Frame(size: Size(width: 10, height: 6), glyphs: .block)
    frame.draw(cells, at: Point(x: 1, y: 1))
    func colours(_ x: Int, _ y: Int) -> [Color] {
      let style = frame[x, y].style
      return [style.foreground, style.background].compactMap { $0 }
    }
    #expect(colours(1, 1).contains(.rgb(255, 0, 0)))
    #expect(colours(8, 4).contains(.rgb(0, 0, 255)))
    #expect(!colours(1, 1).contains(.rgb(0, 0, 255)))
    #expect(frame[0, 0] == .blank && frame[9, 5] == .blank)
    let isPlain = cells.text.joined().allSatisfy(\.isASCII)
    if symbols == .ascii { #expect(isPlain) }
  }

  @Test func shapesAreKept() {
    #expect(
      PictureCells.fit(width: 64, height: 64, in: Size(width: 40, height: 40))
        == Size(width: 40, height: 20))
    #expect(
      PictureCells.fit(width: 64, height: 64, in: Size(width: 80, height: 10))
        == Size(width: 20, height: 10))
    #expect(
      PictureCells.fit(width: 1000, height: 1, in: Size(width: 10, height: 10))
        == Size(width: 10, height: 1))
    #expect(
      PictureCells.fit(width: 64, height: 64, in: Size(width: 0, height: 9))
        == Size(width: 0, height: 0))
  }

  @Test func nothingIsDrawnOfNothing() {
    let options = PictureCells.Options()
    #expect(
      PictureCells(pixels: [], width: 0, height: 0, columns: 4, rows: 4, options: options) == nil)
    #expect(
      PictureCells(
        pixels: pixels(4, 4), width: 4, height: 5, columns: 4, rows: 4, options: options) == nil)
    #expect(
      PictureCells(
        pixels: pixels(4, 4), width: 4, height: 4, columns: 0, rows: 4, options: options) == nil)
  }

  /// A red disc on nothing.
  private func disc(_ side: Int) -> [UInt8] {
    (0..<side * side).flatMap { pixel -> [UInt8] in
      let (x, y) = (2 * (pixel % side) - side + 1, 2 * (pixel / side) - side + 1)
      return x * x + y * y < side * side * 3 / 4 ? [255, 0, 0, 255] : [0, 0, 0, 0]
    }
  }

  @Test(arguments: PictureCells.Symbols.allCases)
  func whatIsTransparentHasNoInk(_ symbols: PictureCells.Symbols) throws {
    var options = PictureCells.Options()
    options.symbols = symbols
    let cells = try #require(
      PictureCells(
        pixels: disc(50), width: 50, height: 50, columns: 20, rows: 10, options: options))
    var frame = Frame(size: Size(width: 20, height: 10), glyphs: .block)
    frame.draw(cells, at: Point(x: 0, y: 0))
    for y in 0..<10 {
      for cell in frame.row(y) where cell.text != " " && cell.text != "\u{2800}" {
        // Ink of the terminal's own colour would be a speck.
        #expect(cell.style.foreground != nil, "\(cell)")
        #expect(!cell.style.reverse || cell.style.background == nil)
      }
    }
    #expect(frame[0, 0].text == " " && frame[0, 0].style == .plain)
    let isReversed = (0..<10).contains { y in frame.row(y).contains { $0.style.reverse } }
    #expect(isReversed == cells.lines(depth: .full).contains { $0.contains("\u{1B}[0;7;") })
  }

  @Test func printedLinesResetTheirColours() throws {
    let cells = try #require(
      PictureCells(
        pixels: pixels(8, 8), width: 8, height: 8, columns: 4, rows: 2,
        options: PictureCells.Options()))
    for line in cells.lines(depth: .full) {
      #expect(line.hasPrefix("\u{1B}[0") && line.hasSuffix("\u{1B}[0m"))
      #expect(line.contains("2;255;0;0"))
    }
    #expect(cells.lines(depth: .none).allSatisfy { !$0.contains("\u{1B}") })
    #expect(cells.lines(depth: .palette).allSatisfy { !$0.contains(";2;") })
  }
}
