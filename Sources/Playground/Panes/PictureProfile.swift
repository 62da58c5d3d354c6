import Inference
import Runtime
import Terminal

/// Draws the profile of a picture: time over its steps, passes, memory, quality, and where the time went.
struct PictureProfile {
  let work: PictureWork

  /// nil where nothing of it was measured.
  init?(_ state: PlaygroundState) {
    guard let work = state.pictures.work, !work.costs.isEmpty else { return nil }
    self.work = work
  }

  func draw(in area: Rect, on frame: inout Frame) {
    frame.write(speedLine, at: area.origin, width: area.width)
    guard area.height > 1 else { return }
    let facts = facts.prefix(area.height - 1)
    for (row, line) in facts.enumerated() {
      frame.write(line, at: area.row(area.height - facts.count + row).origin, width: area.width)
    }
    var room = area.splitTop(1).rest.splitBottom(facts.count).0
    let table = table
    if room.height >= 7, table.totals.totalNanoseconds > 0 {
      let (upper, lower) = room.splitBottom(min(table.height, room.height - 3))
      table.draw(in: lower, on: &frame)
      room = upper
    }
    drawSteps(in: room, on: &frame)
  }

  private var milliseconds: [Double] { work.costs.map { $0.seconds * 1000 } }

  private var speedLine: StyledText {
    var line = StyledText("picture ", Style(.dim))
    line.append(
      PlaygroundState.number(work.seconds * 1000, decimals: 0) + " ms", Style(.graph).bolded)
    let step = milliseconds.sorted()[work.costs.count / 2]
    line.append("  a step \(PlaygroundState.number(step, decimals: 1)) ms")
    let passes = work.steps.last?.evaluations ?? 0
    let decimals = passes == passes.rounded() ? 0 : 1
    line.append("  passes \(PlaygroundState.number(passes, decimals: decimals))")
    line.append("  n=\(work.steps.count)", Style(.dim))
    return line
  }

  private var facts: [StyledText] {
    var memory = StyledText("memory ", Style(.dim))
    memory.append(work.byteCount > 0 ? formatBytes(work.byteCount) : "-")
    if let bytes = work.steps.last?.byteCount, bytes > 0 {
      memory.append("  caches ", Style(.dim))
      memory.append(formatBytes(bytes))
    }
    var quality = StyledText("agreement ", Style(.dim))
    quality.append(work.agreement.map { PlaygroundState.number($0, decimals: 2) } ?? "-")
    guard let figures = work.figures else { return [memory, quality] }
    func share(_ number: Double) -> String { PlaygroundState.number(number, decimals: 2) }
    quality.append(
      "  of many \(share(figures.agreement)), copies \(share(figures.copyAgreement))", Style(.dim))
    var distance = StyledText("Fr\u{e9}chet ", Style(.dim))
    distance.append(PlaygroundState.number(figures.frechet, decimals: 1))
    distance.append(
      "  copies \(PlaygroundState.number(figures.copyFrechet, decimals: 1)); \(figures.pictures) pictures, judge's features",
      Style(.dim))
    return [memory, quality, distance]
  }

  private var table: OperationTable {
    var totals = OperationTotals()
    for cost in work.costs { totals.add(cost.operations) }
    return OperationTable(
      title: "per step", name: "step", totals: totals, steps: work.costs.count, roofs: Roofs(),
      arithmetic: "computes")
  }

  /// A column for each step, or for some together, as high as its time.
  private func drawSteps(in area: Rect, on frame: inout Frame) {
    guard area.height > 0, area.width >= 8 else { return }
    let values = milliseconds
    let count = min(values.count, area.width)
    let heights = (0..<count).map { column -> Double in
      let (start, end) = (column * values.count / count, (column + 1) * values.count / count)
      return values[start..<end].reduce(0, +) / Double(end - start)
    }
    let signs = frame.glyphs.columnSteps
    let top = max(heights.max() ?? 0, 1e-9)
    let width = min(4, area.width / count)
    for (column, height) in heights.enumerated() {
      let filled = max(1, Int((height / top * Double(area.height * signs.count)).rounded()))
      let text = { (sign: Character) in String(repeating: sign, count: max(1, width - 1)) }
      for row in 0..<area.height {
        let left = min(filled - row * signs.count, signs.count)
        guard left > 0 else { break }
        frame.write(
          text(signs[left - 1]),
          at: Point(x: area.x + column * width, y: area.bottom - 1 - row), style: Style(.graph))
      }
    }
  }
}
