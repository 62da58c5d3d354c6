import Terminal

/// Where everything stands: a function of the size, the focus and the prompt's height alone.
package struct Layout: Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    /// One line that says so; keys still work.
    case tooSmall
    /// The end of the answer, and the prompt.
    case tail
    /// One pane, a status line, the prompt.
    case single
    /// The chat with strips under it.
    case strips
    case twoColumns
    case threeColumns

    package init(size: Size) {
      self =
        switch (size.width, size.height) {
        case (..<20, _), (_, ..<5): .tooSmall
        case (..<40, _), (_, ..<10): .tail
        case (170..., 30...): .threeColumns
        case (110..., 22...): .twoColumns
        case (80..., 18...): .strips
        default: .single
        }
    }
  }

  /// How a pane is set off from its neighbours.
  package enum Framing: Sendable, Equatable { case bare, box, strip }

  package struct Place: Sendable, Equatable {
    package var id: PaneID
    /// The pane with its frame.
    package var area: Rect
    package var framing: Framing

    /// What is left for the pane's content.
    package var content: Rect {
      switch framing {
      case .bare: area.inset(horizontal: 1, vertical: 0)
      case .box: area.inset(horizontal: 2, vertical: 1)
      case .strip: area.splitTop(1).rest.inset(horizontal: 1, vertical: 0)
      }
    }
  }

  package let kind: Kind
  package let size: Size
  package private(set) var title = Rect(x: 0, y: 0, width: 0, height: 0)
  package private(set) var panes: [Place] = []
  /// The prompt with its frame.
  package private(set) var prompt = Rect(x: 0, y: 0, width: 0, height: 0)
  package private(set) var promptText = Rect(x: 0, y: 0, width: 0, height: 0)
  package private(set) var hints = Rect(x: 0, y: 0, width: 0, height: 0)
  package private(set) var status = Rect(x: 0, y: 0, width: 0, height: 0)

  package init(_ state: PlaygroundState) {
    kind = Kind(size: state.size)
    size = state.size
    let lines = state.prompt.display.layout(width: Self.promptWidth(of: state.size)).lines.count
    place(state, promptLines: lines)
  }

  /// Columns of the prompt's text, which its height depends on.
  package static func promptWidth(of size: Size) -> Int {
    switch Kind(size: size) {
    case .twoColumns, .threeColumns: max(1, size.width - 4)
    default: max(1, size.width - 1)
    }
  }

  /// The area of the transcript; where the chat is hidden, what it would have alone.
  package var chatText: Rect {
    panes.first { $0.id == .chat }?.content
      ?? Rect(size: size).inset(horizontal: kind == .tail ? 0 : 1, vertical: 0)
  }

  /// Arrangements that `+` and `_` walk through.
  package var presetCount: Int {
    switch kind {
    case .strips, .twoColumns: 5
    case .threeColumns: 4
    case .single, .tail, .tooSmall: 1
    }
  }

  private mutating func place(_ state: PlaygroundState, promptLines: Int) {
    let screen = Rect(size: size)
    switch kind {
    case .tooSmall: status = screen.row(0)
    case .tail:
      let (rest, bottom) = screen.splitBottom(min(promptLines, max(1, size.height / 3)))
      prompt = bottom
      promptText = bottom
      panes = [Place(id: .chat, area: rest, framing: .strip)]
      panes[0].framing = .bare
    case .single:
      let (top, rest) = screen.splitTop(1)
      title = top
      let (above, bottom) = rest.splitBottom(min(promptLines, max(1, size.height / 4)))
      prompt = bottom
      promptText = bottom
      let (pane, line) = above.splitBottom(1)
      status = line
      panes = [Place(id: state.focus, area: pane, framing: .bare)]
    case .strips: placeStrips(state, promptLines: promptLines)
    case .twoColumns, .threeColumns: placeColumns(state, promptLines: promptLines)
    }
  }

  private mutating func placeStrips(_ state: PlaygroundState, promptLines: Int) {
    let (top, rest) = Rect(size: size).splitTop(1)
    title = top
    let (above, bottom) = rest.splitBottom(min(promptLines, 6) + 2)
    let (framed, last) = bottom.splitBottom(1)
    hints = last
    prompt = framed
    promptText = framed.splitTop(1).rest
    if state.isZoomed {
      panes = [Place(id: state.focus, area: above, framing: state.focus == .chat ? .bare : .strip)]
      return
    }
    var strips: [(PaneID, Int)]
    if state.focus != .chat {
      let percent = state.focus == .pictures ? 65 : 45
      strips = [(state.focus, max(8, above.height * percent / 100))]
    } else {
      let presets: [[(PaneID, Int)]] = [
        [(.profile, 3), (.knobs, 2)], [(.profile, 9)], [(.knobs, 9)], [(.methods, 9)], [],
      ]
      strips = presets[state.preset % presets.count]
    }
    // Strips give way before the chat does.
    while let last = strips.last, above.height - strips.reduce(0, { $0 + $1.1 }) < 6 {
      strips.removeLast()
      if last.1 > 4 { strips.append((last.0, last.1 - 1)) }
    }
    let (chat, area) = above.splitBottom(strips.reduce(0) { $0 + $1.1 })
    panes = [Place(id: .chat, area: chat, framing: .bare)]
    for (strip, rect) in zip(strips, area.rows(strips.map(\.1))) {
      panes.append(Place(id: strip.0, area: rect, framing: .strip))
    }
  }

  private mutating func placeColumns(_ state: PlaygroundState, promptLines: Int) {
    let (top, rest) = Rect(size: size).splitTop(1)
    title = top
    let least = size.height >= 30 ? 2 : 1
    let (above, bottom) = rest.splitBottom(min(max(promptLines, least), 6) + 4)
    let parts = bottom.rows([bottom.height - 2, 1, 1])
    prompt = parts[0]
    promptText = parts[0].inset(horizontal: 2, vertical: 1)
    hints = parts[1]
    status = parts[2]
    if state.isZoomed {
      panes = [Place(id: state.focus, area: above, framing: .box)]
      return
    }
    let (left, right) = columns(state)
    let leftWidth = left == nil ? 0 : 30
    let share = kind == .threeColumns ? 42 : state.focus == .pictures ? 55 : 37
    let rightWidth = right.isEmpty ? 0 : max(44, size.width * share / 100)
    let (rest2, rightColumn) = above.splitRight(rightWidth)
    let (leftColumn, middle) = rest2.splitLeft(leftWidth)
    if let left { panes.append(Place(id: left, area: leftColumn, framing: .box)) }
    panes.append(Place(id: .chat, area: middle, framing: .box))
    let first =
      right.count > 1 ? upperHeight(of: rightColumn.height, state) : rightColumn.height
    let heights = [first, rightColumn.height - first]
    for (id, rect) in zip(right, rightColumn.rows(heights)) {
      panes.append(Place(id: id, area: rect, framing: .box))
    }
  }

  /// Rows of the upper of two panes: a little more than half, unless that cuts a list that could be whole.
  private func upperHeight(of height: Int, _ state: PlaygroundState) -> Int {
    let share = (height * 12 + 10) / 20
    if state.focus == .pictures { return max(6, height * 3 / 10) }
    if state.focus == .methods { return max(min(14, share), min(share, height - 23)) }
    let wholeList = KnobItem.all.count + 2
    return height - share < wholeList && height - wholeList >= 20 ? height - wholeList : share
  }

  /// The panes beside the chat; the focused one is always among them.
  private func columns(_ state: PlaygroundState) -> (left: PaneID?, right: [PaneID]) {
    if kind == .threeColumns {
      let presets: [(PaneID?, [PaneID])] = [
        (.sessions, [.profile, .knobs]), (.sessions, [.profile, .methods]),
        (nil, [.profile, .knobs]), (.sessions, []),
      ]
      var (left, right) = presets[state.preset % presets.count]
      if state.focus == .sessions { left = .sessions }
      if state.focus != .chat, state.focus != .sessions, !right.contains(state.focus) {
        right = right.isEmpty ? [state.focus] : [right[0], state.focus]
      }
      return (left, right)
    }
    let presets: [[PaneID]] = [
      [.profile, .knobs], [.profile, .methods], [.knobs, .sessions], [.profile, .sessions], [],
    ]
    var right = presets[state.preset % presets.count]
    if state.focus != .chat, !right.contains(state.focus) {
      right = right.isEmpty ? [state.focus] : [right[0], state.focus]
    }
    return (nil, right)
  }
}
