import Runtime
import Terminal

/// The branch shown, set to the width of the chat pane.
///
/// Text that streams in re-sets the open source line only, so the cost of a token does not grow with the chat.
package struct Transcript: Sendable, Equatable {
  /// What a paragraph of the flow is.
  package enum Block: Sendable, Equatable {
    case header(MessageID)
    case body(MessageID)
    case codeTop(MessageID, language: String)
    case code(MessageID)
    case codeBottom(MessageID)
    case note(MessageID)
    case blank
    case system

    package var message: MessageID? {
      switch self {
      case .header(let id), .body(let id), .codeTop(let id, _), .code(let id), .codeBottom(let id),
        .note(let id):
        id
      case .blank, .system: nil
      }
    }
  }

  /// Columns that message text is set in from the left edge.
  package static let indent = 2
  /// An open line longer than this is closed, which bounds the work per token.
  private static let longestOpenLine = 4096

  package private(set) var flow: TextFlow
  package private(set) var blocks: [Block] = []
  /// Paragraphs that were set so far: what the cost of streaming is measured by.
  package private(set) var paragraphsSet = 0
  /// Whether text is shown as it came, control characters included.
  package private(set) var isRaw: Bool
  /// Whether text that a drafter had guessed is marked; such messages are shown as they came.
  package private(set) var isTinted: Bool
  /// What was guessed of each message made with methods, as bytes of its text in UTF-8.
  private var drafted: [MessageID: [Range<Int>]]

  /// The message whose end is open, with the source line that still grows.
  private var open: OpenMessage?

  private struct OpenMessage: Equatable {
    var id: MessageID
    var line = ""
    var reader = MarkdownReader()
    /// Where the open line's paragraphs start.
    var start: Int
    /// Where the message's paragraphs start.
    let first: Int
    /// Bytes of the message before the open line.
    var lineStart = 0
  }

  package init(
    width: Int = 80, isRaw: Bool = false, isTinted: Bool = false,
    drafted: [MessageID: [Range<Int>]] = [:]
  ) {
    flow = TextFlow(width: width)
    self.isRaw = isRaw
    self.isTinted = isTinted
    self.drafted = drafted
  }

  package var width: Int { flow.width }
  package var lineCount: Int { flow.lineCount }

  /// Sets a whole branch.
  package init(
    branch: [ChatMessage], system: String?, note: (ChatMessage) -> String?, openID: MessageID?,
    width: Int, isRaw: Bool, isTinted: Bool = false, drafted: [MessageID: [Range<Int>]] = [:]
  ) {
    self.init(width: width, isRaw: isRaw, isTinted: isTinted, drafted: drafted)
    if let system, !system.isEmpty {
      add(Paragraph(StyledText("system", Style(.system).bolded)), .system)
      for line in system.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
        add(Paragraph(String(line), Style(.dim), indent: Self.indent), .system)
      }
      add(Paragraph(), .blank)
    }
    for message in branch {
      begin(message.id)
      append(message.text)
      if message.id != openID { end(note: note(message)) }
    }
  }

  /// Starts a message; the one before it must have ended.
  package mutating func begin(_ id: MessageID) {
    add(Paragraph(), .header(id))
    open = OpenMessage(id: id, start: blocks.count, first: blocks.count)
  }

  /// Tells what of a message's text a drafter had guessed; before that text is added.
  package mutating func mark(_ ranges: [Range<Int>], of id: MessageID) {
    drafted[id, default: []] += ranges
  }

  /// Sets the message that is open anew.
  package mutating func replace(with text: String) {
    guard let message = open else { return }
    drop(from: message.first)
    open = OpenMessage(id: message.id, start: message.first, first: message.first)
    append(text)
  }

  /// Adds text to the message that is open.
  package mutating func append(_ text: String) {
    guard open != nil, !text.isEmpty else { return }
    var rest = Substring(text)
    while let end = rest.firstIndex(where: \.isNewline) {
      open?.line += rest[..<end]
      closeLine(separator: rest[end].utf8.count)
      rest = rest[rest.index(after: end)...]
    }
    open?.line += rest
    if let open, open.line.utf8.count > Self.longestOpenLine { closeLine() }
    setOpenLine()
  }

  /// Ends the open message, with a note under it.
  package mutating func end(note: String?) {
    guard var message = open else { return }
    if message.line.isEmpty {
      drop(from: message.start)
    } else {
      closeLine()
      message = open ?? message
    }
    if message.reader.isInCode { add(Paragraph(), .codeBottom(message.id)) }
    open = nil
    for line in (note ?? "").split(separator: "\n") {
      add(Paragraph(String(line), Style(.dim), indent: Self.indent), .note(message.id))
    }
    add(Paragraph(), .blank)
  }

  /// The lines of a message, from its header to its note.
  package func lines(of id: MessageID) -> Range<Int>? {
    guard let first = blocks.firstIndex(where: { $0.message == id }),
      let last = blocks.lastIndex(where: { $0.message == id })
    else { return nil }
    return flow.lineRange(ofParagraph: first)
      .lowerBound..<flow.lineRange(ofParagraph: last).upperBound
  }

  /// The paragraph and block that hold a line.
  package func block(atLine line: Int) -> (paragraph: Int, block: Block)? {
    guard line >= 0, line < lineCount, let index = flow.paragraph(atLine: line),
      blocks.indices.contains(index)
    else { return nil }
    return (index, blocks[index])
  }

  /// Lines whose text holds `query`, whatever the case.
  package func matches(of query: String) -> [Int] {
    let needle = query.lowercased()
    guard !needle.isEmpty else { return [] }
    return (0..<lineCount).filter { line in
      guard let text = flow.line(line) else { return false }
      return text.plain.lowercased().contains(needle)
    }
  }

  private mutating func add(_ paragraph: Paragraph, _ block: Block) {
    flow.append(paragraph)
    blocks.append(block)
    paragraphsSet += 1
  }

  private mutating func drop(from index: Int) {
    flow.removeParagraphs(from: index)
    blocks.removeSubrange(min(index, blocks.count)...)
  }

  /// - Parameter separator: bytes of the line end.
  private mutating func closeLine(separator: Int = 0) {
    guard var message = open else { return }
    drop(from: message.start)
    set(message.line, of: message.id, from: message.lineStart, with: &message.reader)
    message.lineStart += message.line.utf8.count + separator
    message.line = ""
    message.start = blocks.count
    open = message
  }

  private mutating func setOpenLine() {
    guard let message = open else { return }
    drop(from: message.start)
    guard !message.line.isEmpty else { return }
    var reader = message.reader
    set(message.line, of: message.id, from: message.lineStart, with: &reader)
  }

  /// A line whose guessed parts are underlined.
  private func tinted(_ line: String, from start: Int, _ ranges: [Range<Int>]) -> StyledText {
    var text = StyledText()
    let bytes = Array(line.utf8)
    var place = 0
    for range in ranges where range.upperBound > start && range.lowerBound < start + bytes.count {
      let low = max(place, range.lowerBound - start)
      let high = min(bytes.count, range.upperBound - start)
      guard low < high else { continue }
      text.append(String(decoding: bytes[place..<low], as: UTF8.self))
      text.append(
        String(decoding: bytes[low..<high], as: UTF8.self), Style(.graphSecond).underlined)
      place = high
    }
    text.append(String(decoding: bytes[place...], as: UTF8.self))
    return text
  }

  private mutating func set(
    _ line: String, of id: MessageID, from start: Int, with reader: inout MarkdownReader
  ) {
    if isRaw {
      add(Paragraph(StyledText(line), firstIndent: Self.indent, controls: .raw), .body(id))
      return
    }
    if isTinted, let ranges = drafted[id] {
      add(Paragraph(tinted(line, from: start, ranges), firstIndent: Self.indent), .body(id))
      return
    }
    // Models like to begin with a space, which means nothing at the start of a message.
    let isFirst = blocks.last == .header(id)
    let shown = isFirst ? Substring(line).drop { $0 == " " } : Substring(line)
    switch reader.read(shown, indent: Self.indent) {
    case .text(let paragraph): add(paragraph, .body(id))
    case .codeStart(let language): add(Paragraph(), .codeTop(id, language: language))
    case .codeEnd: add(Paragraph(), .codeBottom(id))
    case .code(let code):
      // Rows of a box are cut here, since the flow knows no right edge of its own for them.
      let inside = Paragraph(StyledText(code, Style(.code)), breaksAnywhere: true)
      for row in inside.lines(width: max(1, width - Self.indent - 4)) {
        add(Paragraph(row, firstIndent: Self.indent + 2, breaksAnywhere: true), .code(id))
      }
    }
  }
}
