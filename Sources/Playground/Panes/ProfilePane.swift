import Inference
import Runtime
import Terminal

/// Draws the profile: speed over time, latency, memory, and the share of each class of operation.
enum ProfilePane {
  static func draw(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    guard area.height > 2 else {
      drawStrip(state, in: area, on: &frame)
      return
    }
    let profile = state.profile
    let operations = operationRows(profile)
    let room = area.height - 3
    // The graph comes first; the table of operations takes what it leaves.
    let least = max(6, room * 3 / 5)
    let table = operations.isEmpty ? 0 : min(operations.count + 2, max(0, room - least))
    let graphRows = room - (table >= 3 ? table : 0)
    let parts = area.rows([1, graphRows, 1, 1])
    frame.write(speedLine(profile), at: parts[0].origin, width: area.width)
    drawGraph(profile, in: parts[1], on: &frame)
    writeItems(promptItems(state), in: parts[2], on: &frame)
    drawMemory(profile, in: parts[3], on: &frame)
    guard table >= 3 else { return }
    let below = area.splitTop(1 + graphRows + 2).rest
    drawOperations(operationRows(profile, most: table - 2), profile, in: below, on: &frame)
  }

  // MARK: Speed

  private static func speedLine(_ profile: ProfileState) -> StyledText {
    var line = StyledText("gen ", Style(.dim))
    guard let speed = profile.averageSpeed else {
      line.append(profile.tokens == 0 ? "no token yet" : "first token", Style(.dim))
      return line
    }
    line.append("\(PlaygroundState.number(speed, decimals: 1)) t/s", Style(.graph).bolded)
    if let middle = profile.gaps.quantile(0.5), let late = profile.gaps.quantile(0.99) {
      line.append("  p50 \(milliseconds(middle))  p99 \(milliseconds(late))", .plain)
    }
    line.append("  n=\(profile.tokens)", Style(.dim))
    return line
  }

  private static func milliseconds(_ nanoseconds: Double) -> String {
    let value = nanoseconds / 1e6
    return PlaygroundState.number(value, decimals: value < 9.95 ? 1 : 0) + "ms"
  }

  private static func promptItems(_ state: PlaygroundState) -> [(String, String)] {
    var items = [
      ("pp", speedText(state.profile.promptSpeed)),
      ("ttft", state.profile.timeToFirstToken.map(secondsText) ?? "-"),
      ("queue", String(state.chat.queue.count)),
    ]
    if let threads = state.profile.threads { items.append(("threads", String(threads))) }
    return items
  }

  /// Writes as many whole items as fit.
  private static func writeItems(
    _ items: [(String, String)], in row: Rect, gap: Int = 3, on frame: inout Frame
  ) {
    var x = row.x
    for (name, value) in items {
      guard x + name.count + 1 + CharacterWidth.columns(value) <= row.right else { break }
      x += frame.write(name + " ", at: Point(x: x, y: row.y), style: Style(.dim))
      x += frame.write(value, at: Point(x: x, y: row.y))
      x += gap
    }
  }

  private static func speedText(_ speed: Double?) -> String {
    speed.map { PlaygroundState.number($0, decimals: $0 < 99.5 ? 1 : 0) + " t/s" } ?? "-"
  }

  private static func secondsText(_ seconds: Double) -> String {
    seconds < 0.9995
      ? "\(Int((seconds * 1000).rounded())) ms"
      : PlaygroundState.number(seconds, decimals: 2) + " s"
  }

  private static func drawGraph(_ profile: ProfileState, in rect: Rect, on frame: inout Frame) {
    guard rect.height > 0 else { return }
    guard !profile.history.isEmpty else {
      let text = Paragraph("tokens per second appear here while an answer is made", Style(.dim))
      for (index, line) in text.lines(width: max(8, rect.width - 2)).prefix(rect.height)
        .enumerated()
      {
        frame.write(line, at: Point(x: rect.x + 1, y: rect.y + min(1, rect.height - 1) + index))
      }
      return
    }
    let axis = rect.width >= 24 && rect.height >= 3 ? 6 : 0
    let count = max(1, (rect.width - axis) * TimeGraph.samplesPerColumn(frame.glyphs))
    let interval = profile.window / Double(count)
    let graph = TimeGraph(
      samples: filled(
        profile.history.samples(endingAt: profile.graphEnd, interval: interval, count: count)),
      interval: interval, ticks: ticks(profile, interval: interval, count: count))
    graph.draw(in: rect, on: &frame)
  }

