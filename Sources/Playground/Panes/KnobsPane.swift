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
      let (left, right) = area.splitRight(max(36, area.width * 2 / 5))
      drawList(state, in: left, on: &frame)
      TokenView.draw(state, in: right, on: &frame)
      return
    }
    let (list, token) = area.splitBottom(area.height >= 9 ? 4 : 0)
    drawList(state, in: list, on: &frame)
    TokenView.drawCompact(state, in: token, on: &frame)
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
    let columns = (row.right - text.count - 2)..<row.right
    guard columns.lowerBound > row.x, columns.allSatisfy({ frame[$0, row.y].text == " " }) else {
      return
    }
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
    frame.write(marker + item.id, at: row.origin, style: style, width: min(12, row.width))
    let value = isOff ? "off" : state.valueText(of: item)
    frame.write(
      value,
      rightAlignedIn: Rect(x: row.x + 12, y: row.y, width: min(7, row.width - 12), height: 1),
      style: isPicked ? Style(.accent).bolded : quiet ? Style(.disabled) : .plain)
    let detail = Rect(x: row.x + 21, y: row.y, width: row.width - 21, height: 1)
    guard detail.width >= 6 else { return }
    drawDetail(item, inert: isOff ? nil : inert, state, in: detail, on: &frame)
  }

  private static func drawDetail(
    _ item: KnobItem, inert: String?, _ state: PlaygroundState, in row: Rect, on frame: inout Frame
  ) {
    if let inert {
      let short = inert.replacing(" already", with: "")
      let wordings = ["inert: \(inert)", "inert: \(short)", short]
      let text = wordings.first { CharacterWidth.columns($0) <= row.width } ?? short
      frame.write(text, at: row.origin, style: Style(.disabled), width: row.width, ellipsis: true)
      return
    }
    switch item {
    case .number(let index):
      let knob = SamplerSettings.knobs[index].knob
      let bare = state.rangeText(of: item)
      let full = knob.unit.isEmpty ? bare : "\(bare) \(knob.unit)"
      let range = full.count + 14 <= row.width ? full : bare
      guard !isOff(item, state) else {
        frame.write(range, at: row.origin, style: Style(.disabled), width: row.width)
        return
      }
      let width = min(row.width >= 22 ? 12 : 10, row.width)
      let span = knob.range.upperBound - knob.range.lowerBound
      let share = span > 0 ? (knob.value(in: state.settings) - knob.range.lowerBound) / span : 0
      Gauge(share).draw(
        in: Rect(x: row.x, y: row.y, width: width, height: 1), on: &frame)
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

  // MARK: One row

  private static func drawStrip(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    guard !area.isEmpty else { return }
    // What is off takes no room here, unless it is picked.
    let items = KnobItem.all.filter { item in
      item == state.pickedKnob || !isOff(item, state) && state.knobs.isOwnKnob(item, state.settings)
    }
    let texts = items.map { item -> String in
      let text = "\(item.id) \(isOff(item, state) ? "off" : state.valueText(of: item))"
      return item == state.pickedKnob ? "[\(text)]" : text
    }
    var first = 0
    func columns(_ range: ClosedRange<Int>) -> Int {
      texts[range].reduce(-2) { $0 + CharacterWidth.columns($1) + 2 }
    }
    let picked = items.firstIndex(of: state.pickedKnob) ?? 0
    while first < picked, columns(first...picked) > area.width - 4 {
      first += 1
    }
    var x = area.x
    if first > 0 { x += frame.write("< ", at: area.origin, style: Style(.dim)) }
    for index in first..<texts.count {
      let columns = CharacterWidth.columns(texts[index])
      guard x + columns <= area.right else { break }
      let item = items[index]
      let isPicked = index == picked
      let isQuiet = isOff(item, state) || state.knobs.inert[item.id] != nil
      x += frame.write(
        texts[index], at: Point(x: x, y: area.y),
        style: isPicked ? Style(.accent).bolded : isQuiet ? Style(.disabled) : .plain)
      x += 2
    }
  }
}
