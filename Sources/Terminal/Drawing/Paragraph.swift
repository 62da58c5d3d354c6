/// One paragraph of a text flow: styled text without line ends, and how it is set.
package struct Paragraph: Hashable, Sendable {
  package var text: StyledText

  /// Columns left free before the first line and before the others.
  package var firstIndent: Int
  package var indent: Int

  /// Breaks at the width instead of between words, as code is shown.
  package var breaksAnywhere: Bool
  package var controls: VisibleText.ControlDisplay

  package init(
    _ text: StyledText = StyledText(), firstIndent: Int = 0, indent: Int? = nil,
    breaksAnywhere: Bool = false, controls: VisibleText.ControlDisplay = .replaced
  ) {
    self.text = text
    self.firstIndent = firstIndent
    self.indent = indent ?? firstIndent
    self.breaksAnywhere = breaksAnywhere
    self.controls = controls
  }

  package init(_ text: String, _ style: Style = .plain, indent: Int = 0) {
    self.init(StyledText(text, style), firstIndent: indent)
  }

  /// The lines of the paragraph at a width; at least one, which may be empty.
  ///
  /// Breaks after spaces and hyphens and around wide characters; a word wider than the line is cut
  /// between clusters. Spaces at a break hang and are not shown.
  package func lines(width: Int) -> [StyledText] {
    let items = clusters()
    var lines: [StyledText] = []
    var start = 0
    repeat {
      let indent = lines.isEmpty ? firstIndent : self.indent
      // Deep indents give way before the text does.
      let shownIndent = min(indent, max(0, width - 8))
      let room = max(1, width - shownIndent)
      let end = lineEnd(items, from: start, room: room)
      var last = end
      var columns = items[start..<end].reduce(0) { $0 + $1.columns }
      while last > start, items[last - 1].isSpace, end < items.count || columns > room {
        last -= 1
        columns -= 1
      }
      lines.append(line(items[start..<last], indent: shownIndent))
      start = end
    } while start < items.count
    return lines
  }

  private struct Item {
    let cluster: Character
    let columns: Int
    let style: Style
    var isSpace: Bool { cluster == " " }
    var allowsBreakAfter: Bool { isSpace || cluster == "-" || columns == 2 }
  }

  private func clusters() -> [Item] {
    var items: [Item] = []
    var column = 0
    for run in text.runs {
      for character in run.text {
        if character == "\t" {
          repeat {
            items.append(Item(cluster: " ", columns: 1, style: run.style))
            column += 1
          } while column % 4 != 0
          continue
        }
        for cluster in VisibleText.clusters(of: character, controls: controls) {
          let columns = CharacterWidth.columns(cluster)
          items.append(Item(cluster: cluster, columns: columns, style: run.style))
          column += columns
        }
      }
    }
    return items
  }

  /// The index after the last item of the line that starts at `start`; always moves on.
  private func lineEnd(_ items: [Item], from start: Int, room: Int) -> Int {
    var used = 0
    var breakable: Int?
    var index = start
    while index < items.count {
      let item = items[index]
      if used + item.columns > room {
        if breaksAnywhere { return max(index, start + 1) }
        if item.isSpace {
          while index < items.count, items[index].isSpace { index += 1 }
          return index
        }
        if item.columns == 2, index > start { return index }
        return breakable ?? max(index, start + 1)
      }
      used += item.columns
      index += 1
      let next = index < items.count ? items[index] : nil
      // A space run hangs together; a break inside it would indent the next line.
      if item.allowsBreakAfter, next?.isSpace != true, used > 0 {
        breakable = hasInk(items[start..<index]) ? index : breakable
      } else if next?.columns == 2 {
        breakable = index
      }
    }
    return index
  }

  /// Whether a line holds more than its leading spaces, so that a break there is progress.
  private func hasInk(_ items: ArraySlice<Item>) -> Bool {
    items.contains { !$0.isSpace }
  }

  private func line(_ items: ArraySlice<Item>, indent: Int) -> StyledText {
    var line = StyledText()
    line.append(String(repeating: " ", count: indent))
    for item in items { line.append(String(item.cluster), item.style) }
    return line
  }
}