  /// Short gaps carry the value before them: a slot is longer than a column of a short window.
  private static func filled(_ samples: [Double]) -> [Double] {
    var result = samples
    var last = Double.nan
    var age = 0
    for index in result.indices {
      if result[index].isFinite {
        last = result[index]
        age = 0
      } else if last.isFinite, age < 3 {
        result[index] = last
        age += 1
      }
    }
    return result
  }

  private static func ticks(_ profile: ProfileState, interval: Double, count: Int) -> [TimeGraph
    .Tick]
  {
    profile.ticks.compactMap { tick in
      guard tick.time <= profile.graphEnd else { return nil }
      let age = Int(Double(profile.graphEnd - tick.time) / 1e9 / interval)
      return age < count ? TimeGraph.Tick(age: age, label: tick.label) : nil
    }
  }

  // MARK: Memory

  private static func drawMemory(_ profile: ProfileState, in row: Rect, on frame: inout Frame) {
    guard let memory = profile.memory else {
      frame.write(
        "memory: measured while an answer is made", at: row.origin, style: Style(.dim),
        width: row.width)
      return
    }
    let entries = [
      ("rss", memory.resident), ("weights", memory.weights), ("kv", memory.cache),
      ("scratch", memory.scratch),
    ]
    var x = row.x
    let gauges = row.width >= 76
    for (name, bytes) in entries {
      var line = StyledText("\(name) ", Style(.dim))
      line.append(byteText(bytes))
      if name == "weights", row.width >= 52 { line.append(" mapped", Style(.dim)) }
      guard x + line.columns <= row.right else { break }
      x += frame.write(line, at: Point(x: x, y: row.y))
      if gauges, name == "rss" || name == "kv" {
        let share = Double(bytes) / Double(max(1, memory.resident, memory.weights))
        Gauge(share).draw(in: Rect(x: x + 1, y: row.y, width: 10, height: 1), on: &frame)
        x += 11
      }
      x += gauges ? 3 : 2
    }
  }

  // MARK: Operations

  /// The classes that took time, the longest first.
  ///
  /// Where there is room for fewer, the last row is the sum of the rest.
  private static func operationRows(_ profile: ProfileState, most: Int = .max) -> [BarRow] {
    let total = profile.operations.totalNanoseconds
    let steps = profile.tokens - 1
    guard total > 0, steps > 0 else { return [] }
    var entries = OperationClass.allCases
      .map { ($0.title, profile.operations[$0].nanoseconds) }
      .filter { $0.1 > 0 }
      .sorted { $0.1 > $1.1 }
    if entries.count > most, most > 1 {
      let rest = entries[(most - 1)...].reduce(0) { $0 + $1.1 }
      entries = entries.prefix(most - 1) + [("rest", rest)]
    }
    return entries.map { title, nanoseconds in
      let value = Double(nanoseconds) / 1e6 / Double(steps)
      return BarRow(
        title, fraction: Double(nanoseconds) / Double(total),
        value: PlaygroundState.number(value, decimals: value < 9.95 ? 2 : 1) + " ms")
    }
  }

  private static func drawOperations(
    _ rows: [BarRow], _ profile: ProfileState, in area: Rect, on frame: inout Frame
  ) {
    let parts = area.rows([1, area.height - 2, 1])
    drawSection("per token, by operation", in: parts[0], on: &frame)
    BarRow.draw(rows, in: parts[1].inset(horizontal: 1, vertical: 0), on: &frame)
    let line = Rect(
      x: area.x, y: parts[1].y + min(rows.count, parts[1].height), width: area.width, height: 1)
    frame.write(bandwidthLine(profile), at: Point(x: line.x + 1, y: line.y), width: line.width - 1)
  }

