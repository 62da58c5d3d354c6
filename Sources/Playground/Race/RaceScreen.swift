import Inference
import Runtime
import Terminal

/// Draws a race over the whole screen: a column for each lane, and what it came to.
enum RaceScreen {
  static func draw(_ state: PlaygroundState, on frame: inout Frame) {
    guard let race = state.methods.race else { return }
    let places = Places(state)
    frame.fill(places.area)
    frame.cursor = nil
    drawRule(
      places.title, left: "race", right: status(race), focused: true, on: &frame)
    drawPrompt(race, in: places.prompt, on: &frame)
    let fastest = race.lanes.compactMap(\.speed).max() ?? 0
    for (index, lane) in race.lanes.enumerated() where places.lanes.indices.contains(index) {
      let place = places.lanes[index]
      drawHead(lane, race, fastest: fastest, in: place.head, on: &frame)
      drawText(lane, race, in: place.text, on: &frame)
    }
    for x in places.separators {
      frame.fill(
        Rect(x: x, y: places.body.y, width: 1, height: places.body.height),
        with: frame.glyphs.border.vertical, style: Style(.border))
    }
    drawOutcome(state, race, in: places.outcome, on: &frame)
  }

  /// What of the race is done, and the key that matters now.
  private static func status(_ race: RaceState) -> String {
    if race.isStopping, race.isRunning { return "stopping" }
    switch race.phase {
    case .waiting: return "waiting for the engine  C-c stops"
    case .running where race.repeats > 1:
      return "solo: \(race.repeatsDone) of \(race.repeats) done  C-c stops"
    case .running: return "by turns  C-c stops"
    case .finished: return race.repeats > 1 ? "solo, \(race.repeats) runs" : "by turns"
    case .ended: return "no result"
    }
  }

  private static func drawPrompt(_ race: RaceState, in row: Rect, on frame: inout Frame) {
    guard !row.isEmpty else { return }
    let settings = race.request.settings
    var facts = "\(PlaygroundState.summary(of: settings)) seed \(settings.seed)"
    facts += "  max \(race.request.maximumTokens)"
    if let tokens = race.promptTokens { facts += "  prompt \(tokens) tok" }
    let columns = CharacterWidth.columns(facts)
    let room = row.width - columns - 3
    guard room >= 12 else {
      frame.write(
        race.promptText.headline(200), at: row.origin, width: row.width, ellipsis: true)
      return
    }
    frame.write(race.promptText.headline(200), at: row.origin, width: room, ellipsis: true)
    frame.write(facts, rightAlignedIn: row, style: Style(.dim))
  }

  // MARK: A lane

  private static func drawHead(
    _ lane: RaceLaneState, _ race: RaceState, fastest: Double, in area: Rect, on frame: inout Frame
  ) {
    guard !area.isEmpty else { return }
    frame.write(
      lane.methods.title, at: area.origin, style: Style(.title), width: area.width, ellipsis: true)
    let speed = lane.speed.map { PlaygroundState.number($0, decimals: 1) + " t/s" }
    let second = area.row(1)
    var used = frame.write(
      speed ?? "- t/s", at: second.origin, style: Style(.graph).bolded, width: second.width)
    // The verdict beside it speaks of all runs.
    if race.repeats > 1 {
      used += frame.write(
        " in run 1", at: Point(x: second.x + used, y: second.y), style: Style(.dim),
        width: second.width - used)
    }
    guard area.height > 2 else {
      frame.write(
        "  " + counts(lane), at: Point(x: second.x + used, y: second.y), style: Style(.dim),
        width: second.width - used)
      return
    }
    let gauge = second.splitLeft(max(11, used + 2)).rest
    if gauge.width >= 8, let value = lane.speed, fastest > 0 {
      Gauge(value / fastest).draw(in: gauge, on: &frame)
    }
    frame.write(counts(lane), at: area.row(2).origin, width: area.width)
    frame.write(doing(lane, race), at: area.row(3).origin, style: Style(.dim), width: area.width)
    frame.fill(area.row(4), with: frame.glyphs.border.horizontal, style: Style(.border))
  }

