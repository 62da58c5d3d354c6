import Inference
import Runtime
import Terminal

/// Draws the profile: speed over time, latency, memory, and the share of each class of operation.
enum ProfilePane {
  static func draw(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    // While pictures are looked at, the figures are those of the picture.
    if state.focus == .pictures, let picture = PictureProfile(state) {
      return picture.draw(in: area, on: &frame)
    }
    guard area.height > 2 else {
      drawStrip(state, in: area, on: &frame)
      return
    }
    let profile = state.profile
    let tables = tables(profile)
    let room = area.height - 3
    if let first = tables.first, room < 12, area.width >= 76 {
      // Too low for a table under the graph: side by side.
      let (upper, lower) = area.splitBottom(2)
      let (left, right) = upper.splitRight(40)
      drawSpeed(profile, in: left, on: &frame)
      drawFacts(state, in: lower, on: &frame)
      let side = right.splitLeft(1).rest
      if profile.drafting.isShown {
        DraftingSection(profile).draw(in: side, on: &frame)
      } else {
        first.draw(in: side, on: &frame)
      }
      return
    }
    // The graph comes first; the tables take what it leaves.
    let graph = room < 12 ? 6 : max(7, room * 2 / 5)
    var (upper, lower) = (area, area.splitBottom(0).bottom)
    if profile.drafting.isShown {
      let section = DraftingSection(profile)
      let drafting = min(section.height(width: area.width), room - graph)
      let height = tableHeight(tables, width: area.width, most: room - graph - drafting)
      (upper, lower) = area.splitBottom(drafting + (height >= 3 ? height : 0))
      section.draw(in: lower.splitTop(drafting).top, on: &frame)
      lower = lower.splitTop(drafting).rest
    } else {
      let height = tableHeight(tables, width: area.width, most: room - graph)
      (upper, lower) = area.splitBottom(height >= 3 ? height : 0)
    }
    drawSpeed(profile, in: upper.splitBottom(2).rest, on: &frame)
    drawFacts(state, in: upper.splitBottom(2).bottom, on: &frame)
    draw(tables, in: lower, on: &frame)
  }

  /// Speed in one line, and over time.
  private static func drawSpeed(_ profile: ProfileState, in area: Rect, on frame: inout Frame) {
    let (line, rest) = area.splitTop(1)
    frame.write(speedLine(profile, width: line.width), at: line.origin, width: line.width)
    drawGraph(profile, in: rest, on: &frame)
  }

  /// Two lines about prompt and memory.
  private static func drawFacts(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    writeItems(promptItems(state), in: area.row(0), on: &frame)
    drawMemory(state.profile, in: area.row(1), on: &frame)
  }

  // MARK: Speed

  /// What does not fit is left out whole: a number cut short is another number.
  private static func speedLine(_ profile: ProfileState, width: Int) -> StyledText {
    var line = StyledText("gen ", Style(.dim))
    guard let speed = profile.averageSpeed else {
      line.append(profile.tokens == 0 ? "no token yet" : "first token", Style(.dim))
      return line
    }
    line.append("\(PlaygroundState.number(speed, decimals: 1)) t/s", Style(.graph).bolded)
    var facts: [(String, Style)] = []
    if let middle = profile.gaps.quantile(0.5), let late = profile.gaps.quantile(0.99) {
      facts.append(("  p50 \(milliseconds(middle))  p99 \(milliseconds(late))", .plain))
    }
    facts.append(("  n=\(profile.tokens)", Style(.dim)))
    for (text, style) in facts where line.columns + CharacterWidth.columns(text) <= width {
      line.append(text, style)
    }
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
    let entries =
      [
        ("rss", memory.resident), ("weights", memory.weights), ("kv", memory.cache),
        ("scratch", memory.scratch),
      ] + (memory.methods > 0 ? [("methods", memory.methods)] : [])
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

  /// The tables of the last answer: its tokens, then its prompt.
  private static func tables(_ profile: ProfileState) -> [OperationTable] {
    let prompt = "prompt of \(counted(profile.promptRows, "token"))"
    return [
      OperationTable(
        title: "per token", name: "token", totals: profile.operations, steps: profile.tokens - 1,
        roofs: profile.roofs),
      OperationTable(
        title: profile.promptRows > 0 ? prompt : "prompt", name: "prompt",
        totals: profile.promptOperations, steps: 1, roofs: profile.roofs),
    ].filter { $0.steps > 0 && $0.totals.totalNanoseconds > 0 }
  }

  private static func standAbreast(_ tables: [OperationTable], width: Int) -> Bool {
    tables.count > 1 && width >= 100
  }

  /// The least rows that a second table is worth: with fewer a line tells of it.
  private static let leastSecondTable = 5

  /// Rows that the tables make good use of, `most` at most.
  private static func tableHeight(_ tables: [OperationTable], width: Int, most: Int) -> Int {
    guard let first = tables.first, let last = tables.last, tables.count > 1 else {
      return min(tables.first?.height ?? 0, most)
    }
    if standAbreast(tables, width: width) { return min(max(first.height, last.height), most) }
    let both = min(first.height + last.height, most)
    return both >= first.height + leastSecondTable ? both : min(first.height + 1, most)
  }

  /// Side by side, or under each other.
  private static func draw(_ tables: [OperationTable], in area: Rect, on frame: inout Frame) {
    guard let first = tables.first, let last = tables.last else { return }
    if standAbreast(tables, width: area.width) {
      let (left, right) = area.splitLeft(area.width / 2)
      first.draw(in: left.splitRight(1).rest, on: &frame)
      last.draw(in: right.splitLeft(1).rest, on: &frame)
    } else if tables.count > 1, area.height >= first.height + leastSecondTable {
      let (upper, lower) = area.splitTop(first.height)
      first.draw(in: upper, on: &frame)
      last.draw(in: lower, on: &frame)
    } else if tables.count == 1 || area.height < 6 {
      first.draw(in: area, on: &frame)
    } else {
      let (upper, lower) = area.splitBottom(1)
      first.draw(in: upper, on: &frame)
      let line = lower.inset(horizontal: 1, vertical: 0)
      frame.write(
        last.summary(width: line.width, named: true), at: line.origin, width: line.width)
    }
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
    var items = DraftingSection.items(profile)
    if let memory = profile.memory {
      items += [("rss", byteText(memory.resident)), ("kv", byteText(memory.cache))]
    }
    return items
      + (tables(profile).first?.shares ?? []).map {
        ($0.label, "\(Int(($0.fraction * 100).rounded()))%")
      }
  }
}

/// A heading inside a pane: `- next token ----`.
func drawSection(_ title: String, in row: Rect, on frame: inout Frame) {
  guard !row.isEmpty else { return }
  frame.fill(row, with: frame.glyphs.border.horizontal, style: Style(.border))
  frame.write(
    " \(title) ", at: Point(x: row.x + 1, y: row.y), style: Style(.dim), width: row.width - 2)
}
