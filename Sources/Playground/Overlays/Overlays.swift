import Runtime
import Terminal

/// Draws the layers, the top one last.
func drawOverlays(_ state: PlaygroundState, _ layout: Layout, on frame: inout Frame) {
  for (place, overlay) in state.overlays.enumerated() {
    switch overlay {
    case .help(let list): HelpOverlay.draw(list, on: &frame)
    case .palette(let list): PaletteOverlay.draw(list, state, on: &frame)
    case .models(let list): PickerOverlay.drawModels(list, state, on: &frame)
    case .recent(let list): PickerOverlay.drawSessions(list, state, on: &frame)
    case .dialog(let dialog): drawDialog(dialog, on: &frame)
    case .input(let input): drawInput(input, layout, on: &frame)
    case .inspector(let inspector): InspectorOverlay.draw(inspector, state, on: &frame)
    case .log(let top): drawLog(state, top, on: &frame)
    case .race: RaceScreen.draw(state, on: &frame)
    case .picture:
      PictureZoom.draw(state, isTop: place == state.overlays.count - 1, on: &frame)
    }
  }
}

/// A box in the middle of the screen, emptied.
func overlayBox(
  _ title: String, right: String, width: Int, height: Int, on frame: inout Frame
) -> Rect {
  let area = frame.bounds.centred(Size(width: width, height: height))
  frame.fill(Rect(x: area.x - 1, y: area.y, width: area.width + 2, height: area.height))
  frame.cursor = nil
  let inside = frame.box(area, title: title, rightTitle: right, focused: true)
  return inside.inset(horizontal: inside.width > 20 ? 1 : 0, vertical: 0)
}

/// The filter line of a list, with the cursor in it.
func drawFilter(_ editor: LineEditor, label: String, in row: Rect, on frame: inout Frame) {
  let used = frame.write(label, at: row.origin, style: Style(.user))
  let room = max(1, row.width - used)
  let cut = max(0, editor.cursorColumn - room + 1)
  let text = String(editor.characters.dropFirst(cut))
  frame.write(text, at: Point(x: row.x + used, y: row.y), width: room)
  frame.cursor = Point(x: min(row.right - 1, row.x + used + editor.cursorColumn - cut), y: row.y)
}

/// The first row to show so that `selected` is in view.
func firstRow(selected: Int, count: Int, height: Int) -> Int {
  min(max(0, selected - height / 2), max(0, count - height))
}

private func drawDialog(_ dialog: Dialog, on frame: inout Frame) {
  let width = min(frame.size.width, 64)
  let lines = Paragraph(dialog.text).lines(width: max(8, width - 6))
  let area = overlayBox(
    dialog.title, right: "", width: width, height: lines.count + dialog.choices.count + 3,
    on: &frame)
  for (index, line) in lines.enumerated() {
    frame.write(line, at: area.row(index).origin, width: area.width)
  }
  for (index, choice) in dialog.choices.enumerated() {
    let row = area.row(lines.count + 1 + index)
    guard !row.isEmpty else { continue }
    let used = frame.write("\(choice.key)  ", at: row.origin, style: Style(.key))
    frame.write(choice.label, at: Point(x: row.x + used, y: row.y), width: row.width - used)
  }
}

/// A question on the hints row, or on the last row where there is none.
private func drawInput(_ input: LineInput, _ layout: Layout, on frame: inout Frame) {
  let last = Rect(x: 0, y: frame.size.height - 1, width: frame.size.width, height: 1)
  let row = layout.hints.isEmpty ? last : layout.hints
  frame.fill(row)
  let hint = "Enter takes it  Esc gives up"
  let inside = row.inset(horizontal: 1, vertical: 0)
  let room = inside.width >= 60 ? inside.splitRight(hint.count + 2).rest : inside
  if inside.width >= 60 { frame.write(hint, rightAlignedIn: inside, style: Style(.hint)) }
  drawFilter(input.editor, label: input.label, in: room, on: &frame)
}

private func drawLog(_ state: PlaygroundState, _ top: Int, on frame: inout Frame) {
  let area = overlayBox(
    "log", right: "j k scroll  Esc closes", width: min(frame.size.width, 100),
    height: frame.size.height - 2, on: &frame)
  guard !state.log.isEmpty else {
    frame.write("nothing was said yet", at: area.origin, style: Style(.dim))
    return
  }
  // The newest line comes first.
  for (row, notice) in state.log.reversed().dropFirst(top).prefix(area.height).enumerated() {
    let level = notice.level.rawValue
    let used = frame.write(
      level + String(repeating: " ", count: max(1, 9 - level.count)), at: area.row(row).origin,
      style: Style(.dim))
    frame.write(
      notice.text, at: Point(x: area.x + used, y: area.y + row), width: area.width - used,
      ellipsis: true)
  }
}
