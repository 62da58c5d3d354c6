/// One cell: a grapheme cluster, the columns it takes, and its style.
package struct Cell: Hashable, Sendable {
  package let text: String

  /// 1 or 2; 0 for the second column of a wide cluster.
  package let width: Int
  package let style: Style

  package static let blank = Cell(text: " ", width: 1, style: .plain)
}

/// A screenful of cells to draw on; a value that knows nothing of the terminal.
///
/// Text is made safe at this door: no control character, escape or bidirectional override that is
/// written becomes part of a cell. Everything outside the clip is cut off silently.
package struct Frame: Hashable, Sendable {
  package let size: Size

  /// The characters to draw with on the terminal that this frame is for.
  package let glyphs: GlyphSet

  /// How that terminal shows real pixels; nil where it cannot.
  package let graphics: PixelGraphics?

  /// A picture over the cells, which are to be blank under it; only for a terminal with `graphics`.
  package var picture: PixelPicture?

  /// Where the terminal's cursor is shown; hidden when nil.
  package var cursor: Point?

  private var cells: [PackedCell]

  /// Clusters of more than one scalar, which do not fit into a packed cell.
  private var clusters: [String] = []
  private var clip: Rect

  package init(size: Size, glyphs: GlyphSet = .ascii, graphics: PixelGraphics? = nil) {
    self.size = size
    self.glyphs = glyphs
    self.graphics = graphics
    self.cells = Array(repeating: .blank, count: size.width * size.height)
    self.clip = Rect(size: size)
  }

  package var bounds: Rect { Rect(size: size) }

  /// The cell at a position; blank outside.
  package subscript(x: Int, y: Int) -> Cell {
    guard bounds.contains(Point(x: x, y: y)) else { return .blank }
    let cell = cells[y * size.width + x]
    return Cell(text: text(of: cell), width: Int(cell.width), style: cell.style.style)
  }

  /// The cells of one row; empty outside.
  package func row(_ y: Int) -> [Cell] {
    guard y >= 0, y < size.height else { return [] }
    return (0..<size.width).map { self[$0, y] }
  }

  /// The packed cells of one row, for painting; the row must exist.
  func packedRow(_ y: Int) -> ArraySlice<PackedCell> {
    cells[y * size.width..<(y + 1) * size.width]
  }

  /// The cluster of a packed cell of this frame.
  func text(of cell: PackedCell) -> String {
    if cell.width == 0 { return "" }
    if let index = cell.clusterIndex { return clusters[index] }
    return Unicode.Scalar(cell.code).map { String($0) } ?? " "
  }

  /// The painted text, one line a row, without trailing spaces: for goldens.
  package var text: String {
    (0..<size.height).map { y in
      var line = packedRow(y).reduce(into: "") { $0 += text(of: $1) }
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }

  /// Draws with everything outside `rect` cut off.
  package mutating func clipped(to rect: Rect, _ draw: (inout Frame) -> Void) {
    let outer = clip
    clip = clip.intersection(rect)
    draw(&self)
    clip = outer
  }

  /// Writes text on one row and returns the columns it used.
  ///
  /// Tabs advance to the next multiple of eight from the start. A wide cluster that does not fit
  /// at the limit is left out and its column stays blank.
  ///
  /// - Parameters:
  ///   - width: the most columns to use; to the clip's edge when nil.
  ///   - ellipsis: whether text that is cut ends in the ellipsis of the glyph set.
  @discardableResult
  package mutating func write(
    _ text: String, at point: Point, style: Style = .plain, width: Int? = nil,
    controls: VisibleText.ControlDisplay = .replaced, ellipsis: Bool = false
  ) -> Int {
    let limit = min(width ?? Int.max, max(0, clip.right - point.x))
    guard limit > 0 else { return 0 }
    if ellipsis, CharacterWidth.columns(text) > limit {
      let used = write(text, at: point, style: style, width: limit - 1, controls: controls)
      put(packed(glyphs.ellipsis, 1, PackedStyle(style)), x: point.x + used, y: point.y)
      return used + 1
    }
    let look = PackedStyle(style)
    var used = 0
    for character in text {
      if let scalar = Frame.plainScalar(character) {
        let columns = CharacterWidth.columns(scalar)
        guard used + columns <= limit else { return used }
        put(PackedCell(scalar, columns, look), x: point.x + used, y: point.y)
        used += columns
        continue
      }
      if character == "\t", controls == .replaced {
        let next = min(limit, (used / 8 + 1) * 8)
        while used < next {
          put(PackedCell(" ", 1, look), x: point.x + used, y: point.y)
          used += 1
        }
        continue
      }
      for cluster in VisibleText.clusters(of: character, controls: controls) {
        let columns = CharacterWidth.columns(cluster)
        guard used + columns <= limit else { return used }
        put(packed(cluster, columns, look), x: point.x + used, y: point.y)
        used += columns
      }
    }
    return used
  }

  /// Writes text so that it ends at the right edge of a row; returns the columns it used.
  @discardableResult
  package mutating func write(
    _ text: String, rightAlignedIn rect: Rect, row: Int = 0, style: Style = .plain
  ) -> Int {
    let columns = min(rect.width, CharacterWidth.columns(text))
    guard row >= 0, row < rect.height else { return 0 }
    return write(
      text, at: Point(x: rect.right - columns, y: rect.y + row), style: style, width: columns)
  }

  /// Fills a rectangle with one character.
  package mutating func fill(_ rect: Rect, with character: Character = " ", style: Style = .plain) {
    let area = rect.intersection(clip)
    let cluster = VisibleText.clusters(of: character, controls: .replaced).first ?? " "
    let columns = CharacterWidth.columns(cluster)
    let cell = packed(cluster, columns, PackedStyle(style))
    for y in area.y..<area.bottom {
      for x in stride(from: area.x, to: area.right, by: max(1, columns)) { put(cell, x: x, y: y) }
    }
  }

  /// Changes the style of what is already painted in a rectangle.
  package mutating func restyle(_ rect: Rect, _ change: (Style) -> Style) {
    let area = rect.intersection(clip)
    for y in area.y..<area.bottom {
      for x in area.x..<area.right {
        let index = y * size.width + x
        cells[index].style = PackedStyle(change(cells[index].style.style))
      }
    }
  }

  /// Draws a box with a title at its left and another at its right, and returns its inside.
  ///
  /// A focused box differs by more than its colour: its title stands in brackets.
  @discardableResult
  package mutating func box(
    _ rect: Rect, title: String = "", rightTitle: String = "", focused: Bool = false
  ) -> Rect {
    guard rect.width >= 2, rect.height >= 2 else { return rect.inset() }
    let border = glyphs.border
    let style = Style(focused ? .focusedBorder : .border)
    let (last, low) = (rect.right - 1, rect.bottom - 1)
    fill(
      Rect(x: rect.x + 1, y: rect.y, width: rect.width - 2, height: 1), with: border.horizontal,
      style: style)
    fill(
      Rect(x: rect.x + 1, y: low, width: rect.width - 2, height: 1), with: border.horizontal,
      style: style)
    fill(
      Rect(x: rect.x, y: rect.y + 1, width: 1, height: rect.height - 2), with: border.vertical,
      style: style)
    fill(
      Rect(x: last, y: rect.y + 1, width: 1, height: rect.height - 2), with: border.vertical,
      style: style)
    let corners: [(Character, Int, Int)] = [
      (border.topLeft, rect.x, rect.y), (border.topRight, last, rect.y),
      (border.bottomLeft, rect.x, low), (border.bottomRight, last, low),
    ]
    for (corner, x, y) in corners { put(packed(corner, 1, PackedStyle(style)), x: x, y: y) }
    writeTitles(title, rightTitle, on: rect, focused: focused)
    return rect.inset()
  }

  private mutating func writeTitles(_ title: String, _ right: String, on rect: Rect, focused: Bool)
  {
    var room = rect.width - 4
    if !title.isEmpty, room > 0 {
      let shown = focused ? "[\(title)]" : " \(title) "
      room -= write(
        shown, at: Point(x: rect.x + 2, y: rect.y), style: Style(focused ? .focusedBorder : .title),
        width: room, ellipsis: true)
    }
    let columns = CharacterWidth.columns(right) + 2
    // The right title gives way first: half a hint helps nobody.
    if !right.isEmpty, columns + 1 <= room {
      write(
        " \(right) ", at: Point(x: rect.right - 2 - columns, y: rect.y), style: Style(.hint),
        width: columns)
    }
  }

  /// Writes one character of the glyph sets: a single scalar of one column.
  package mutating func put(_ glyph: Character, at point: Point, style: Style) {
    guard let scalar = Frame.plainScalar(glyph), CharacterWidth.columns(scalar) == 1 else {
      write(String(glyph), at: point, style: style)
      return
    }
    put(PackedCell(scalar, 1, PackedStyle(style)), x: point.x, y: point.y)
  }

  /// The scalar of a cluster that needs no second look: one visible scalar, no mark, no control.
  private static func plainScalar(_ character: Character) -> Unicode.Scalar? {
    var scalars = character.unicodeScalars.makeIterator()
    guard let scalar = scalars.next(), scalars.next() == nil else { return nil }
    if scalar.value >= 0x20, scalar.value < 0x7F { return scalar }
    if VisibleText.isHostile(scalar) || CharacterWidth.columns(scalar) == 0 { return nil }
    return scalar
  }

  private mutating func packed(
    _ cluster: Character, _ columns: Int, _ style: PackedStyle
  ) -> PackedCell {
    if let scalar = Frame.plainScalar(cluster) { return PackedCell(scalar, columns, style) }
    let text = String(cluster)
    let index = clusters.firstIndex(of: text) ?? clusters.count
    if index == clusters.count { clusters.append(text) }
    return PackedCell(clusterIndex: index, columns, style)
  }

  /// Stores one cluster, mending wide clusters that it cuts in half.
  private mutating func put(_ cell: PackedCell, x: Int, y: Int) {
    let columns = Int(cell.width)
    guard columns > 0, y >= clip.y, y < clip.bottom, x >= clip.x, x + columns <= clip.right else {
      return
    }
    let index = y * size.width + x
    if cells[index].width != 1 { mend(index, x: x) }
    if columns == 2 {
      if cells[index + 1].width != 1 { mend(index + 1, x: x + 1) }
      cells[index + 1] = PackedCell(secondColumnOf: cell)
    }
    cells[index] = cell
  }

  /// Blanks the other half when a cell is half of a wide cluster.
  private mutating func mend(_ index: Int, x: Int) {
    let width = cells[index].width
    if width == 0, x > 0 {
      cells[index - 1].blank()
      cells[index].blank()
    } else if width == 2, x + 1 < size.width {
      cells[index + 1].blank()
    }
  }
}
