import Inference
import Runtime
import Terminal

/// Draws the chat: the visible lines of the transcript, and what is going on.
enum ChatPane {
  static func draw(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    let transcript = state.chat.transcript
    guard transcript.lineCount > 0 else {
      Welcome.draw(state, in: area, on: &frame)
      return
    }
    let first = state.chat.scroll.firstLine(lineCount: transcript.lineCount, height: area.height)
    for row in 0..<area.height {
      let line = first + row
      guard let (paragraph, block) = transcript.block(atLine: line) else { break }
      let rect = area.row(row)
      switch block {
      case .header(let id): drawHeader(id, state, in: rect, on: &frame)
      case .codeTop(let id, let language): drawCodeTop(id, language, in: rect, on: &frame)
      case .codeBottom: drawCodeEdge(rect, on: &frame)
      case .code:
        drawText(transcript, line, state, in: rect, on: &frame)
        drawCodeSides(rect, on: &frame)
      case .body(let id):
        drawText(transcript, line, state, in: rect, on: &frame)
        if state.running?.message == id,
          line == transcript.flow.lineRange(ofParagraph: paragraph).upperBound - 1,
          paragraph == transcript.blocks.count - 1
        {
          drawTypingMark(transcript.flow.line(line), in: rect, on: &frame)
        }
      case .note, .system, .blank: drawText(transcript, line, state, in: rect, on: &frame)
      }
    }
    drawBadge(state, in: area, on: &frame)
  }

  private static func drawText(
    _ transcript: Transcript, _ line: Int, _ state: PlaygroundState, in rect: Rect,
    on frame: inout Frame
  ) {
    guard let text = transcript.flow.line(line) else { return }
    frame.write(
      text, at: rect.origin, width: rect.width, controls: state.chat.isRaw ? .raw : .replaced)
    guard let search = state.chat.search else { return }
    highlight(search.query, in: text.plain, rect: rect, on: &frame)
  }

  private static func highlight(_ query: String, in text: String, rect: Rect, on frame: inout Frame)
  {
    let needle = Array(query.lowercased())
    let line = Array(text)
    guard !needle.isEmpty, line.count >= needle.count else { return }
    var column = 0
    var index = 0
    while index < line.count {
      let end = index + needle.count
      if end <= line.count, line[index..<end].map({ $0.lowercased() }) == needle.map({ String($0) })
      {
        let columns = CharacterWidth.columns(String(line[index..<end]))
        frame.restyle(Rect(x: rect.x + column, y: rect.y, width: columns, height: 1)) { _ in
          Style(.search)
        }
        column += columns
        index = end
      } else {
        column += CharacterWidth.columns(line[index])
        index += 1
      }
    }
  }

  private static func drawTypingMark(_ text: StyledText?, in rect: Rect, on frame: inout Frame) {
    let x = rect.x + (text?.columns ?? 0)
    guard x < rect.right else { return }
    frame.write("_", at: Point(x: x, y: rect.y), style: Style(.accent))
  }

  // MARK: Headers

  private static func drawHeader(
    _ id: MessageID, _ state: PlaygroundState, in rect: Rect, on frame: inout Frame
  ) {
    guard let message = state.chat.conversation[id] else { return }
    let isChosen = state.chat.cursor == id
    let name = state.speaker(of: message)
    let style = Style(message.role == .user ? .user : .assistant).bolded
    let siblings = state.chat.conversation.siblings(of: id)
    let nameColumns = min(CharacterWidth.columns(name), rect.width / 2) + (isChosen ? 2 : 0)
    let branchColumns = siblings.count > 1 ? 20 : 0
    let right = headerRight(message, state, room: rect.width - nameColumns - branchColumns - 3)
    let rightColumns = CharacterWidth.columns(right)
    var x = rect.x
    if isChosen {
      x += frame.write("\(frame.glyphs.pointer) ", at: rect.origin, style: Style(.accent).bolded)
    }
    x += frame.write(
      name, at: Point(x: x, y: rect.y), style: isChosen ? Style(.selection).bolded : style,
      width: max(0, rect.width / 2), ellipsis: true)
    if siblings.count > 1, let index = siblings.firstIndex(of: id) {
      let text = "branch \(index + 1)/\(siblings.count)  < >"
      if x + 3 + text.count + 2 + rightColumns <= rect.right {
        frame.write(text, at: Point(x: x + 3, y: rect.y), style: Style(.badge))
      }
    }
    frame.write(right, rightAlignedIn: rect, style: Style(.dim))
  }

