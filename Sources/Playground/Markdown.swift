import Terminal

/// Light markdown, one source line at a time: headings, lists, quotes, fenced code, bold, italic and code spans.
///
/// The only state between lines is an open fence, so a finished line is never read again.
package struct MarkdownReader: Sendable, Equatable {
  /// What a source line became.
  package enum Line: Sendable, Equatable {
    case text(Paragraph)
    /// The first line of a code block, with the language after the fence.
    case codeStart(language: String)
    case code(String)
    case codeEnd
  }

  /// Whether the next line lies inside a fenced block.
  package private(set) var isInCode = false
  private var fence: Character = "`"

  package init() {}

  /// Reads a line; call on a copy for a line that may still grow.
  package mutating func read(_ line: Substring, indent: Int) -> Line {
    let trimmed = line.drop { $0 == " " }
    if let mark = trimmed.first, mark == "`" || mark == "~",
      trimmed.prefix(while: { $0 == mark }).count >= 3
    {
      let rest = trimmed.drop { $0 == mark }
      if isInCode {
        if mark == fence, rest.allSatisfy({ $0 == " " }) {
          isInCode = false
          return .codeEnd
        }
      } else if !rest.contains("`") {
        isInCode = true
        fence = mark
        return .codeStart(language: String(rest.filter { $0 != " " }.prefix(16)))
      }
    }
    if isInCode { return .code(String(line)) }
    return .text(Self.paragraph(trimmed, spaces: line.count - trimmed.count, indent: indent))
  }

  private static func paragraph(_ line: Substring, spaces: Int, indent: Int) -> Paragraph {
    let level = line.prefix { $0 == "#" }.count
    if (1...6).contains(level), line.dropFirst(level).first == " " {
      let title = inline(line.dropFirst(level + 1), Style(.title).bolded)
      return Paragraph(title, firstIndent: indent)
    }
    let nested = indent + min(spaces, 12)
    if let marker = bullet(of: line) {
      var text = StyledText(marker, Style(.accent))
      for run in inline(line.dropFirst(marker.count), .plain).runs {
        text.append(run.text, run.style)
      }
      return Paragraph(text, firstIndent: nested, indent: nested + marker.count)
    }
    if line.first == ">" {
      let quoted = line.dropFirst().drop { $0 == " " }
      var text = StyledText("> ", Style(.dim))
      for run in inline(quoted, Style(.dim)).runs { text.append(run.text, run.style) }
      return Paragraph(text, firstIndent: indent, indent: indent + 2)
    }
    return Paragraph(inline(line, .plain), firstIndent: nested, indent: indent)
  }

  /// `- `, `* `, `+ ` or `12. ` at the start of a line.
  private static func bullet(of line: Substring) -> String? {
    if let first = line.first, "-*+".contains(first), line.dropFirst().first == " " {
      return "\(first) "
    }
    let digits = line.prefix { $0.isASCII && $0.isNumber }
    guard (1...3).contains(digits.count) else { return nil }
    let rest = line.dropFirst(digits.count)
    guard rest.first == "." || rest.first == ")", rest.dropFirst().first == " " else { return nil }
    return String(digits) + String(rest.prefix(2))
  }

  /// Bold, italic and code spans of one line; a mark without its partner stays as it is.
  static func inline(_ text: Substring, _ base: Style) -> StyledText {
    var result = StyledText()
    var rest = text
    var previous: Character = " "
    while let first = rest.first {
      if first == "`" || first == "*" || first == "_",
        let span = span(at: rest, mark: first, after: previous)
      {
        result.append(String(span.content), style(of: span, base))
        rest = rest[span.end...]
        previous = first
        continue
      }
      let plain = rest.dropFirst().prefix { $0 != "`" && $0 != "*" && $0 != "_" }
      result.append(String(first) + plain, base)
      previous = plain.last ?? first
      rest = rest[plain.endIndex...]
    }
    return result
  }

  private struct InlineSpan {
    let content: Substring
    let end: Substring.Index
    let mark: Character
    let count: Int
  }

  private static func style(of span: InlineSpan, _ base: Style) -> Style {
    if span.mark == "`" { return Style(.code) }
    var style = base
    if span.count >= 2 { style.bold = true }
    if span.count != 2 { style.italic = true }
    return style
  }

  private static func span(at text: Substring, mark: Character, after previous: Character)
    -> InlineSpan?
  {
    let opening = text.prefix { $0 == mark }
    let count = opening.count
    let isCode = mark == "`"
    guard count <= 3, isCode || !(mark == "_" && (previous.isLetter || previous.isNumber)) else {
      return nil
    }
    let start = opening.endIndex
    guard start < text.endIndex, isCode || text[start] != " " else { return nil }
    var index = start
    while index < text.endIndex {
      guard text[index] == mark else {
        index = text.index(after: index)
        continue
      }
      let closing = text[index...].prefix { $0 == mark }
      let before = text[text.index(before: index)]
      let next = closing.endIndex < text.endIndex ? text[closing.endIndex] : " "
      let closes = isCode || (before != " " && !(mark == "_" && (next.isLetter || next.isNumber)))
      if closing.count == count, index > start, closes {
        return InlineSpan(
          content: text[start..<index], end: closing.endIndex, mark: mark, count: count)
      }
      index = closing.endIndex
    }
    return nil
  }

  /// The fenced blocks of a whole text, in order.
  package static func codeBlocks(in text: String) -> [String] {
    var reader = MarkdownReader()
    var blocks: [String] = []
    var open: [String]?
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      switch reader.read(line, indent: 0) {
      case .codeStart: open = []
      case .code(let code): open?.append(code)
      case .codeEnd:
        blocks.append((open ?? []).joined(separator: "\n"))
        open = nil
      case .text: break
      }
    }
    if let open { blocks.append(open.joined(separator: "\n")) }
    return blocks
  }
}
