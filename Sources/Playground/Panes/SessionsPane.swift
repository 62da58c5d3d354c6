import Inference
import Runtime
import Terminal

/// Draws the saved sessions, the tree of the present one, and the map of its context.
enum SessionsPane {
  static func draw(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    let hasTree = !state.chat.conversation.messages.isEmpty
    if area.width >= 70, hasTree, area.height < 24 {
      let (left, rest) = area.splitLeft(area.width / 2 - 1)
      drawList(state, in: left, on: &frame)
      drawTree(state, in: rest.splitLeft(2).rest, on: &frame)
      return
    }
    let map = contextLines(state, width: area.width - 1)
    let mapRows = area.height >= 18 && !map.isEmpty ? map.count + 1 : 0
    let treeRows = hasTree && area.height >= 10 ? max(0, (area.height - mapRows) / 2) : 0
    let listRows = area.height - mapRows - treeRows
    let parts = area.rows([listRows, treeRows, mapRows])
    drawList(state, in: parts[0], on: &frame)
    if treeRows > 1 { drawTree(state, in: parts[1], on: &frame) }
    guard mapRows > 0 else { return }
    drawSection("context map", in: parts[2].row(0), on: &frame)
    for (index, line) in map.enumerated() {
      frame.write(line, at: Point(x: area.x + 1, y: parts[2].y + 1 + index), width: area.width - 1)
    }
  }

  // MARK: The list

  private static func drawList(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    let entries = state.sessions.shown
    guard !entries.isEmpty else {
      let text =
        !state.sessions.isLoaded
        ? "reading the sessions"
        : state.sessions.entries.isEmpty
          ? "No saved session yet. The first message starts one; it is saved as it grows."
          : "no session matches '\(state.sessions.filter)'"
      for (index, line) in Paragraph(text, Style(.dim)).lines(width: max(8, area.width)).prefix(
        area.height
      ).enumerated() {
        frame.write(line, at: area.row(index).origin)
      }
      return
    }
    let top = min(
      max(0, state.sessions.selected - area.height / 2), max(0, entries.count - area.height))
    for (row, entry) in entries.dropFirst(top).prefix(area.height).enumerated() {
      let isSelected = top + row == state.sessions.selected && state.focus == .sessions
      drawEntry(entry, isSelected: isSelected, state, in: area.row(row), on: &frame)
    }
  }

  static func drawEntry(
    _ entry: SessionEntry, isSelected: Bool, _ state: PlaygroundState, in row: Rect,
    on frame: inout Frame
  ) {
    let time = state.timeOrDay(entry.time)
    var right = "\(time) \(entry.turns)t"
    if row.width >= 56 { right = "\(entry.model)  \(time)  \(counted(entry.turns, "turn"))" }
    let isPresent = entry.id == state.session.id
    let marker = isSelected ? "\(frame.glyphs.pointer) " : isPresent ? "* " : "  "
    let style = isSelected ? Style(.accent).bolded : .plain
    frame.write(
      marker + entry.title, at: row.origin, style: style,
      width: max(0, row.width - CharacterWidth.columns(right) - 2), ellipsis: true)
    frame.write(right, rightAlignedIn: row, style: Style(.dim))
  }

  // MARK: The tree

  private static func drawTree(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    drawSection("tree of this session", in: area.row(0), on: &frame)
    let lines = treeLines(state.chat.conversation, limit: 400)
    let height = area.height - 1
    // The end of the shown branch stays in view.
    let focus = lines.lastIndex { $0.isShown } ?? 0
    let top = min(max(0, focus - height + 2), max(0, lines.count - height))
    for (row, line) in lines.dropFirst(top).prefix(height).enumerated() {
      frame.write(
        line.text, at: area.row(row + 1).origin, style: line.isShown ? .plain : Style(.dim),
        width: area.width, ellipsis: true)
    }
  }

  struct TreeLine: Equatable {
    var text: String
    var isShown: Bool
  }

  /// The messages as a tree: a single successor stands under its parent, versions stand side by side.
  static func treeLines(_ conversation: Conversation, limit: Int) -> [TreeLine] {
    var children: [MessageID?: [MessageID]] = [:]
    for message in conversation.messages {
      children[message.parent, default: []].append(message.id)
    }
    let shown = Set(conversation.branch.map(\.id))
    var lines: [TreeLine] = []
    var open = (children[nil] ?? []).reversed().map { ($0, "", "") }
    let roots = open.count
    if roots > 1 { open = siblings(children[nil] ?? [], under: "") }
    while let (id, connector, prefix) = open.popLast(), lines.count < limit {
      guard let message = conversation[id] else { continue }
      let isShown = shown.contains(id)
      lines.append(
        TreeLine(
          text: connector + (isShown ? "* " : "o ") + label(message, conversation), isShown: isShown
        ))
      let next = children[id] ?? []
      if next.count == 1 {
        open.append((next[0], prefix, prefix))
      } else {
        open += siblings(next, under: prefix)
      }
    }
    return lines
  }

  private static func siblings(_ ids: [MessageID], under prefix: String) -> [(
    MessageID, String, String
  )] {
    ids.enumerated().map { index, id in
      let isLast = index == ids.count - 1
      return (id, prefix + (isLast ? "+-" : "|-"), prefix + (isLast ? "  " : "| "))
    }.reversed()
  }

  private static func label(_ message: ChatMessage, _ conversation: Conversation) -> String {
    guard message.role == .assistant else { return "you  " + message.text.headline(40) }
    let siblings = conversation.siblings(of: message.id)
    let number = (siblings.firstIndex(of: message.id) ?? 0) + 1
    guard let made = message.provenance else { return "a\(number) " + message.text.headline(32) }
    return
      "a\(number) T\(PlaygroundState.short(made.settings.temperature)) seed \(made.settings.seed)"
  }

  // MARK: The context

  /// One sign for each run of tokens, then what the signs mean.
  private static func contextLines(_ state: PlaygroundState, width: Int) -> [StyledText] {
    guard let capacity = state.model.summary?.contextLength, let used = state.chat.contextTokens,
      capacity > 0, width >= 12, !state.sessions.contextMap.isEmpty
    else { return [] }
    let cells = min(width, 60) * 3
    let perCell = max(1, (capacity + cells - 1) / cells)
    var signs = ""
    var position = 0
    for part in state.sessions.contextMap {
      let end = position + part.tokens
      while signs.count * perCell + perCell / 2 < end, signs.count < cells {
        signs.append(sign(part.origin))
      }
      position = end
    }
    while signs.count * perCell < capacity, signs.count < cells { signs.append(".") }
    var lines: [StyledText] = []
    var rest = Substring(signs)
    while !rest.isEmpty {
      lines.append(StyledText(String(rest.prefix(min(width, 60)))))
      rest = rest.dropFirst(min(width, 60))
    }
    lines.append(StyledText("s system u you a answer", Style(.dim)))
    lines.append(StyledText("t template . free \(max(0, capacity - used))", Style(.dim)))
    return lines
  }

  private static func sign(_ origin: ContextPart.Origin) -> Character {
    switch origin {
    case .template: "t"
    case .system: "s"
    case .user: "u"
    case .assistant: "a"
    }
  }
}