  private static func counts(_ lane: RaceLaneState) -> String {
    var parts = ["\(lane.tokens.count) tok"]
    if lane.passes > 0 { parts.append(lane.passes == 1 ? "1 pass" : "\(lane.passes) passes") }
    if let tokens = lane.tokensPerPass { parts.append(MethodWords.perPass(tokens)) }
    return parts.joined(separator: "  ")
  }

  private static func doing(_ lane: RaceLaneState, _ race: RaceState) -> String {
    var parts: [String] = []
    if let share = lane.acceptance { parts.append("\(MethodWords.percent(share)) accepted") }
    if let result = lane.result {
      parts.append(result.extraBytes > 0 ? "+\(byteText(result.extraBytes))" : "no more memory")
      if result.bytesRead > 0 { parts.append("\(byteText(result.bytesRead)) read") }
      parts.append(finish(result.finish))
    } else if race.isRunning, lane.tokens.isEmpty {
      parts.append(lane.prompt.map { "prompt \($0.done)/\($0.total)" } ?? "waits")
    }
    return parts.joined(separator: "  ")
  }

  private static func finish(_ reason: FinishReason) -> String {
    switch reason {
    case .stop: "done"
    case .length: "cut at the limit"
    case .cancelled: "stopped"
    case .contextFull: "context full"
    }
  }

  // MARK: Its text

  private static func drawText(
    _ lane: RaceLaneState, _ race: RaceState, in area: Rect, on frame: inout Frame
  ) {
    guard !area.isEmpty else { return }
    let looks = Looks(lane, race)
    var shown: [StyledText] = []
    if let top = race.top {
      for line in lane.shownLines where shown.count < top + area.height {
        shown += looks.set(line, width: area.width)
      }
      shown = Array(shown.dropFirst(top).prefix(area.height))
    } else {
      for line in lane.shownLines.reversed() {
        shown = looks.set(line, width: area.width) + shown
        if shown.count >= area.height { break }
      }
      shown = shown.suffix(area.height)
    }
    for (index, line) in shown.enumerated() {
      frame.write(line, at: area.row(index).origin, width: area.width)
    }
  }

  /// How parts of a lane's text look: common with the others, the first token that differs, the rest.
  private struct Looks {
    let common: Int
    let mark: Range<Int>

    init(_ lane: RaceLaneState, _ race: RaceState) {
      if let parting = race.parting {
        common = lane.end(ofFirst: parting)
        mark = common..<max(common, lane.end(ofFirst: parting + 1))
      } else {
        // What turned out to be the same all through is there to be read.
        common = race.result != nil ? 0 : lane.end(ofFirst: race.common)
        mark = 0..<0
      }
    }

    func set(_ line: RaceLaneState.Line, width: Int) -> [StyledText] {
      var text = StyledText()
      var rest = line.text.utf8[...]
      var place = line.start
      func take(upTo end: Int, _ style: Style) {
        guard end > place else { return }
        let bytes = rest.prefix(end - place)
        text.append(String(decoding: bytes, as: UTF8.self), style)
        rest = rest.dropFirst(bytes.count)
        place += bytes.count
      }
      take(upTo: common, Style(.dim))
      take(upTo: mark.upperBound, Style(.tick).reversed)
      take(upTo: .max, .plain)
      return Paragraph(text).lines(width: max(1, width))
    }
  }

  // MARK: What it came to

  private static func drawOutcome(
    _ state: PlaygroundState, _ race: RaceState, in area: Rect, on frame: inout Frame
  ) {
    guard !area.isEmpty else { return }
    var lines: [(String, Style)] = []
    switch race.phase {
    case .waiting, .running:
      let words =
        race.repeats > 1
        ? "each lane runs by itself, the order changes, and the median is kept"
        : "lanes take turns on the processor; each clock goes in its own turns only"
      lines.append((words, Style(.dim)))
    case .finished:
      guard let verdict = state.raceVerdict else { break }
      lines.append((verdict.headline, Style(.title)))
      lines.append((verdict.remark, verdict.isAlarm ? Style(.error) : Style(.dim)))
    case .ended(let reason): lines.append((reason, Style(.warning)))
    }
    if let words = parting(race) { lines.insert((words, Style(.tick)), at: min(1, lines.count)) }
    var rows = area
    if area.height > 2 {
      drawRule(area.row(0), left: race.isRunning ? "so far" : "verdict", right: "", on: &frame)
      rows = area.splitTop(1).rest.inset(horizontal: 1, vertical: 0)
    }
    let set = lines.flatMap { Paragraph($0.0, $0.1).lines(width: max(8, rows.width)) }
    for (index, line) in set.prefix(rows.height).enumerated() {
      frame.write(line, at: rows.row(index).origin, width: rows.width)
    }
  }

