/// A cell position: column `x` and row `y`, from the top left corner.
package struct Point: Hashable, Sendable {
  package var x: Int
  package var y: Int

  package init(x: Int, y: Int) {
    self.x = x
    self.y = y
  }
}

/// A size in cells; never negative.
package struct Size: Hashable, Sendable {
  package let width: Int
  package let height: Int

  package init(width: Int, height: Int) {
    self.width = max(0, width)
    self.height = max(0, height)
  }
}

/// A rectangle of cells; its width and height are never negative.
///
/// Every helper clamps, so a layout for a terminal that is too small yields empty rectangles
/// instead of wrong ones.
package struct Rect: Hashable, Sendable {
  package let x: Int
  package let y: Int
  package let width: Int
  package let height: Int

  package init(x: Int, y: Int, width: Int, height: Int) {
    self.x = x
    self.y = y
    self.width = max(0, width)
    self.height = max(0, height)
  }

  package init(size: Size) {
    self.init(x: 0, y: 0, width: size.width, height: size.height)
  }

  package var isEmpty: Bool { width == 0 || height == 0 }
  package var size: Size { Size(width: width, height: height) }
  package var origin: Point { Point(x: x, y: y) }

  /// The column after the last one.
  package var right: Int { x + width }

  /// The row after the last one.
  package var bottom: Int { y + height }

  package func contains(_ point: Point) -> Bool {
    point.x >= x && point.x < right && point.y >= y && point.y < bottom
  }

  package func intersection(_ other: Rect) -> Rect {
    let left = max(x, other.x)
    let top = max(y, other.y)
    return Rect(
      x: left, y: top, width: min(right, other.right) - left,
      height: min(bottom, other.bottom) - top)
  }

  /// The rectangle without `horizontal` columns at each side and `vertical` rows above and below.
  package func inset(horizontal: Int = 1, vertical: Int = 1) -> Rect {
    Rect(
      x: x + min(horizontal, width), y: y + min(vertical, height),
      width: width - 2 * horizontal, height: height - 2 * vertical)
  }

  /// The first `rows` rows and the rest below them.
  package func splitTop(_ rows: Int) -> (top: Rect, rest: Rect) {
    let rows = min(max(0, rows), height)
    return (
      Rect(x: x, y: y, width: width, height: rows),
      Rect(x: x, y: y + rows, width: width, height: height - rows)
    )
  }

  /// The last `rows` rows and the rest above them.
  package func splitBottom(_ rows: Int) -> (rest: Rect, bottom: Rect) {
    let (rest, bottom) = splitTop(height - min(max(0, rows), height))
    return (rest, bottom)
  }

  /// The first `columns` columns and the rest at their right.
  package func splitLeft(_ columns: Int) -> (left: Rect, rest: Rect) {
    let columns = min(max(0, columns), width)
    return (
      Rect(x: x, y: y, width: columns, height: height),
      Rect(x: x + columns, y: y, width: width - columns, height: height)
    )
  }

  /// The last `columns` columns and the rest at their left.
  package func splitRight(_ columns: Int) -> (rest: Rect, right: Rect) {
    let (rest, right) = splitLeft(width - min(max(0, columns), width))
    return (rest, right)
  }

  /// Stacked parts of the given heights, from the top; what does not fit becomes shorter or empty.
  package func rows(_ heights: [Int]) -> [Rect] {
    var rest = self
    return heights.map { height in
      let (part, remaining) = rest.splitTop(height)
      rest = remaining
      return part
    }
  }

  /// Side-by-side parts of the given widths, from the left; what does not fit is narrower or empty.
  package func columns(_ widths: [Int]) -> [Rect] {
    var rest = self
    return widths.map { width in
      let (part, remaining) = rest.splitLeft(width)
      rest = remaining
      return part
    }
  }

  /// The row with index `index` from the top, as a rectangle one cell high, empty outside.
  package func row(_ index: Int) -> Rect {
    guard index >= 0, index < height else { return Rect(x: x, y: y, width: 0, height: 0) }
    return Rect(x: x, y: y + index, width: width, height: 1)
  }

  /// A rectangle of at most `size`, in the middle of this one.
  package func centred(_ size: Size) -> Rect {
    let width = min(size.width, width)
    let height = min(size.height, height)
    return Rect(
      x: x + (self.width - width) / 2, y: y + (self.height - height) / 2, width: width,
      height: height)
  }
}