  private static func bandwidthLine(_ profile: ProfileState) -> StyledText {
    let bytes = OperationClass.allCases.reduce(0) { $0 + profile.operations[$1].bytes }
    let nanoseconds = profile.operations.totalNanoseconds
    guard bytes > 0, nanoseconds > 0 else {
      return StyledText("bandwidth not measured", Style(.dim))
    }
    let speed = Double(bytes) / Double(nanoseconds)
    var line = StyledText("reads ", Style(.dim))
    line.append("\(PlaygroundState.number(speed, decimals: 1)) GB/s")
    if let ceiling = profile.bandwidthCeiling, ceiling > 0 {
      let share = Int((speed * 1e9 / ceiling * 100).rounded())
      line.append(
        " of \(PlaygroundState.number(ceiling / 1e9, decimals: 1)) measured (\(share)%)",
        Style(.dim))
    }
    return line
  }

  // MARK: Two rows

  private static func drawStrip(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    let profile = state.profile
    let top = area.row(0)
    var left = StyledText("gen ", Style(.dim))
    left.append(profile.averageSpeed.map { speedText($0) } ?? "- t/s", Style(.graph).bolded)
    var right = StyledText("pp ", Style(.dim))
    right.append(speedText(profile.promptSpeed))
    right.append("  ttft ", Style(.dim))
    right.append(profile.timeToFirstToken.map(secondsText) ?? "-")
    let used = frame.write(left, at: top.origin, width: top.width)
    let rightStart = top.right - right.columns
    frame.write(right, at: Point(x: rightStart, y: top.y))
    let spark = Rect(
      x: top.x + max(used, 14) + 2, y: top.y, width: rightStart - 2 - top.x - max(used, 14) - 2,
      height: 1)
    drawSpark(profile, in: spark, on: &frame)
    guard area.height > 1 else { return }
    let items = shareItems(profile)
    if items.isEmpty {
      frame.write(
        "figures appear with the first answer", at: area.row(1).origin, style: Style(.dim))
    }
    writeItems(items, in: area.row(1), gap: 2, on: &frame)
  }

  private static func drawSpark(_ profile: ProfileState, in rect: Rect, on frame: inout Frame) {
    guard rect.width >= 8, !profile.history.isEmpty else { return }
    let interval = profile.window / Double(rect.width)
    let samples = filled(
      profile.history.samples(endingAt: profile.graphEnd, interval: interval, count: rect.width))
    Sparkline(samples).draw(in: rect, on: &frame)
    for tick in ticks(profile, interval: interval, count: rect.width) {
      // The label covers what is older than the change, so that the live end stays in view.
      let x = rect.right - 1 - tick.age
      let columns = CharacterWidth.columns(tick.label)
      let start = x - columns
      let hasRoom = samples.count { $0.isFinite } >= columns + 2
      if start >= rect.x, hasRoom || (start..<x).allSatisfy({ frame[$0, rect.y].text == " " }) {
        frame.write(tick.label, at: Point(x: start, y: rect.y), style: Style(.tick))
      }
      frame.write(String(frame.glyphs.tick), at: Point(x: x, y: rect.y), style: Style(.tick))
    }
  }

  private static func shareItems(_ profile: ProfileState) -> [(String, String)] {
    var items: [(String, String)] = []
    if let memory = profile.memory {
      items += [("rss", byteText(memory.resident)), ("kv", byteText(memory.cache))]
    }
    return items
      + operationRows(profile).map { ($0.label, "\(Int(($0.fraction * 100).rounded()))%") }
  }
}

/// A heading inside a pane: `- next token ----`.
func drawSection(_ title: String, in row: Rect, on frame: inout Frame) {
  guard !row.isEmpty else { return }
  frame.fill(row, with: frame.glyphs.border.horizontal, style: Style(.border))
  frame.write(
    " \(title) ", at: Point(x: row.x + 1, y: row.y), style: Style(.dim), width: row.width - 2)
}
