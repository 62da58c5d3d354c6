import Inference
import Runtime
import Terminal

/// Where the time of one phase went, class by class, each held against the roof that bounds it.
///
/// For example ` feed-forward  38% ####  2.58 ms  24.1 GB/s  81% of read roof`.
struct OperationTable {
  /// What the heading says: `per token`.
  var title: String
  /// What a line says that stands for the whole table: `prompt`.
  var name: String
  var totals: OperationTotals
  /// Passes that the times are divided by.
  var steps: Int
  var roofs: Roofs
  /// What a speed of arithmetic is called.
  var arithmetic = "int8"

  private struct Row {
    var label: String
    var fraction: Double
    var cells: [Column: String] = [:]
  }

  private static let rest = "rest"

  private enum Column: CaseIterable { case share, time, rate, roof, longRoof }

  /// Rows that show everything: a heading, one for each class, and the sum.
  var height: Int { OperationClass.allCases.count { totals[$0].nanoseconds > 0 } + 2 }

  func draw(in area: Rect, on frame: inout Frame) {
    guard area.height >= 3 else { return }
    drawSection(title + ", by operation", in: area.row(0), on: &frame)
    let rows = rows(most: area.height - 2)
    let body = area.inset(horizontal: 1, vertical: 0)
    draw(rows, in: body.splitTop(1).rest, on: &frame)
    frame.write(
      summary(width: body.width), at: body.row(1 + rows.count).origin, width: body.width)
  }

  /// Each class that took time with its share of the whole, the longest first.
  var shares: [(label: String, fraction: Double)] {
    rows(most: .max).map { ($0.label, $0.fraction) }
  }

  // MARK: Lines

  /// The speed of all classes together: `reads 14.7 of 17.0 GB/s measured (86%)`.
  func summary(width: Int, named: Bool = false) -> StyledText {
    let total = totals.total
    guard let bound = roofs.bound(of: total) else {
      return StyledText("speed not measured", Style(.dim))
    }
    let isReading = bound.kind == .reading
    let roof = isReading ? roofs.bytesPerSecond : roofs.operationsPerSecond
    let rate = Double(isReading ? total.bytes : total.operations) / Double(total.nanoseconds)
    let what = isReading ? "reads" : arithmetic
    var line = StyledText((named ? name + " " : "") + what + " ", Style(.dim))
    guard let roof, let share = bound.share else {
      line.append(Self.rate(rate, bound.kind))
      return line
    }
    let roofText = Self.rate(roof / 1e9, bound.kind)
    let text = Self.rate(rate, bound.kind)
    let sameUnit = text.drop { $0 != " " } == roofText.drop { $0 != " " }
    line.append(sameUnit ? String(text.prefix { $0 != " " }) : text)
    line.append(" of \(roofText)", Style(.dim))
    let percent = " (\(Int((share * 100).rounded()))%)"
    let measured = line.columns + 9 + percent.count <= width ? " measured" : ""
    line.append(measured + percent, Style(.dim))
    return line
  }

