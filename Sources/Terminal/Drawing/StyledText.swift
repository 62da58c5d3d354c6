/// A piece of text made of runs of one style each.
package struct StyledText: Hashable, Sendable {
  package struct Run: Hashable, Sendable {
    package var text: String
    package var style: Style

    package init(_ text: String, _ style: Style = .plain) {
      self.text = text
      self.style = style
    }
  }

  package var runs: [Run]

  package init(_ runs: [Run] = []) {
    self.runs = runs
  }

  package init(_ text: String, _ style: Style = .plain) {
    self.runs = text.isEmpty ? [] : [Run(text, style)]
  }

  package var isEmpty: Bool { runs.allSatisfy(\.text.isEmpty) }

  /// The text without its styles.
  package var plain: String { runs.map(\.text).joined() }

  /// The columns it takes on one line.
  package var columns: Int { runs.reduce(0) { $0 + CharacterWidth.columns($1.text) } }

  /// Adds text at the end, to the last run where the style is the same.
  package mutating func append(_ text: String, _ style: Style = .plain) {
    guard !text.isEmpty else { return }
    if let last = runs.indices.last, runs[last].style == style {
      runs[last].text += text
    } else {
      runs.append(Run(text, style))
    }
  }
}

extension Frame {
  /// Writes styled text on one row and returns the columns it used.
  @discardableResult
  package mutating func write(
    _ text: StyledText, at point: Point, width: Int? = nil,
    controls: VisibleText.ControlDisplay = .replaced
  ) -> Int {
    var used = 0
    for run in text.runs {
      used += write(
        run.text, at: Point(x: point.x + used, y: point.y), style: run.style,
        width: width.map { $0 - used }, controls: controls)
    }
    return used
  }
}
