import Inference
import Runtime
import Terminal

/// Draws the knobs with their ranges, and what the chain did to the last token.
enum KnobsPane {
  static func draw(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    guard area.height > 1 else {
      drawStrip(state, in: area, on: &frame)
      return
    }
    if area.width >= 74 {
      let (left, rest) = area.splitLeft(area.width / 2)
      drawList(state, in: left, on: &frame)
      drawToken(state, in: rest.splitLeft(2).rest, on: &frame)
      return
    }
    let tokenRows = min(tokenLineCount(state), max(0, area.height - 7))
    let (list, token) = area.splitBottom(tokenRows >= 3 ? tokenRows : 0)
    drawList(state, in: list, on: &frame)
    drawToken(state, in: token, on: &frame)
  }

  // MARK: The list

  private static func drawList(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    var rest = area
    if state.knobs.reordering != nil {
      let (list, order) = area.splitBottom(min(area.height, state.settings.order.count + 1))
      rest = list
      drawOrder(state, in: order, on: &frame)
    }
    let items = KnobItem.all
    let top = min(max(0, state.knobs.selected - rest.height / 2), max(0, items.count - rest.height))
    for (row, item) in items.dropFirst(top).prefix(rest.height).enumerated() {
      draw(item, isPicked: top + row == state.knobs.selected, state, in: rest.row(row), on: &frame)
    }
    guard rest.height > 2 else { return }
    if top > 0 { drawMore("\(top) above", in: rest.row(0), on: &frame) }
    let below = items.count - top - rest.height
    if below > 0 { drawMore("\(below) below", in: rest.row(rest.height - 1), on: &frame) }
  }

  private static func drawMore(_ text: String, in row: Rect, on frame: inout Frame) {
    guard row.width >= 44 || frame[row.right - text.count - 2, row.y].text == " " else { return }
    frame.write(text, rightAlignedIn: row, style: Style(.dim))
  }

  private static func draw(
    _ item: KnobItem, isPicked: Bool, _ state: PlaygroundState, in row: Rect, on frame: inout Frame
  ) {
    let inert = state.knobs.inert[item.id]
    let isOff = isOff(item, state)
    let quiet = inert != nil || isOff
    let marker = isPicked ? "\(frame.glyphs.pointer) " : "  "
    let style = isPicked ? Style(.accent).bolded : quiet ? Style(.disabled) : .plain
    frame.write(marker + item.id, at: row.origin, style: style, width: min(13, row.width))
    let value = isOff ? "off" : state.valueText(of: item)
    frame.write(
      value, rightAlignedIn: Rect(x: row.x + 13, y: row.y, width: min(7, row.width - 13), height: 1),
      style: isPicked ? Style(.accent).bolded : quiet ? Style(.disabled) : .plain)
    let detail = Rect(x: row.x + 22, y: row.y, width: row.width - 22, height: 1)
    guard detail.width >= 6 else { return }
    drawDetail(item, inert: isOff ? nil : inert, state, in: detail, on: &frame)
  }

  private static func drawDetail(
    _ item: KnobItem, inert: String?, _ state: PlaygroundState, in row: Rect, on frame: inout Frame
  ) {
    if let inert {
      frame.write("inert: \(inert)", at: row.origin, style: Style(.disabled), width: row.width, ellipsis: true)
      return
    }
    switch item {
    case .number(let index):
      let knob = SamplerSettings.knobs[index].knob
      let width = min(12, row.width)
      let span = knob.range.upperBound - knob.range.lowerBound
      let share = span > 0 ? (knob.value(in: state.settings) - knob.range.lowerBound) / span : 0
      Gauge(share, style: Style(isOff(item, state) ? .disabled : .gauge)).draw(
        in: Rect(x: row.x, y: row.y, width: width, height: 1), on: &frame)
      let unit = knob.unit.isEmpty ? "" : " \(knob.unit)"
      let range = state.rangeText(of: item) + unit
      if row.width >= width + 2 + range.count {
        frame.write(range, at: Point(x: row.x + width + 2, y: row.y), style: Style(.dim))
      }
    case .seed:
      let text = state.advancesSeed ? "+1 after each answer" : "fixed"
      frame.write(text, at: row.origin, style: Style(.dim), width: row.width, ellipsis: true)
    case .maximumTokens:
      frame.write("for one answer", at: row.origin, style: Style(.dim), width: row.width)
    case .order:
      let text = state.settings.order.map(\.title).joined(separator: " ")
      frame.write(text, at: row.origin, style: Style(.dim), width: row.width, ellipsis: true)
    }
  }

  private static func isOff(_ item: KnobItem, _ state: PlaygroundState) -> Bool {
    guard case .number(let index) = item else { return false }
    return SamplerSettings.knobs[index].knob.isOff(in: state.settings)
  }

