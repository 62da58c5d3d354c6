import TestSupport

/// What the measurement reads off the playground's screen.
struct PlaygroundView {
  let screen: ScreenModel

  /// The text in the prompt, which must be one line without spaces; nil where no prompt is shown.
  var prompt: String? {
    for y in (0..<screen.rows).reversed() {
      var line = Substring(screen.line(y))
      if line.hasPrefix("│ ") { line = line.dropFirst(2) }
      if line.hasPrefix("> ") { return String(line.dropFirst(2).prefix { $0 != " " }) }
    }
    return nil
  }

  /// The picked knob with its value, as the pane or the strip shows it, and the row where it stands.
  ///
  /// - Parameter nearRow: the only row to look at, with its neighbours; nil for all.
  func knob(nearRow: Int? = nil) -> (text: String, row: Int)? {
    let rows = nearRow.map { max(0, $0 - 1)..<min(screen.rows, $0 + 2) } ?? 0..<screen.rows
    for y in rows {
      let line = screen.line(y)
      if let match = line.firstMatch(of: /▸ ((?:temp|top-k) +[-0-9.of]+)\s/) {
        return (String(match.output.1), y)
      }
      if let match = line.firstMatch(of: /\[((?:temp|top-k) [-0-9.of]+)\]/) {
        return (String(match.output.1), y)
      }
    }
    return nil
  }

  /// Whether keys are text for the prompt.
  var isTyping: Bool {
    (max(0, screen.rows - 8)..<screen.rows).contains { screen.line($0).contains("[INS]") }
  }

  /// Whether the chat stands still while text comes, as its title tells.
  var isScrolledBack: Bool { screen.line(1).contains("G follow") }

  /// Whether the chat has a title and is longer than its pane, so that scrolling back is possible and seen.
  var canScrollBack: Bool {
    screen.line(1).contains(" follow ") && !screen.line(2).contains("│ you   ")
  }

  /// Steps of the picture that is painted, and all of them.
  var steps: (used: Int, capacity: Int)? {
    for y in 0..<screen.rows {
      guard let match = screen.line(y).firstMatch(of: /step (\d+) of (\d+)/),
        let used = Int(match.output.1), let capacity = Int(match.output.2)
      else { continue }
      return (used, capacity)
    }
    return nil
  }

  /// Positions of the context that are taken, and all of them.
  var context: (used: Int, capacity: Int)? {
    guard let match = screen.line(0).firstMatch(of: /ctx (\d+)\/(\d+)/),
      let used = Int(match.output.1), let capacity = Int(match.output.2)
    else { return nil }
    return (used, capacity)
  }
}
