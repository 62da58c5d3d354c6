import Inference
import Runtime
import Terminal

/// Draws the methods with what each promises and what was measured of it here, and the chosen one in full.
enum MethodsPane {
  static func draw(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    guard !state.methods.entries.isEmpty else {
      frame.write(
        "this program was built without methods", at: area.origin, style: Style(.dim),
        width: area.width)
      return
    }
    if area.width >= 74 {
      let (left, right) = area.splitLeft(max(38, area.width * 11 / 20))
      drawList(state, in: left, on: &frame)
      drawDetail(state, in: right.splitLeft(2).rest, on: &frame)
      return
    }
    let rows = state.methods.rows.count
    let detail = min(area.height - min(rows, 5) - 1, max(6, area.height - rows - 1))
    let (list, below) = area.splitBottom(detail >= 3 ? detail + 1 : 0)
    drawList(state, in: list, on: &frame)
    guard !below.isEmpty else { return }
    drawSection(heading(state), in: below.row(0), on: &frame)
    drawDetail(
      state, in: below.splitTop(1).rest.inset(horizontal: 1, vertical: 0), named: false, on: &frame)
  }

  // MARK: The list

  private static func drawList(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    let rows = state.methods.rows
    let top = firstRow(selected: state.methods.cursorRow, count: rows.count, height: area.height)
    for (index, row) in rows.dropFirst(top).prefix(area.height).enumerated() {
      let line = area.row(index)
      let isPicked = row == state.methods.cursor
      if isPicked {
        frame.write(String(frame.glyphs.pointer), at: line.origin, style: Style(.accent).bolded)
      }
      let rest = line.splitLeft(2).rest
      switch row {
      case .method(let index):
        let entry = state.methods.entries[index]
        drawMethod(entry, isPicked: isPicked, state.methods, in: rest, on: &frame)
      case .knob(let index, let knob):
        let entry = state.methods.entries[index]
        let choice = state.methods.setup.choice(entry.card.id)
        drawKnob(entry.knobs[knob], choice, isPicked: isPicked, in: rest, on: &frame)
      case .governor:
        let isOn = state.methods.setup.isGoverned
        drawSwitch("governor", isOn: isOn, isPicked: isPicked, in: rest, on: &frame)
      }
    }
  }

  @discardableResult
  private static func drawSwitch(
    _ name: String, isOn: Bool, isPicked: Bool, in row: Rect, on frame: inout Frame
  ) -> Int {
    let mark = isOn ? String(frame.glyphs.check) : " "
    let style = isPicked ? Style(.accent).bolded : isOn ? Style.plain.bolded : .plain
    return frame.write("[\(mark)] \(name)", at: row.origin, style: style, width: row.width)
  }

  private static func drawMethod(
    _ entry: MethodEntry, isPicked: Bool, _ methods: MethodsState, in row: Rect,
    on frame: inout Frame
  ) {
    let used = drawSwitch(
      entry.card.id, isOn: methods.isOn(entry), isPicked: isPicked, in: row, on: &frame)
    let figures = methods.figures(of: entry)
    let isPresent = figures.map { methods.isPresent($0, for: entry) } ?? false
    let guarantee = entry.card.guarantee
    var cells = [row.width >= 46 ? guarantee.title : guarantee.shortTitle]
    cells.append(figures?.ratio.map { MethodWords.times($0) } ?? "-")
    if row.width >= 44 {
      cells.append(figures?.tokensPerPass.map { MethodWords.perPass($0) } ?? "-")
    }
    let widths = [row.width >= 46 ? 17 : 6, 6, 9]
    var x = row.right - zip(cells, widths).reduce(0) { $0 + $1.1 + 1 }
    guard x > row.x + used - 1 else { return }
    for (index, (cell, width)) in zip(cells, widths).enumerated() {
      let place = Rect(x: x + 1, y: row.y, width: width, height: 1)
      if index == 0 {
        frame.write(cell, at: place.origin, style: Style(.dim), width: width)
      } else {
        let style = cell == "-" || !isPresent ? Style(.dim) : .plain
        frame.write(cell, rightAlignedIn: place, style: style)
      }
      x += width + 1
    }
  }

  private static func drawKnob(
    _ knob: Knob<MethodChoice>, _ choice: MethodChoice, isPicked: Bool, in row: Rect,
    on frame: inout Frame
  ) {
    let isOff = knob.isOff(in: choice)
    let style = isPicked ? Style(.accent).bolded : isOff ? Style(.disabled) : .plain
    frame.write(
      knob.id, at: Point(x: row.x + 4, y: row.y), style: style, width: min(13, row.width - 4))
    let text =
      isOff ? "off" : PlaygroundState.number(knob.value(in: choice), decimals: knob.decimals)
    frame.write(
      text, rightAlignedIn: Rect(x: row.x + 17, y: row.y, width: min(7, row.width - 17), height: 1),
      style: style)
    let detail = Rect(x: row.x + 26, y: row.y, width: row.width - 26, height: 1)
    guard detail.width >= 4 else { return }
    let range = PlaygroundState.rangeText(of: knob)
    let full = knob.unit.isEmpty ? range : "\(range) \(knob.unit)"
    let hasGauge = detail.width >= 20 + range.count
    if hasGauge {
      let span = knob.range.upperBound - knob.range.lowerBound
      let share = span > 0 ? (knob.value(in: choice) - knob.range.lowerBound) / span : 0
      Gauge(isOff ? 0 : share).draw(
        in: Rect(x: detail.x, y: detail.y, width: 10, height: 1), on: &frame)
    }
    let rest = detail.splitLeft(hasGauge ? 12 : 0).rest
    frame.write(
      full.count <= rest.width ? full : range, at: rest.origin, style: Style(.dim),
      width: rest.width)
  }

