/// What the prompt shows: a value to lay out and paint.
package struct PromptDisplay: Hashable, Sendable {
  package enum Mode: Hashable, Sendable {
    case emacs, viInsert, viCommand
  }

  /// The text before the line; readline's own while it searches the history.
  package var prompt: String
  package var text: String

  /// The cursor's place in `text`, in UTF-8 bytes.
  package var cursor: Int

  /// The part that was just pasted or is marked, in UTF-8 bytes of `text`.
  package var region: Range<Int>?
  package var isSearching: Bool
  package var mode: Mode

  package init(
    prompt: String, text: String, cursor: Int, region: Range<Int>? = nil, isSearching: Bool = false,
    mode: Mode = .emacs
  ) {
    self.prompt = prompt
    self.text = text
    self.cursor = cursor
    self.region = region
    self.isSearching = isSearching
    self.mode = mode
  }

  /// The lines to paint and the cursor's place in them.
  package struct Layout: Hashable, Sendable {
    package var lines: [StyledText]

    /// The line and column of the cursor, within the width.
    package var cursor: Point

    /// The first line to show in `height` rows so that the cursor is visible.
    package func firstLine(height: Int) -> Int {
      max(0, min(cursor.y - height + 1, lines.count - height))
    }
  }

  /// Sets the prompt and the text in lines of `width` columns.
  ///
  /// The text keeps its own line ends; lines after the first are indented by the prompt's width.
  /// Control characters show as `^X`, as the line editor would. Clusters are never divided.
  package func layout(width: Int) -> Layout {
    let width = max(2, width)
    let label = VisibleText.sanitize(prompt, controls: .raw, keepsLines: false)
    // A long prompt, such as that of a search, must leave room to type.
    let indent = isSearching ? 0 : min(CharacterWidth.columns(label), width / 2)
    var setter = LineSetter(width: width, indent: indent)
    for character in label { setter.put(character, style: Style(.accent)) }
    var offset = 0
    for character in text {
      if offset <= cursor { setter.markCursor() }
      let isMarked = region?.contains(offset) ?? false
      offset += character.utf8.count
      if character == "\n" || character == "\r\n" {
        setter.endLine()
        continue
      }
      let style = isMarked ? Style(.selection) : .plain
      if character == "\t" {
        for _ in 0..<4 { setter.put(" ", style: style) }
        continue
      }
      for cluster in VisibleText.clusters(of: character, controls: .raw) {
        setter.put(cluster, style: style)
      }
    }
    if offset <= cursor { setter.markCursor() }
    return setter.finish()
  }

  /// Paints the part around the cursor into `rect` and places the frame's cursor.
  package func draw(in rect: Rect, on frame: inout Frame) {
    guard !rect.isEmpty else { return }
    let layout = layout(width: rect.width)
    let first = layout.firstLine(height: rect.height)
    for row in 0..<rect.height where first + row < layout.lines.count {
      frame.write(
        layout.lines[first + row], at: Point(x: rect.x, y: rect.y + row), width: rect.width,
        controls: .raw)
    }
    let place = Point(x: rect.x + layout.cursor.x, y: rect.y + layout.cursor.y - first)
    frame.cursor = rect.contains(place) ? place : nil
  }
}

/// Collects clusters into lines and remembers where the cursor was seen last.
private struct LineSetter {
  let width: Int
  let indent: Int
  private var lines: [StyledText] = []
  private var line = StyledText()
  private var column = 0
  private var cursor = Point(x: 0, y: 0)
  private var isCursorPending = false

  init(width: Int, indent: Int) {
    self.width = width
    self.indent = indent
  }

  mutating func markCursor() {
    isCursorPending = true
    settleCursor()
  }

  /// A cursor after the last column stands at the start of the next line.
  private mutating func settleCursor() {
    guard isCursorPending else { return }
    cursor = Point(x: column, y: lines.count)
    isCursorPending = false
  }

  mutating func put(_ cluster: Character, style: Style) {
    let columns = CharacterWidth.columns(cluster)
    if column + columns > width {
      let cursorIsHere = cursor == Point(x: column, y: lines.count)
      endLine()
      if cursorIsHere { cursor = Point(x: column, y: lines.count) }
    }
    line.append(String(cluster), style)
    column += columns
  }

  mutating func endLine() {
    lines.append(line)
    line = StyledText(String(repeating: " ", count: indent))
    column = indent
  }

  mutating func finish() -> PromptDisplay.Layout {
    let atEdge = cursor.x >= width && cursor.y == lines.count
    lines.append(line)
    if atEdge {
      lines.append(StyledText(String(repeating: " ", count: indent)))
      cursor = Point(x: indent, y: cursor.y + 1)
    } else if cursor.x >= width {
      cursor = Point(x: width - 1, y: cursor.y)
    }
    return PromptDisplay.Layout(lines: lines, cursor: cursor)
  }
}