  private static func drawOrder(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    drawSection("order: j k choose, J K move, o done", in: area.row(0), on: &frame)
    for (index, stage) in state.settings.order.prefix(max(0, area.height - 1)).enumerated() {
      let isChosen = index == state.knobs.reordering
      let marker = isChosen ? "\(frame.glyphs.pointer) " : "  "
      let number = index < 9 ? " \(index + 1)" : "\(index + 1)"
      frame.write(
        "\(marker)\(number) \(stage.title)", at: area.row(index + 1).origin,
        style: isChosen ? Style(.accent).bolded : .plain, width: area.width)
    }
  }

  // MARK: The last token

  /// Stages that ran, in order.
  private static func stages(_ state: PlaygroundState) -> [StageReport] {
    (state.knobs.lastToken?.reports ?? []).filter { $0.changed || $0.candidatesIn != $0.candidatesOut }
  }

  private static func tokenLineCount(_ state: PlaygroundState) -> Int {
    guard let token = state.knobs.lastToken else { return 3 }
    return 3 + stages(state).count + min(4, token.alternatives.count)
  }

  private static func drawToken(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    guard !area.isEmpty else { return }
    drawSection("last token: stages and candidates", in: area.row(0), on: &frame)
    let inside = area.splitTop(1).rest.inset(horizontal: 1, vertical: 0)
    guard let token = state.knobs.lastToken else {
      frame.write(
        "appears with the first token", at: inside.origin, style: Style(.dim), width: inside.width)
      return
    }
    let stages = stages(state)
    let shown = stages.prefix(max(0, inside.height - 2 - min(3, token.alternatives.count)))
    frame.write("stage           in     out  entropy", at: inside.origin, style: Style(.dim), width: inside.width)
    for (index, report) in shown.enumerated() {
      frame.write(stageLine(report), at: inside.row(index + 1).origin, width: inside.width)
    }
    let below = inside.splitTop(1 + shown.count).rest
    drawAlternatives(token, state, in: below, on: &frame)
  }

  private static func stageLine(_ report: StageReport) -> String {
    func right(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    let name = report.stage.title
    return name + String(repeating: " ", count: max(0, 10 - name.count))
      + right(Scale.label(Double(report.candidatesIn)), 8)
      + right(Scale.label(Double(report.candidatesOut)), 8)
      + right(PlaygroundState.number(Double(report.entropy), decimals: 2), 9)
  }

  private static func drawAlternatives(
    _ token: SampledToken, _ state: PlaygroundState, in area: Rect, on frame: inout Frame
  ) {
    for (index, candidate) in token.alternatives.prefix(area.height).enumerated() {
      let row = area.row(index)
      let text = quoted(state.knobs.pieces[candidate.token], id: candidate.token)
      let isTaken = candidate.token == token.token
      let style = isTaken ? Style(.accent).bolded : .plain
      let probability = PlaygroundState.number(Double(candidate.probability), decimals: 3)
      frame.write(isTaken ? String(frame.glyphs.pointer) : " ", at: row.origin, style: style)
      frame.write(text, at: Point(x: row.x + 2, y: row.y), style: style, width: max(0, min(20, row.width - 10)), ellipsis: true)
      frame.write(
        probability, at: Point(x: row.x + min(23, max(0, row.width - 6)), y: row.y), style: style)
      let bar = Rect(x: row.x + 30, y: row.y, width: min(16, row.width - 30), height: 1)
      if bar.width >= 4 {
        frame.write(
          Gauge.bar(Double(candidate.probability), columns: bar.width, glyphs: frame.glyphs),
          at: bar.origin, style: Style(.gauge), width: bar.width)
      }
    }
  }

  private static func quoted(_ text: String?, id: TokenID) -> String {
    guard let text else { return "#\(id)" }
    let shown = text.replacing("\n", with: "\\n").replacing("\t", with: "\\t")
    return "\"\(shown)\""
  }

  // MARK: One row

  private static func drawStrip(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    guard !area.isEmpty else { return }
    let items = KnobItem.all
    let texts = items.map { item -> String in
      let text = "\(item.id) \(isOff(item, state) ? "off" : state.valueText(of: item))"
      return item == state.pickedKnob ? "[\(text)]" : text
    }
    var first = 0
    func columns(_ range: ClosedRange<Int>) -> Int {
      texts[range].reduce(-2) { $0 + CharacterWidth.columns($1) + 2 }
    }
    while first < state.knobs.selected, columns(first...state.knobs.selected) > area.width - 4 {
      first += 1
    }
    var x = area.x
    if first > 0 { x += frame.write("< ", at: area.origin, style: Style(.dim)) }
    for index in first..<texts.count {
      let columns = CharacterWidth.columns(texts[index])
      guard x + columns <= area.right else { break }
      let item = items[index]
      let isPicked = index == state.knobs.selected
      let isQuiet = isOff(item, state) || state.knobs.inert[item.id] != nil
      x += frame.write(
        texts[index], at: Point(x: x, y: area.y),
        style: isPicked ? Style(.accent).bolded : isQuiet ? Style(.disabled) : .plain)
      x += 2
    }
  }
}
