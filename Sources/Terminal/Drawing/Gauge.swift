/// A bar that shows a share of a whole, such as `[####------]`.
package struct Gauge: Sendable {
  /// From 0 to 1; anything else is brought into that range, and what is no number counts as 0.
  package var fraction: Double
  package var style: Style
  package var hasBrackets: Bool

  package init(_ fraction: Double, style: Style = Style(.gauge), hasBrackets: Bool = true) {
    self.fraction = fraction
    self.style = style
    self.hasBrackets = hasBrackets
  }

  /// Draws the gauge on the first row of `rect`, over its whole width.
  package func draw(in rect: Rect, on frame: inout Frame) {
    guard !rect.isEmpty else { return }
    var inside = rect.row(0)
    if hasBrackets, inside.width > 2 {
      frame.write("[", at: inside.origin, style: Style(.border))
      frame.write("]", at: Point(x: inside.right - 1, y: inside.y), style: Style(.border))
      inside = Rect(x: inside.x + 1, y: inside.y, width: inside.width - 2, height: 1)
    }
    let bar = Gauge.bar(fraction, columns: inside.width, glyphs: frame.glyphs)
    frame.fill(inside, with: frame.glyphs.barEmpty, style: Style(.border))
    frame.write(bar, at: inside.origin, style: style, width: inside.width)
  }

  /// The filled part of a bar of `columns` columns, as text.
  package static func bar(_ fraction: Double, columns: Int, glyphs: GlyphSet) -> String {
    guard columns > 0, fraction.isFinite, fraction > 0 else { return "" }
    let steps = glyphs.barSteps
    let units = Int((min(1, fraction) * Double(columns * steps.count)).rounded())
    guard let full = steps.last else { return "" }
    var bar = String(repeating: full, count: units / steps.count)
    if units % steps.count > 0 { bar.append(steps[units % steps.count - 1]) }
    return bar
  }
}