  /// The time of a message, or what its answer is doing, in what room there is.
  private static func headerRight(_ message: ChatMessage, _ state: PlaygroundState, room: Int)
    -> String
  {
    let time = state.timeOfDay(message.time)
    guard let running = state.running, running.message == message.id else { return time }
    return progressTexts(running, state).first { CharacterWidth.columns($0) <= max(room, 12) } ?? ""
  }

  /// What a running answer does, the longest wording first.
  static func progressTexts(_ running: RunningAnswer, _ state: PlaygroundState) -> [String] {
    if running.stoppingSince != nil { return ["stopping", ""] }
    if running.isHeld {
      return ["held at \(counted(running.tokens, "token"))   [M-h goes on]", "held"]
    }
    switch running.phase {
    case .waiting: return ["waiting for the engine   [C-c stop]", "waiting"]
    case .reading(let done, let total, let seconds):
      let percent = total > 0 ? done * 100 / total : 0
      var text = "prompt \(done)/\(total) tok  \(percent)%"
      let short = text
      if done > 0, done < total, seconds > 0 {
        let left = Double(total - done) * seconds / Double(done)
        text += "  eta \(PlaygroundState.number(left, decimals: left < 9.95 ? 1 : 0)) s"
      }
      return ["\(text)   [C-c stop]", text, short, "\(percent)%"]
    case .generating:
      let tokens = "\(running.tokens) tok"
      var settings = PlaygroundState.summary(of: running.settings)
      if let change = running.changes.last {
        let label = PlaygroundState.difference(from: running.settings, to: change.settings)
        settings += " -> \(label) at tok \(change.tokenIndex)"
      }
      let change = running.changes.last.map {
        PlaygroundState.difference(from: running.settings, to: $0.settings)
          + " at tok \($0.tokenIndex)  "
      }
      return [
        "generating   \(settings) seed \(running.settings.seed)   \(tokens)",
        "generating   \(settings)   \(tokens)", "generating  \(change ?? "")\(tokens)", tokens,
      ]
    }
  }

  // MARK: Code boxes

  private static func drawCodeTop(
    _ id: MessageID, _ language: String, in rect: Rect, on frame: inout Frame
  ) {
    drawCodeEdge(rect, top: true, on: &frame)
    let inside = codeRect(rect)
    let name = language.isEmpty ? "code" : language
    frame.write(
      " \(name) ", at: Point(x: inside.x + 2, y: inside.y), style: Style(.dim),
      width: inside.width - 4)
    let hint = " Y: copy "
    if inside.width > name.count + hint.count + 10 {
      frame.write(
        hint, at: Point(x: inside.right - 2 - hint.count, y: inside.y), style: Style(.hint))
    }
  }

  private static func codeRect(_ rect: Rect) -> Rect {
    Rect(x: rect.x + Transcript.indent, y: rect.y, width: rect.width - Transcript.indent, height: 1)
  }

  private static func drawCodeEdge(_ rect: Rect, top: Bool = false, on frame: inout Frame) {
    let inside = codeRect(rect)
    let border = frame.glyphs.border
    frame.fill(inside, with: border.horizontal, style: Style(.border))
    frame.write(
      String(top ? border.topLeft : border.bottomLeft), at: inside.origin, style: Style(.border))
    frame.write(
      String(top ? border.topRight : border.bottomRight),
      at: Point(x: inside.right - 1, y: inside.y),
      style: Style(.border))
  }

  private static func drawCodeSides(_ rect: Rect, on frame: inout Frame) {
    let inside = codeRect(rect)
    let side = String(frame.glyphs.border.vertical)
    frame.write(side, at: inside.origin, style: Style(.border))
    frame.write(side, at: Point(x: inside.right - 1, y: inside.y), style: Style(.border))
  }

  /// Says how much came while the reader was further up.
  private static func drawBadge(_ state: PlaygroundState, in area: Rect, on frame: inout Frame) {
    let new = state.chat.scroll.newLines(lineCount: state.chat.transcript.lineCount)
    guard !state.chat.scroll.isFollowing, area.height > 2 else { return }
    let text = new > 0 ? " \(counted(new, "new line"))  G end " : " G end "
    let row = Rect(x: area.x, y: area.bottom - 1, width: area.width, height: 1)
    frame.write(text, rightAlignedIn: row, style: Style(.badge).reversed)
  }
}
