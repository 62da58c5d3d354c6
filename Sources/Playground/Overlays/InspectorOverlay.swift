import Terminal

/// The exact prompt: what the model reads, special tokens marked, with ids on demand.
enum InspectorOverlay {
  static func draw(_ inspector: PromptInspector, _ state: PlaygroundState, on frame: inout Frame) {
    let area = overlayBox(
      "prompt: \(counted(inspector.tokens.count, "token"))",
      right: inspector.showsIDs ? "i text  y copy  Esc closes" : "i ids  y copy  Esc closes",
      width: min(frame.size.width, 110), height: frame.size.height - 2, on: &frame)
    let lines = state.inspectorLines(inspector)
    for (row, line) in lines.dropFirst(inspector.top).prefix(area.height).enumerated() {
      frame.write(line, at: area.row(row).origin, width: area.width, controls: .raw)
    }
  }
}

extension PlaygroundState {
  /// The lines of the raw view at the present width.
  func inspectorLines(_ inspector: PromptInspector) -> [StyledText] {
    let width = max(8, min(size.width, 110) - 4)
    if inspector.showsIDs {
      return inspector.tokens.enumerated().map { Self.idLine($1, number: $0) }
    }
    var lines: [StyledText] = []
    var paragraph = StyledText()
    func end() {
      lines += Paragraph(paragraph, controls: .raw).lines(width: width)
      paragraph = StyledText()
    }
    for token in inspector.tokens {
      if token.isSpecial {
        paragraph.append(token.text, Style(.badge).reversed)
        continue
      }
      let parts = token.text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      for (index, part) in parts.enumerated() {
        if index > 0 {
          paragraph.append("\\n", Style(.dim))
          end()
        }
        paragraph.append(String(part))
      }
    }
    end()
    return lines
  }

  private static func idLine(_ token: PromptInspector.Token, number: Int) -> StyledText {
    func right(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    var line = StyledText(right(String(number), 6), Style(.dim))
    line.append(right(String(token.id), 9), Style(.accent))
    line.append("  ")
    let text = token.text.replacing("\n", with: "\\n").replacing("\t", with: "\\t")
    line.append(
      token.isSpecial ? text : "\"\(text)\"", token.isSpecial ? Style(.badge).reversed : .plain)
    return line
  }
}
