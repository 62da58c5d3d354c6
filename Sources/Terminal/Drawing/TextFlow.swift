/// Paragraphs set to a width, with the lines of each kept until it changes.
///
/// Appending to the end costs the wrapping of the last paragraph only; finding a line is a binary
/// search; drawing touches the visible lines only.
package struct TextFlow: Sendable {
  package private(set) var width: Int
  package private(set) var paragraphs: [Paragraph] = []
  private var lines: [[StyledText]] = []

  /// The number of the first line of each paragraph, and the line count at the end.
  private var starts: [Int] = [0]

  package init(width: Int, paragraphs: [Paragraph] = []) {
    self.width = max(1, width)
    for paragraph in paragraphs { append(paragraph) }
  }

  package var lineCount: Int { starts[starts.count - 1] }

  /// Changes the width; every paragraph is set anew if it differs.
  package mutating func setWidth(_ width: Int) {
    guard max(1, width) != self.width else { return }
    self.width = max(1, width)
    lines = paragraphs.map { $0.lines(width: self.width) }
    recount(from: 0)
  }

  package mutating func append(_ paragraph: Paragraph) {
    paragraphs.append(paragraph)
    lines.append(paragraph.lines(width: width))
    starts.append(lineCount + lines[lines.count - 1].count)
  }

  /// Adds text to the last paragraph; each line end in it starts a new one set in the same way.
  package mutating func append(_ text: String, _ style: Style = .plain) {
    let parts = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    if paragraphs.isEmpty { append(Paragraph()) }
    for (index, part) in parts.enumerated() {
      let last = paragraphs.count - 1
      if index > 0 {
        var next = paragraphs[last]
        next.text = StyledText(String(part), style)
        next.firstIndent = next.indent
        append(next)
      } else if !part.isEmpty {
        paragraphs[last].text.append(String(part), style)
        reset(last)
      }
    }
  }

  /// Replaces one paragraph.
  package mutating func replace(_ index: Int, with paragraph: Paragraph) {
    guard paragraphs.indices.contains(index), paragraphs[index] != paragraph else { return }
    paragraphs[index] = paragraph
    reset(index)
  }

  /// Removes the paragraphs from `index` on.
  package mutating func removeParagraphs(from index: Int) {
    guard index >= 0, index < paragraphs.count else { return }
    paragraphs.removeSubrange(index...)
    lines.removeSubrange(index...)
    starts.removeSubrange((index + 1)...)
  }

  /// The lines of a paragraph, as line numbers.
  package func lineRange(ofParagraph index: Int) -> Range<Int> {
    guard paragraphs.indices.contains(index) else { return lineCount..<lineCount }
    return starts[index]..<starts[index + 1]
  }

  /// The paragraph that holds a line; the last one for a number beyond the end, nil when empty.
  package func paragraph(atLine line: Int) -> Int? {
    guard !paragraphs.isEmpty else { return nil }
    var (low, high) = (0, paragraphs.count - 1)
    while low < high {
      let middle = (low + high + 1) / 2
      if starts[middle] <= line { low = middle } else { high = middle - 1 }
    }
    return low
  }

  /// One line by number; nil outside.
  package func line(_ number: Int) -> StyledText? {
    guard number >= 0, number < lineCount, let index = paragraph(atLine: number) else { return nil }
    return lines[index][number - starts[index]]
  }

  /// Draws the lines from `first` on into `rect`.
  package func draw(from first: Int, in rect: Rect, on frame: inout Frame) {
    frame.clipped(to: rect) { frame in
      for row in 0..<rect.height {
        guard let line = line(first + row) else { continue }
        frame.write(line, at: Point(x: rect.x, y: rect.y + row))
      }
    }
  }

  private mutating func reset(_ index: Int) {
    let before = lines[index].count
    lines[index] = paragraphs[index].lines(width: width)
    if lines[index].count != before { recount(from: index) }
  }

  private mutating func recount(from index: Int) {
    starts.removeSubrange((index + 1)...)
    for lines in lines[index...] { starts.append(starts[starts.count - 1] + lines.count) }
  }
}

extension TextFlow: Equatable {
  /// The lines follow from the paragraphs and the width.
  package static func == (left: TextFlow, right: TextFlow) -> Bool {
    left.width == right.width && left.paragraphs == right.paragraphs
  }
}
