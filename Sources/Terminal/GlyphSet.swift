/// Which characters the screen is drawn with: chosen once, by locale and terminal.
package enum GlyphSet: String, Sendable, CaseIterable {
  /// Bytes below 128 only, for the C locale.
  case ascii

  /// Line drawing and the shades that a Linux console font holds.
  case tty

  /// Line drawing and eighth blocks.
  case block

  /// Line drawing, eighth blocks for gauges, and braille dots for graphs.
  case braille

  /// The best set that a terminal is known to show.
  ///
  /// - Parameters:
  ///   - isUTF8: whether the locale's character set is UTF-8.
  ///   - terminal: the value of TERM.
  package static func best(isUTF8: Bool, terminal: String) -> GlyphSet {
    guard isUTF8 else { return .ascii }
    // Old hardware terminals decode no UTF-8 whatever the locale says.
    if terminal.hasPrefix("vt") || terminal == "ansi" || terminal == "dumb" { return .ascii }
    if terminal == "linux" || terminal.hasPrefix("linux-") || terminal.hasPrefix("cons25") {
      return .tty
    }
    return .block
  }

  /// The eight line-drawing characters of a box.
  package struct Border: Sendable {
    package let horizontal, vertical: Character
    package let topLeft, topRight, bottomLeft, bottomRight: Character
    package let teeLeft, teeRight: Character
  }

  package var border: Border {
    switch self {
    case .ascii:
      Border(
        horizontal: "-", vertical: "|", topLeft: "+", topRight: "+", bottomLeft: "+",
        bottomRight: "+", teeLeft: "+", teeRight: "+")
    case .tty:
      Border(
        horizontal: "─", vertical: "│", topLeft: "┌", topRight: "┐", bottomLeft: "└",
        bottomRight: "┘", teeLeft: "├", teeRight: "┤")
    case .block, .braille:
      Border(
        horizontal: "─", vertical: "│", topLeft: "╭", topRight: "╮", bottomLeft: "╰",
        bottomRight: "╯", teeLeft: "├", teeRight: "┤")
    }
  }

  /// Fill steps of a bar that grows to the right, from the thinnest to the full cell.
  package var barSteps: [Character] {
    switch self {
    case .ascii: ["#"]
    case .tty: ["█"]
    case .block, .braille: ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"]
    }
  }

  /// The unfilled part of a gauge.
  package var barEmpty: Character {
    switch self {
    case .ascii: "-"
    case .tty: "░"
    case .block, .braille: "·"
    }
  }

  /// Fill steps of a column that grows upwards, from the lowest to the full cell.
  package var columnSteps: [Character] {
    switch self {
    case .ascii: [".", ":", "-", "=", "+", "*", "#"]
    case .tty: ["▄", "█"]
    case .block, .braille: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    }
  }

  package var axisVertical: Character { self == .ascii ? "|" : "│" }
  package var axisHorizontal: Character { self == .ascii ? "-" : "─" }
  package var axisCorner: Character { self == .ascii ? "+" : "└" }

  /// The mark under a point of the graph at which something changed.
  package var tick: Character { self == .ascii ? "^" : "▲" }

  package var ellipsis: Character { self == .ascii ? "~" : "…" }
  package var bullet: Character { self == .ascii ? "*" : "•" }
  package var pointer: Character { self == .ascii || self == .tty ? ">" : "▸" }
  package var follow: Character { self == .ascii || self == .tty ? "v" : "▾" }
  package var check: Character { self == .ascii ? "x" : "√" }
  package var arrow: Character { self == .ascii ? ">" : "→" }
  package var scrollThumb: Character { self == .ascii ? "#" : "█" }
  package var scrollTrack: Character { self == .ascii ? "|" : "│" }
}
