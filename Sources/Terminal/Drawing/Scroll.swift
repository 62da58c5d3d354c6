/// Where a view of many lines stands: at the end and following it, or at a line.
package struct Scroll: Hashable, Sendable {
  /// The first visible line while not following.
  package private(set) var top: Int
  package private(set) var isFollowing: Bool

  /// Lines there were when following ended; the rest is new to the reader.
  private var seen: Int

  package init() {
    top = 0
    isFollowing = true
    seen = 0
  }

  /// The first line to draw.
  package func firstLine(lineCount: Int, height: Int) -> Int {
    let last = max(0, lineCount - height)
    return isFollowing ? last : min(top, last)
  }

  /// Lines that arrived below since following ended.
  package func newLines(lineCount: Int) -> Int {
    isFollowing ? 0 : max(0, lineCount - seen)
  }

  /// Moves by lines; any move up ends following, arriving at the end resumes it.
  package mutating func move(by lines: Int, lineCount: Int, height: Int) {
    let first = firstLine(lineCount: lineCount, height: height)
    show(line: first + lines, lineCount: lineCount, height: height)
  }

  /// Puts a line at the top, or as near as the end allows.
  package mutating func show(line: Int, lineCount: Int, height: Int) {
    let last = max(0, lineCount - height)
    if line >= last || last == 0 {
      follow()
    } else {
      if isFollowing { seen = lineCount }
      isFollowing = false
      top = max(0, line)
    }
  }

  /// Moves as little as needed to make a range of lines visible.
  package mutating func reveal(_ lines: Range<Int>, lineCount: Int, height: Int) {
    let first = firstLine(lineCount: lineCount, height: height)
    if lines.lowerBound < first {
      show(line: lines.lowerBound, lineCount: lineCount, height: height)
    } else if lines.upperBound > first + height {
      show(
        line: min(lines.lowerBound, lines.upperBound - height), lineCount: lineCount, height: height
      )
    }
  }

  /// Goes to the end and stays there.
  package mutating func follow() {
    isFollowing = true
  }
}
