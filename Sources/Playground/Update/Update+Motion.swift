import Inference
import Runtime
import Terminal

/// How far a movement key goes.
package enum Motion: Sendable, Equatable {
  case line(Int), half(Int), page(Int), start, end
}

extension PlaygroundState {
  /// Moves in the focused pane.
  mutating func move(_ motion: Motion) {
    guard overlays.last != .race else {
      scrollRace(motion)
      return
    }
    switch focus {
    case .chat: scrollChat(motion)
    case .knobs:
      if let stage = knobs.reordering {
        knobs.reordering = Self.moved(stage, motion, count: settings.order.count, page: 5)
      } else {
        knobs.selected = Self.moved(knobs.selected, motion, count: KnobItem.all.count, page: 8)
      }
    case .sessions:
      sessions.selected = Self.moved(
        sessions.selected, motion, count: sessions.shown.count, page: 10)
    case .methods:
      let rows = methods.rows
      let row = Self.moved(methods.cursorRow, motion, count: rows.count, page: 8)
      if rows.indices.contains(row) { methods.cursor = rows[row] }
    case .pictures:
      pictures.row = Self.moved(pictures.row, motion, count: pictures.rowCount, page: 4)
    case .profile: break
    }
  }

  static func moved(_ index: Int, _ motion: Motion, count: Int, page: Int) -> Int {
    let target =
      switch motion {
      case .line(let step): index + step
      case .half(let step): index + step * max(1, page / 2)
      case .page(let step): index + step * page
      case .start: 0
      case .end: count - 1
      }
    return min(max(0, target), max(0, count - 1))
  }

  private mutating func scrollChat(_ motion: Motion) {
    let height = Layout(self).chatText.height
    let count = chat.transcript.lineCount
    switch motion {
    case .line(let step): chat.scroll.move(by: step, lineCount: count, height: height)
    case .half(let step):
      chat.scroll.move(by: step * max(1, height / 2), lineCount: count, height: height)
    case .page(let step):
      chat.scroll.move(by: step * max(1, height - 1), lineCount: count, height: height)
    case .start: chat.scroll.show(line: 0, lineCount: count, height: height)
    case .end: chat.scroll.follow()
    }
  }

  /// Chooses the next or previous message and shows it.
  mutating func moveMessage(_ step: Int) -> [Effect] {
    let branch = chat.conversation.branch
    guard !branch.isEmpty else { return say(.info, "there is no message yet") }
    let current = chat.cursor.flatMap { id in branch.firstIndex { $0.id == id } }
    let index = current.map { $0 + step } ?? (step < 0 ? branch.count - 1 : branch.count)
    guard index < branch.count else {
      chat.cursor = nil
      chat.scroll.follow()
      return []
    }
    let id = branch[max(0, index)].id
    chat.cursor = id
    let height = Layout(self).chatText.height
    if let lines = chat.transcript.lines(of: id) {
      let shown = lines.lowerBound..<min(lines.upperBound, lines.lowerBound + max(1, height))
      chat.scroll.reveal(shown, lineCount: chat.transcript.lineCount, height: height)
    }
    return []
  }

  /// Searches the focused pane, or asks what for.
  mutating func search(_ text: String) -> [Effect] {
    let pane = focus == .sessions ? PaneID.sessions : .chat
    guard !text.isEmpty else {
      overlays.append(
        .input(
          LineInput(
            purpose: .search(pane), label: pane == .chat ? "/" : "filter: ", editor: LineEditor())))
      return []
    }
    return search(text, in: pane)
  }

  mutating func search(_ text: String, in pane: PaneID) -> [Effect] {
    if pane == .sessions {
      sessions.filter = text
      sessions.selected = 0
      return []
    }
    guard !text.isEmpty else {
      chat.search = nil
      return []
    }
    chat.search = ChatState.Search(query: text)
    return jumpToMatch(-1)
  }

  /// Shows the next match after the present one, round the end.
  mutating func jumpToMatch(_ step: Int) -> [Effect] {
    guard let search = chat.search else { return [] }
    let matches = chat.transcript.matches(of: search.query)
    guard !matches.isEmpty else { return say(.info, "no match for '\(search.query)'") }
    let height = Layout(self).chatText.height
    let count = chat.transcript.lineCount
    let from =
      search.line ?? chat.scroll.firstLine(lineCount: count, height: height) + height
    let next =
      step > 0
      ? matches.firstIndex { $0 > from } ?? 0
      : matches.lastIndex { $0 < from } ?? matches.count - 1
    chat.search?.line = matches[next]
    chat.scroll.show(line: max(0, matches[next] - height / 3), lineCount: count, height: height)
    return say(.info, "match \(next + 1) of \(matches.count): n next, N previous")
  }
}