  /// The first token that differs, with the probability that the model gave each: nil while there is none.
  private static func parting(_ race: RaceState) -> String? {
    guard let index = race.parting else { return nil }
    let sides = race.lanes.enumerated().map { number, lane in
      let known = lane.tokens.indices.contains(index) ? lane.tokens[index] : nil
      let told = race.result?.difference?.probabilities
      let probability =
        told.flatMap { $0.indices.contains(number) ? $0[number] : nil } ?? known?.probability
      guard let probability else { return "nothing" }
      let text = known.map { TokenView.quoted(lane.text(of: index), id: $0.id) } ?? "a token"
      return "\(text) p \(PlaygroundState.number(probability, decimals: 3))"
    }
    return "token \(index + 1): " + sides.joined(separator: " against ")
  }

  // MARK: Scrolling

  /// What scrolling needs to know of the lanes' texts.
  struct View {
    var lineCount: Int
    var height: Int
    var partingLine: Int?
  }

  static func view(of state: PlaygroundState) -> View {
    guard let race = state.methods.race else { return View(lineCount: 0, height: 0) }
    let places = Places(state)
    var view = View(lineCount: 0, height: places.lanes.map(\.text.height).min() ?? 0)
    for (lane, place) in zip(race.lanes, places.lanes) {
      let looks = Looks(lane, race)
      var count = 0
      for line in lane.shownLines {
        if race.parting != nil, line.start <= looks.mark.lowerBound { view.partingLine = count }
        count += looks.set(line, width: place.text.width).count
      }
      view.lineCount = max(view.lineCount, count)
    }
    return view
  }
}

extension RaceScreen {
  /// Where the parts of the screen stand: lanes side by side, or one below the other on a narrow screen.
  private struct Places {
    struct Lane {
      var head: Rect
      var text: Rect
    }

    let area: Rect
    let title: Rect
    let prompt: Rect
    let body: Rect
    let outcome: Rect
    let lanes: [Lane]
    /// Columns between lanes.
    let separators: [Int]

    init(_ state: PlaygroundState) {
      let hints = Layout(state).hints
      area = Rect(
        size: Size(width: state.size.width, height: hints.isEmpty ? state.size.height : hints.y))
      let outcomeRows = area.height >= 20 ? 4 : area.height >= 8 ? 2 : 1
      let (upper, outcome) = area.splitBottom(outcomeRows)
      let rows = upper.rows([1, upper.height >= 10 ? 1 : 0, upper.height])
      self.outcome = outcome
      title = rows[0]
      prompt = rows[1].inset(horizontal: 1, vertical: 0)
      body = rows[2]
      let count = max(1, state.methods.race?.lanes.count ?? 1)
      let isAbreast = area.width >= 32 * count + 3
      let body = body
      var separators: [Int] = []
      lanes = (0..<count).map { index in
        let from = (isAbreast ? body.width : body.height) * index / count
        let to = (isAbreast ? body.width : body.height) * (index + 1) / count
        if isAbreast, index > 0 { separators.append(body.x + from) }
        let place =
          isAbreast
          ? Rect(x: body.x + from, y: body.y, width: to - from, height: body.height)
            .splitLeft(index > 0 ? 1 : 0).rest
          : Rect(x: body.x, y: body.y + from, width: body.width, height: to - from)
        let (head, text) = place.inset(horizontal: 1, vertical: 0)
          .splitTop(place.height >= 9 ? 5 : min(2, place.height))
        return Lane(head: head, text: text)
      }
      self.separators = separators
    }
  }
}