  // MARK: The chosen one

  private static func heading(_ state: PlaygroundState) -> String {
    guard state.methods.cursor != .governor else { return "governor" }
    return state.methods.selected?.card.title ?? "methods"
  }

  private static func drawDetail(
    _ state: PlaygroundState, in area: Rect, named: Bool = true, on frame: inout Frame
  ) {
    var lines: [StyledText] = []
    if named { lines.append(StyledText(heading(state), Style(.title))) }
    for (text, style) in MethodWords.detail(state) {
      lines += Paragraph(text, style).lines(width: max(8, area.width))
    }
    for (index, line) in lines.prefix(area.height).enumerated() {
      frame.write(line, at: area.row(index).origin, width: area.width)
    }
  }
}

/// What is said of methods, in words and figures.
enum MethodWords {
  static func times(_ ratio: Double) -> String {
    PlaygroundState.number(ratio, decimals: ratio < 9.995 ? 2 : 1) + "x"
  }

  static func perPass(_ tokens: Double) -> String {
    PlaygroundState.number(tokens, decimals: tokens < 9.995 ? 2 : 1) + "/pass"
  }

  static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded()))%" }

  /// Paragraphs about the row at the cursor, what is read most first.
  static func detail(_ state: PlaygroundState) -> [(String, Style)] {
    let methods = state.methods
    guard let entry = methods.selected else {
      return [
        (
          methods.setup.isGoverned
            ? "On: it drafts as much as pays on this machine."
            : "Off: drafts are as long as knobs say.",
          .plain
        ),
        (
          "It measures what a pass of more rows costs and how often drafts are accepted, chooses their size by it, and does without where none pays.",
          Style(.dim)
        ),
      ]
    }
    let card = entry.card
    var lines: [(String, Style)] = []
    if let (_, knob) = methods.selectedKnob {
      let value = Decimals.plain(knob.defaultValue, knob.decimals)
      lines.append(("\(knob.title): \(knob.summary) Default \(value).", .plain))
    }
    lines.append((card.guarantee.words, .plain))
    lines.append((measured(entry, methods), .plain))
    lines.append((card.summary, .plain))
    lines.append((needs(card), Style(.dim)))
    let paper = card.paper
    lines.append(
      ("\(paper.authors) (\(paper.year)): \(paper.title), \(paper.reference)", Style(.dim)))
    return lines
  }

  /// What was measured here of a method; never what others claim.
  static func measured(_ entry: MethodEntry, _ methods: MethodsState) -> String {
    guard let figures = methods.figures(of: entry) else {
      return "not measured yet: r races it against the baseline"
    }
    var parts: [String] = []
    if let ratio = figures.ratio {
      var text = times(ratio)
      if let spread = figures.spread {
        text +=
          " (\(times(spread.lowerBound))..\(times(spread.upperBound)), \(figures.repeats) runs)"
      } else {
        text += " in one race"
      }
      parts.append(text)
    } else {
      parts.append("speed not measured yet")
    }
    if let tokens = figures.tokensPerPass { parts.append("\(perPass(tokens))") }
    if let share = figures.acceptance { parts.append("\(percent(share)) of drafts accepted") }
    if let bytes = figures.extraBytes, bytes > 0 { parts.append("\(byteText(bytes)) more memory") }
    if let isIdentical = figures.isIdentical {
      parts.append(isIdentical ? "same tokens" : "other tokens")
    }
    let isPresent = methods.isPresent(figures, for: entry)
    return (isPresent ? "here: " : "here, with \(figures.selection.title): ")
      + parts.joined(separator: ", ")
  }

  private static func needs(_ card: MethodCard) -> String {
    var needs: [String] = []
    if card.needs.contains(.draftModel) {
      needs.append("a smaller model with the same vocabulary")
    }
    if card.needs.contains(.trainedWeights) { needs.append("weights trained for this model") }
    let slots = card.slots.sorted().map(\.title).joined(separator: ", ")
    return "needs " + (needs.isEmpty ? "nothing but the model" : needs.joined(separator: " and "))
      + "; takes the " + slots
  }
}

extension Guarantee {
  /// In at most six columns.
  var shortTitle: String {
    switch self {
    case .sameTokens: "exact"
    case .sameDistribution: "distr."
    case .approximate: "approx"
    }
  }

  var words: String {
    switch self {
    case .sameTokens: "exact: the same tokens as plain decoding"
    case .sameDistribution:
      "same distribution: greedy the same tokens, else other ones drawn just as plain decoding draws"
    case .approximate: "approximate: the text may differ from plain decoding"
    }
  }
}
