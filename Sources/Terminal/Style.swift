/// A colour by meaning, by palette index, or by value.
package enum Color: Hashable, Sendable {
  /// What the theme chooses for this meaning.
  case role(Role)

  /// An entry of the 256-colour palette; 0 to 15 are the terminal's own colours.
  case indexed(UInt8)

  /// A true colour, shown as the nearest one where the terminal has fewer.
  case rgb(UInt8, UInt8, UInt8)
}

/// What a piece of the screen means; the theme decides how it looks.
package enum Role: UInt8, Hashable, Sendable, CaseIterable {
  case text, dim, accent, title, hint, key
  case user, assistant, system, reasoning
  case info, success, warning, error
  case graph, graphSecond, graphAxis, tick, gauge
  case border, focusedBorder, selection, search, code, disabled, badge
}

/// How a cell looks: colours and attributes.
package struct Style: Hashable, Sendable {
  /// The text's colour; nil is the terminal's own.
  package var foreground: Color?

  /// The colour behind the text; nil is the terminal's own.
  package var background: Color?
  package var bold: Bool
  package var dim: Bool
  package var italic: Bool
  package var underline: Bool
  package var reverse: Bool

  package init(
    foreground: Color? = nil, background: Color? = nil, bold: Bool = false, dim: Bool = false,
    italic: Bool = false, underline: Bool = false, reverse: Bool = false
  ) {
    self.foreground = foreground
    self.background = background
    self.bold = bold
    self.dim = dim
    self.italic = italic
    self.underline = underline
    self.reverse = reverse
  }

  /// The style of one meaning.
  package init(_ role: Role) {
    self.init(foreground: .role(role))
  }

  /// The terminal's own colours, no attributes.
  package static let plain = Style()

  package var bolded: Style { with(\.bold) }
  package var dimmed: Style { with(\.dim) }
  package var underlined: Style { with(\.underline) }
  package var reversed: Style { with(\.reverse) }

  private func with(_ attribute: WritableKeyPath<Style, Bool>) -> Style {
    var style = self
    style[keyPath: attribute] = true
    return style
  }
}
