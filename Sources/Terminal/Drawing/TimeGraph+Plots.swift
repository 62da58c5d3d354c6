/// The three ways to draw the samples themselves.
extension TimeGraph {
  /// Columns of eighth blocks, or of half blocks on a console font.
  func drawColumns(_ shown: [Double], top: Double, plot: Rect, on frame: inout Frame) {
    let steps = frame.glyphs.columnSteps
    for (index, value) in shown.enumerated() {
      guard let share = share(value, of: top) else { continue }
      let x = plot.right - shown.count + index
      let units = max(1, Int((share * Double(plot.height * steps.count)).rounded()))
      for row in 0..<plot.height {
        let filled = min(steps.count, units - row * steps.count)
        guard filled > 0 else { break }
        frame.put(
          steps[filled - 1], at: Point(x: x, y: plot.bottom - 1 - row), style: style)
      }
    }
  }

  /// One mark a sample at its height, joined by `|` where the next one is rows away.
  func drawPoints(_ shown: [Double], top: Double, plot: Rect, on frame: inout Frame) {
    var last: Int?
    for (index, value) in shown.enumerated() {
      guard let share = share(value, of: top) else {
        last = nil
        continue
      }
      let x = plot.right - shown.count + index
      let row = plot.bottom - 1 - Int((share * Double(plot.height - 1)).rounded())
      if let last, abs(last - row) > 1 {
        for between in (min(last, row) + 1)..<max(last, row) {
          frame.put("|", at: Point(x: x, y: between), style: style)
        }
      }
      frame.put("*", at: Point(x: x, y: row), style: style)
      last = row
    }
  }

  /// Filled braille dots: two samples a column, four levels a row.
  func drawBraille(_ shown: [Double], top: Double, plot: Rect, on frame: inout Frame) {
    // Dots of a cell from the bottom up, left and right column: Unicode's braille dot numbering.
    let left: [UInt32] = [0x40, 0x04, 0x02, 0x01]
    let right: [UInt32] = [0x80, 0x20, 0x10, 0x08]
    let levels = shown.map { value -> Int in
      guard let share = share(value, of: top) else { return 0 }
      return max(1, Int((share * Double(plot.height * 4)).rounded()))
    }
    // The newest sample stands in the right half of the last column.
    let padded = levels.count % 2 == 0 ? levels : [0] + levels
    for column in 0..<padded.count / 2 {
      let x = plot.right - padded.count / 2 + column
      for row in 0..<plot.height {
        var dots: UInt32 = 0
        for dot in 0..<4 {
          if padded[2 * column] > row * 4 + dot { dots |= left[dot] }
          if padded[2 * column + 1] > row * 4 + dot { dots |= right[dot] }
        }
        guard dots > 0, let scalar = Unicode.Scalar(0x2800 + dots) else { break }
        frame.put(Character(scalar), at: Point(x: x, y: plot.bottom - 1 - row), style: style)
      }
    }
  }

  /// The share of the height, from 0 to 1; nil for a gap.
  private func share(_ value: Double, of top: Double) -> Double? {
    guard value.isFinite, value >= 0, top > 0, top.isFinite else { return nil }
    return min(1, value / top)
  }
}