  /// A rate in units of 10^9 a second.
  private static func rate(_ value: Double, _ kind: Roofs.Bound.Kind) -> String {
    func text(_ value: Double) -> String {
      PlaygroundState.number(value, decimals: value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
    }
    switch kind {
    case .reading: return PlaygroundState.number(value, decimals: value < 99.95 ? 1 : 0) + " GB/s"
    case .arithmetic: return value < 999.5 ? text(value) + " GOPS" : text(value / 1000) + " TOPS"
    }
  }

  // MARK: Rows

  /// The classes that took time, the longest first.
  ///
  /// Where there is room for fewer, the last row is the sum of the rest.
  private func rows(most: Int) -> [Row] {
    let total = totals.totalNanoseconds
    guard total > 0, steps > 0 else { return [] }
    var entries = OperationClass.allCases
      .map { (label: $0.title, work: totals[$0]) }
      .filter { $0.work.nanoseconds > 0 }
      .sorted { $0.work.nanoseconds > $1.work.nanoseconds }
    if entries.count > most, most > 1 {
      let rest = entries[(most - 1)...].reduce(into: OperationTotals.Entry()) { $0 += $1.work }
      entries = entries.prefix(most - 1) + [(Self.rest, rest)]
    }
    return entries.prefix(max(0, most)).map { label, work in
      var row = Row(label: label, fraction: Double(work.nanoseconds) / Double(total))
      let time = Double(work.nanoseconds) / 1e6 / Double(steps)
      row.cells[.share] = BarRow.percent(row.fraction)
      row.cells[.time] =
        PlaygroundState.number(time, decimals: time < 9.95 ? 2 : time < 999.5 ? 1 : 0) + " ms"
      // The rest is of several kinds: no one roof is its own.
      guard label != Self.rest, let bound = roofs.bound(of: work) else { return row }
      let isReading = bound.kind == .reading
      let rate = Double(isReading ? work.bytes : work.operations) / Double(work.nanoseconds)
      row.cells[.rate] = Self.rate(rate, bound.kind)
      if let share = bound.share {
        let text = BarRow.percent(share)
        let roof = isReading ? "read" : "int8"
        row.cells[.roof] = "\(text) \(roof)"
        row.cells[.longRoof] = "\(text) of \(roof) roof"
      }
      return row
    }
  }

  /// Draws rows under each other, columns aligned.
  ///
  /// The roof's long form gives way first, then the rate, the share, the bar, the roof; name and time stay longest.
  private func draw(_ rows: [Row], in area: Rect, on frame: inout Frame) {
    func width(_ column: Column) -> Int {
      rows.map { CharacterWidth.columns($0.cells[column] ?? "") }.max() ?? 0
    }
    let labels = rows.map { CharacterWidth.columns($0.label) }.max() ?? 0
    let choices: [(bar: Bool, columns: [Column])] = [
      (true, [.share, .time, .rate, .longRoof]), (true, [.share, .time, .rate, .roof]),
      (true, [.share, .time, .roof]), (true, [.time, .roof]), (false, [.time, .roof]),
      (false, [.time]),
    ]
    let leastBar = 3
    func needed(_ choice: (bar: Bool, columns: [Column])) -> Int {
      choice.columns.reduce(labels + (choice.bar ? leastBar + 1 : 0)) { sum, column in
        let columns = width(column)
        return sum + (columns > 0 ? columns + Self.gap(before: column) : 0)
      }
    }
    let choice = choices.first { needed($0) <= area.width } ?? (false, [.time])
    let barWidth = choice.bar ? leastBar + area.width - needed(choice) : 0
    let labelWidth = min(labels, max(0, area.width - width(.time) - 1))
    for (index, row) in rows.prefix(area.height).enumerated() {
      let line = area.row(index)
      frame.write(row.label, at: line.origin, width: labelWidth, ellipsis: true)
      var right = line.right
      for column in choice.columns.reversed() where column != .share && width(column) > 0 {
        let cell = Rect(x: right - width(column), y: line.y, width: width(column), height: 1)
        frame.write(
          row.cells[column] ?? "", rightAlignedIn: cell,
          style: Style(column == .rate ? .dim : .text))
        right = cell.x - Self.gap(before: column)
      }
      var x = line.x + labelWidth + 1
      if choice.columns.contains(.share) {
        frame.write(row.cells[.share] ?? "", at: Point(x: x, y: line.y), width: 4)
        x += 5
      }
      guard barWidth > 0 else { continue }
      let bar = Gauge.bar(row.fraction, columns: barWidth, glyphs: frame.glyphs)
      frame.write(bar, at: Point(x: x, y: line.y), style: Style(.gauge), width: barWidth)
    }
  }

  private static func gap(before column: Column) -> Int {
    column == .share || column == .time ? 1 : 2
  }
}
