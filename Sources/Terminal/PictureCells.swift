import CChafa

/// A picture as characters with colours, for a number of cells.
package struct PictureCells: Hashable, Sendable {
  package let columns: Int
  package let rows: Int
  private let scalars: [UInt32]
  /// 0xRRGGBB, or -1 where the picture is transparent, or without colours.
  private let foregrounds: [Int32]
  private let backgrounds: [Int32]

  /// Which characters a picture is made of.
  package enum Symbols: Int, Sendable, CaseIterable, Hashable {
    case ascii, blocks, half, quadrants, braille

    package var title: String {
      switch self {
      case .ascii: "ascii"
      case .blocks: "blocks"
      case .half: "half blocks"
      case .quadrants: "quadrants"
      case .braille: "braille"
      }
    }

    /// What a terminal without Unicode shows.
    package func on(_ glyphs: GlyphSet) -> Symbols { glyphs == .ascii ? .ascii : self }
  }

  package enum Dither: Int, Sendable, CaseIterable, Hashable {
    case none, ordered, diffusion

    package var title: String {
      switch self {
      case .none: "no dither"
      case .ordered: "ordered dither"
      case .diffusion: "diffusion dither"
      }
    }
  }

  /// How a picture is turned into characters.
  package struct Options: Hashable, Sendable {
    package var symbols = Symbols.quadrants
    package var dither = Dither.none
    package var depth = ColorDepth.full
    package var isInverted = false

    package init() {}
  }

  /// - Parameters:
  ///   - pixels: red, green, blue and alpha, row by row, not multiplied by alpha.
  ///   - columns: of the cells, which the picture fills wholly; the caller keeps its shape.
  /// - Returns: nil where there is nothing to draw, or no memory.
  package init?(
    pixels: [UInt8], width: Int, height: Int, columns: Int, rows: Int, options: Options
  ) {
    guard width > 0, height > 0, columns > 0, rows > 0, pixels.count == 4 * width * height else {
      return nil
    }
    self.columns = columns
    self.rows = rows
    var scalars = [UInt32](repeating: 32, count: columns * rows)
    var foregrounds = [Int32](repeating: -1, count: columns * rows)
    var backgrounds = foregrounds
    let work = width * height > 1 << 16 ? 3 : 5
    let pixels = options.depth == .none ? Self.inked(pixels, options.isInverted) : pixels
    let drawn = unsafe cchafa_draw(
      pixels, Int32(width), Int32(height), Int32(columns), Int32(rows),
      Int32(options.symbols.rawValue), Int32(options.depth == .none ? 2 : options.depth.rawValue),
      Int32(options.dither.rawValue), Int32(work), options.isInverted ? 1 : 0, &scalars,
      &foregrounds, &backgrounds)
    guard drawn != 0 else { return nil }
    if options.depth > .none {
      // Transparent ink on a transparent ground; the terminal would give it its own colour.
      for index in scalars.indices where foregrounds[index] < 0 && backgrounds[index] < 0 {
        scalars[index] = 32
      }
    }
    self.scalars = scalars
    self.foregrounds = foregrounds
    self.backgrounds = backgrounds
  }

  /// Greys for a screen without colours: what has a colour, however dark, stands out from what has none.
  private static func inked(_ pixels: [UInt8], _ isInverted: Bool) -> [UInt8] {
    var grey = pixels
    for start in stride(from: 0, to: pixels.count, by: 4) {
      let light =
        299 * Int(pixels[start]) + 587 * Int(pixels[start + 1]) + 114 * Int(pixels[start + 2])
      let tone = isInverted ? 255_000 - light : light
      let ink = (90_000 + tone * 165 / 255) / 1000 * Int(pixels[start + 3]) / 255
      let value = UInt8(isInverted ? 255 - ink : ink)
      (grey[start], grey[start + 1], grey[start + 2], grey[start + 3]) = (value, value, value, 255)
    }
    return grey
  }

  /// Columns and rows in which a picture keeps its shape.
  ///
  /// - Parameter cell: the shape of a cell: about twice as high as wide, where that is not known better.
  package static func fit(
    width: Int, height: Int, in area: Size, cell: Size = Size(width: 1, height: 2)
  ) -> Size {
    guard width > 0, height > 0, area.width > 0, area.height > 0 else {
      return Size(width: 0, height: 0)
    }
    let shape = Double(cell.height) / Double(cell.width)
    let rowsOfFullWidth = Double(area.width) * Double(height) / Double(width) / shape
    if rowsOfFullWidth <= Double(area.height) {
      return Size(width: area.width, height: max(1, Int(rowsOfFullWidth.rounded())))
    }
    let columns = Double(area.height) * shape * Double(width) / Double(height)
    return Size(width: min(area.width, max(1, Int(columns.rounded()))), height: area.height)
  }

  /// The text of each row, without colours.
  package var text: [String] {
    (0..<rows).map { row in
      String(
        String.UnicodeScalarView(
          scalars[row * columns..<(row + 1) * columns].map { Unicode.Scalar($0) ?? " " }))
    }
  }
}

extension Frame {
  /// Draws a picture with its upper left corner at a point.
  package mutating func draw(_ picture: PictureCells, at point: Point) {
    for row in 0..<picture.rows {
      for column in 0..<picture.columns {
        let (text, style) = picture.cell(column, row)
        write(text, at: Point(x: point.x + column, y: point.y + row), style: style, width: 1)
      }
    }
  }
}

extension PictureCells {
  /// Each row with the sequences that colour it; plain text without colours.
  package func lines(depth: ColorDepth) -> [String] {
    let theme = Theme(depth: depth)
    return (0..<rows).map { row in
      var line = ""
      var last: Style?
      for column in 0..<columns {
        let (text, style) = cell(column, row)
        let look = theme.resolve(style)
        if depth > .none, look != last {
          line +=
            "\u{1B}[0" + (look.reverse ? ";7" : "") + Self.codes(look.foreground, 38)
            + Self.codes(look.background, 48) + "m"
          last = look
        }
        line += text
      }
      return depth > .none ? line + "\u{1B}[0m" : line
    }
  }

  private static func codes(_ color: Color?, _ kind: Int) -> String {
    switch color {
    case .rgb(let red, let green, let blue): ";\(kind);2;\(red);\(green);\(blue)"
    case .indexed(let index): ";\(kind);5;\(index)"
    default: ""
    }
  }

  fileprivate func cell(_ column: Int, _ row: Int) -> (String, Style) {
    let index = row * columns + column
    let text = String(Character(Unicode.Scalar(scalars[index]) ?? " "))
    let (ink, ground) = (Self.color(foregrounds[index]), Self.color(backgrounds[index]))
    // Ink can be transparent only in reverse: the terminal has a ground of its own, and the colour is around it.
    if ink == nil, let ground { return (text, Style(foreground: ground, reverse: true)) }
    return (text, Style(foreground: ink, background: ground))
  }

  private static func color(_ value: Int32) -> Color? {
    guard value >= 0 else { return nil }
    return .rgb(UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255))
  }
}
