import Runtime
import Terminal

/// Every command with its keys, by the place where they act.
enum HelpOverlay {
  enum Row: Equatable {
    case heading(String)
    /// Index among the commands that match.
    case command(Int)
  }

  /// The rows for a query: headings only where everything is shown.
  static func rows(_ commands: [Command], grouped: Bool) -> [Row] {
    guard grouped else { return commands.indices.map(Row.command) }
    var rows: [Row] = []
    for scope in Scope.allCases {
      let indices = commands.indices.filter { commands[$0].scope == scope }
      if !indices.isEmpty { rows += [.heading(scope.title)] + indices.map(Row.command) }
    }
    return rows
  }

  static func draw(_ list: SearchList, on frame: inout Frame) {
    let width = min(frame.size.width, 104)
    let area = overlayBox(
      "help", right: "Enter runs  Esc closes", width: width, height: frame.size.height, on: &frame)
    let commands = Commands.matching(list.editor.text)
    drawFilter(list.editor, label: "search: ", in: area.row(0), on: &frame)
    let count = "\(commands.count) of \(Commands.all.count)"
    if area.width > 40 { frame.write(count, rightAlignedIn: area.row(0), style: Style(.dim)) }
    let body = area.splitTop(2).rest
    guard !commands.isEmpty else {
      let word = list.editor.text.trimmed.lowercased()
      let knob = KnobItem.all.first { $0.id.contains(word) && $0 != .order }
      let text = knob.map { "a knob: /\($0.id) VALUE sets it.  \($0.summary)" } ?? "nothing matches"
      frame.write(text, at: body.origin, style: Style(.dim), width: body.width, ellipsis: true)
      return
    }
    let rows = rows(commands, grouped: list.editor.isEmpty)
    let selectedRow = rows.firstIndex(of: .command(list.selected)) ?? 0
    let top = firstRow(selected: selectedRow, count: rows.count, height: body.height)
    for (index, row) in rows.dropFirst(top).prefix(body.height).enumerated() {
      switch row {
      case .heading(let title):
        frame.write(title, at: body.row(index).origin, style: Style(.title), width: body.width)
      case .command(let number):
        draw(commands[number], isSelected: number == list.selected, in: body.row(index), on: &frame)
      }
    }
  }

  private static func draw(
    _ command: Command, isSelected: Bool, in row: Rect, on frame: inout Frame
  ) {
    let marker = isSelected ? String(frame.glyphs.pointer) : " "
    let style = isSelected ? Style(.selection) : .plain
    var x = row.x
    frame.write(marker, at: row.origin, style: Style(.accent))
    x += 2
    frame.write(
      command.keyText, at: Point(x: x, y: row.y), style: Style(.key), width: row.right - x)
    x += 12
    if row.width >= 60 {
      frame.write(command.name, at: Point(x: x, y: row.y), style: style, width: 17)
      x += 18
    }
    frame.write(
      command.summary, at: Point(x: x, y: row.y), style: isSelected ? style : Style(.dim),
      width: row.right - x, ellipsis: true)
  }
}

/// Commands by name, with arguments.
enum PaletteOverlay {
  static func draw(_ list: SearchList, _ state: PlaygroundState, on frame: inout Frame) {
    let width = min(frame.size.width, 90)
    let area = overlayBox(
      "commands", right: "name, then its argument  Enter runs", width: width,
      height: min(frame.size.height - 2, 20), on: &frame)
    drawFilter(list.editor, label: ": ", in: area.row(0), on: &frame)
    let body = area.splitTop(2).rest
    let commands = state.paletteMatches(list)
    guard !commands.isEmpty else {
      frame.write(
        "no command; a knob and a value sets it, such as: temp 1.2", at: body.origin,
        style: Style(.dim), width: body.width)
      return
    }
    let top = firstRow(selected: list.selected, count: commands.count, height: body.height)
    for (index, command) in commands.dropFirst(top).prefix(body.height).enumerated() {
      draw(
        command, isSelected: top + index == list.selected, state, in: body.row(index), on: &frame)
    }
  }

