/// A graph one row high: the newest value at the right.
package struct Sparkline: Sendable {
  package var values: [Double]

  /// The value of a full cell; the largest value shown when nil.
  package var maximum: Double?
  package var style: Style

  package init(_ values: [Double], maximum: Double? = nil, style: Style = Style(.graph)) {
    self.values = values
    self.maximum = maximum
    self.style = style
  }

  /// Draws the newest values on the first row of `rect`, one a column.
  package func draw(in rect: Rect, on frame: inout Frame) {
    guard !rect.isEmpty else { return }
    let shown = values.suffix(rect.width)
    let top = maximum ?? shown.filter(\.isFinite).max() ?? 0
    let steps = frame.glyphs.columnSteps
    for (index, value) in shown.enumerated() {
      guard value.isFinite, value > 0, top > 0 else { continue }
      let step = Int((min(1, value / top) * Double(steps.count)).rounded(.up))
      frame.put(
        steps[max(1, step) - 1], at: Point(x: rect.right - shown.count + index, y: rect.y),
        style: style)
    }
  }
}
