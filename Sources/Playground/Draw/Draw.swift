import Runtime
import Terminal

/// Draws the whole screen: a function of the state alone.
package func draw(_ state: PlaygroundState, on frame: inout Frame) {
  let layout = Layout(state)
  switch layout.kind {
  case .tooSmall: drawTooSmall(state, on: &frame)
  case .tail:
    drawPanes(state, layout, on: &frame)
    drawPrompt(state, layout, on: &frame)
  case .single:
    TitleBar.draw(state, in: layout.title, on: &frame)
    drawPanes(state, layout, on: &frame)
    StatusLine.drawCompact(state, in: layout.status, on: &frame)
    drawPrompt(state, layout, on: &frame)
  case .strips, .twoColumns, .threeColumns:
    TitleBar.draw(state, in: layout.title, on: &frame)
    drawPanes(state, layout, on: &frame)
    drawPrompt(state, layout, on: &frame)
    StatusLine.draw(state, layout, on: &frame)
  }
  if layout.kind != .tooSmall { drawOverlays(state, layout, on: &frame) }
}

private func drawTooSmall(_ state: PlaygroundState, on frame: inout Frame) {
  var text = "paceline \(state.size.width)x\(state.size.height): too small, q quits"
  if case .dialog(let dialog) = state.overlays.last {
    text =
      dialog.title + " " + dialog.choices.map { "\($0.key) \($0.label)" }.joined(separator: ", ")
  }
  let lines = Paragraph(text, Style(.warning)).lines(width: max(1, state.size.width))
  for (row, line) in lines.prefix(state.size.height).enumerated() {
    frame.write(line, at: Point(x: 0, y: row))
  }
}

private func drawPanes(_ state: PlaygroundState, _ layout: Layout, on frame: inout Frame) {
  for place in layout.panes where !place.area.isEmpty {
    let isFocused = place.id == state.focus && state.mode == .normal
    let right = rightTitle(of: place, state, frame.glyphs)
    switch place.framing {
    case .box:
      frame.box(
        place.area, title: "\(place.id.rawValue) \(place.id.title)", rightTitle: right,
        focused: isFocused)
    case .strip:
      drawRule(
        place.area.row(0), left: "\(place.id.rawValue) \(place.id.title)", right: right,
        focused: isFocused, on: &frame)
    case .bare: break
    }
    frame.clipped(to: place.content) { frame in
      switch place.id {
      case .chat: ChatPane.draw(state, in: place.content, on: &frame)
      case .profile: ProfilePane.draw(state, in: place.content, on: &frame)
      case .knobs: KnobsPane.draw(state, in: place.content, on: &frame)
      case .pictures: PicturesPane.draw(state, in: place.content, on: &frame)
      case .sessions: SessionsPane.draw(state, in: place.content, on: &frame)
      case .methods: MethodsPane.draw(state, in: place.content, on: &frame)
      }
    }
  }
}

/// What a pane's frame says at its right: its state and the keys that change it.
private func rightTitle(of place: Layout.Place, _ state: PlaygroundState, _ glyphs: GlyphSet)
  -> String
{
  switch place.id {
  case .chat: return state.chat.scroll.isFollowing ? "follow \(glyphs.follow)" : "G follow"
  case .profile:
    let window = "\(Int(state.profile.window))s"
    let frozen = state.profile.frozenAt != nil
    if place.framing == .strip, place.area.height <= 3 { return "2 opens  M-2 anywhere" }
    return "\(window) -/=  f \(frozen ? "run (frozen)" : "freeze")"
  case .knobs:
    if place.framing == .strip, place.area.height <= 2 { return "F5 F6 pick  F7 F8 -/+" }
    return state.knobs.reordering == nil ? "h l step  Enter exact" : "J K move  o done"
  case .pictures: return "F9 paint  h l steps"
  case .sessions:
    return state.sessions.filter.isEmpty ? "/ filter" : "filter: \(state.sessions.filter)"
  case .methods: return "Space on/off  r race"
  }
}

/// A horizontal rule with a title at its left and another at its right.
func drawRule(
  _ row: Rect, left: String, right: String, focused: Bool = false, on frame: inout Frame
) {
  frame.fill(
    row, with: frame.glyphs.border.horizontal, style: Style(focused ? .focusedBorder : .border))
  let title = focused ? "[\(left)]" : " \(left) "
  let used = frame.write(
    title, at: Point(x: row.x + 2, y: row.y), style: Style(focused ? .focusedBorder : .title),
    width: max(0, row.width - 4))
  let columns = CharacterWidth.columns(right) + 2
  guard !right.isEmpty, used + columns + 6 <= row.width else { return }
  frame.write(" \(right) ", at: Point(x: row.right - 2 - columns, y: row.y), style: Style(.hint))
}

private func drawPrompt(_ state: PlaygroundState, _ layout: Layout, on frame: inout Frame) {
  let isInsert = state.mode == .insert
  var mode = isInsert ? "INS" : "NORMAL"
  if isInsert, state.prompt.display.mode == .viCommand { mode = "INS vi command" }
  if state.chat.editing != nil { mode += " edit" }
  let queued = state.chat.queue.count
  var hints = "M-Enter newline  C-x C-e editor" + (layout.size.width >= 110 ? "  C-r history" : "")
  if state.chat.editing != nil { hints = "Enter makes a branch  Esc gives up" }
  if queued > 0 { hints = "\(counted(queued, "message")) queued, sent after this answer" }
  let right = isInsert || queued > 0 ? hints : "i types"
  if layout.kind == .twoColumns || layout.kind == .threeColumns {
    frame.box(
      layout.prompt, title: mode, rightTitle: right,
      focused: isInsert)
  } else if layout.kind == .strips {
    drawRule(
      layout.prompt.row(0), left: mode, right: right, focused: isInsert,
      on: &frame)
  }
  let area = layout.promptText
  guard !area.isEmpty else { return }
  state.prompt.display.draw(in: area, on: &frame)
  guard isInsert, state.overlays.isEmpty else {
    frame.cursor = nil
    return
  }
  drawCompletions(state.prompt.matches, above: layout.prompt, on: &frame)
}

/// A small window with the completions to choose from, over the prompt.
private func drawCompletions(_ matches: [String], above prompt: Rect, on frame: inout Frame) {
  let count = min(matches.count, max(0, prompt.y - 3), 8)
  guard count > 0 else { return }
  let more = matches.count > count ? "\(matches.count - count) more" : ""
  let width = min(prompt.width, (matches.map { CharacterWidth.columns($0) }.max() ?? 0) + 6)
  let area = Rect(x: prompt.x, y: prompt.y - count - 2, width: max(width, 18), height: count + 2)
  frame.fill(area)
  let inside = frame.box(area, title: "complete", rightTitle: more)
  for (index, match) in matches.prefix(count).enumerated() {
    frame.write(
      match, at: Point(x: inside.x + 1, y: inside.y + index), width: inside.width - 1,
      ellipsis: true)
  }
}