  private static func draw(
    _ command: Command, isSelected: Bool, _ state: PlaygroundState, in row: Rect,
    on frame: inout Frame
  ) {
    let reason = command.disabledReason(state)
    let keys = command.keyText
    frame.write(
      isSelected ? String(frame.glyphs.pointer) : " ", at: row.origin, style: Style(.accent))
    let name = command.name + (command.argument.map { " \($0)" } ?? "")
    let style: Style = reason != nil ? Style(.disabled) : isSelected ? Style(.selection) : .plain
    frame.write(
      name, at: Point(x: row.x + 2, y: row.y), style: style, width: min(21, row.width - 2),
      ellipsis: true)
    frame.write(keys, rightAlignedIn: row, style: Style(.key))
    let room = row.width - 24 - CharacterWidth.columns(keys) - 2
    guard room >= 12 else { return }
    frame.write(
      reason.map { "not now: \($0)" } ?? command.summary, at: Point(x: row.x + 24, y: row.y),
      style: Style(.dim), width: room, ellipsis: true)
  }
}

/// Lists of files: models and sessions.
enum PickerOverlay {
  static func drawModels(_ list: SearchList, _ state: PlaygroundState, on frame: inout Frame) {
    let rows = state.modelMatches(list)
    let area = box("models on this machine", list, on: &frame)
    let empty =
      state.modelFiles.isEmpty
      ? "No model file here. In a shell: paceline models list, then paceline models get NAME"
      : "nothing matches"
    draw(rows.count, list.selected, empty: empty, in: area, on: &frame) {
      index, isSelected, row, frame in
      let model = rows[index]
      let isLoaded = model.path == state.model.summary?.path
      let size = byteText(model.bytes) + (isLoaded ? "  loaded" : "")
      frame.write(
        model.name, at: Point(x: row.x + 2, y: row.y),
        style: isSelected ? Style(.selection) : .plain,
        width: max(0, row.width - size.count - 4), ellipsis: true)
      frame.write(size, rightAlignedIn: row, style: Style(.dim))
    }
  }

  static func drawSessions(_ list: SearchList, _ state: PlaygroundState, on frame: inout Frame) {
    let rows = state.recentMatches(list)
    let area = box("recent sessions", list, on: &frame)
    let empty = state.sessions.entries.isEmpty ? "no saved session yet" : "nothing matches"
    draw(rows.count, list.selected, empty: empty, in: area, on: &frame) {
      index, isSelected, row, frame in
      SessionsPane.drawEntry(rows[index], isSelected: isSelected, state, in: row, on: &frame)
    }
  }

  private static func box(_ title: String, _ list: SearchList, on frame: inout Frame) -> Rect {
    let area = overlayBox(
      title, right: "Enter opens  Esc closes", width: min(frame.size.width, 80),
      height: min(frame.size.height - 2, 18), on: &frame)
    drawFilter(list.editor, label: "filter: ", in: area.row(0), on: &frame)
    return area.splitTop(2).rest
  }

  private static func draw(
    _ count: Int, _ selected: Int, empty: String, in area: Rect, on frame: inout Frame,
    _ row: (Int, Bool, Rect, inout Frame) -> Void
  ) {
    guard count > 0 else {
      for (index, line) in Paragraph(empty, Style(.dim)).lines(width: max(8, area.width))
        .enumerated()
      {
        frame.write(line, at: area.row(index).origin, width: area.row(index).width)
      }
      return
    }
    let top = firstRow(selected: selected, count: count, height: area.height)
    for index in 0..<min(area.height, count - top) {
      let isSelected = top + index == selected
      if isSelected {
        frame.write(String(frame.glyphs.pointer), at: area.row(index).origin, style: Style(.accent))
      }
      row(top + index, isSelected, area.row(index), &frame)
    }
  }
}
