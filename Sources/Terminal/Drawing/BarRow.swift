/// One row of a bar list: a name, a share, a bar, and a value at the right.
///
/// For example ` matmul q4 71% ############## 33.1 ms`.
package struct BarRow: Sendable {
  package var label: String
  package var fraction: Double
  package var value: String
  package var style: Style

  package init(_ label: String, fraction: Double, value: String, style: Style = Style(.gauge)) {
    self.label = label
    self.fraction = fraction
    self.value = value
    self.style = style
  }

  /// Draws rows under each other, columns aligned; rows without room are left out.
  ///
  /// The bar gives way first, then the share; the name and the value stay longest.
  package static func draw(_ rows: [BarRow], in rect: Rect, on frame: inout Frame) {
    let labels = rows.map { CharacterWidth.columns($0.label) }.max() ?? 0
    let values = rows.map { CharacterWidth.columns($0.value) }.max() ?? 0
    let labelWidth = min(labels, max(0, rect.width - values - 1))
    for (index, row) in rows.prefix(rect.height).enumerated() {
      let line = rect.row(index)
      frame.write(row.label, at: line.origin, width: labelWidth, ellipsis: true)
      frame.write(row.value, rightAlignedIn: line, style: Style(.text))
      let share = line.x + labelWidth + 1
      let room = line.right - values - 1 - share
      guard room >= 4 else { continue }
      frame.write(percent(row.fraction), at: Point(x: share, y: line.y), width: 4)
      guard room >= 8 else { continue }
      let bar = Gauge.bar(row.fraction, columns: room - 5, glyphs: frame.glyphs)
      frame.write(bar, at: Point(x: share + 5, y: line.y), style: row.style, width: room - 5)
    }
  }

  /// A share in four columns: ` 71%`.
  package static func percent(_ fraction: Double) -> String {
    guard fraction.isFinite else { return "  ?%" }
    let text = String(Int((min(9.99, max(0, fraction)) * 100).rounded()))
    return String(repeating: " ", count: max(0, 3 - text.count)) + text + "%"
  }
}
