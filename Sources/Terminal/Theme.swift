/// How many colours the terminal shows.
package enum ColorDepth: Int, Comparable, Sendable, CaseIterable {
  case none = 0
  case eight = 8
  case sixteen = 16
  case palette = 256
  case full = 16_777_216

  package static func < (left: ColorDepth, right: ColorDepth) -> Bool {
    left.rawValue < right.rawValue
  }
}

/// The look of every role, for one colour depth.
///
/// Roles that carry a state (error, selection, focus) also have an attribute, so that they stay
/// visible without colour; panes put a word or a glyph beside them as well.
package struct Theme: Sendable {
  package let depth: ColorDepth
  private let styles: [Style]

  /// - Parameter isLight: whether the terminal's background is light.
  package init(depth: ColorDepth, isLight: Bool = false) {
    self.depth = depth
    self.styles = Role.allCases.map { role in
      var style = Theme.attributes(of: role, depth: depth)
      let (foreground, background) = Theme.colors(of: role, isLight: isLight)
      style.foreground = foreground.flatMap { Theme.limit($0.color(at: depth), to: depth) }
      style.background = background.flatMap { Theme.limit($0.color(at: depth), to: depth) }
      return style
    }
  }

  /// The look of a role: no `.role` colours inside, none that the depth cannot show.
  package subscript(role: Role) -> Style { styles[Int(role.rawValue)] }

  /// The style with its roles replaced and its colours brought down to what the depth can show.
  package func resolve(_ style: Style) -> Style {
    var result = style
    if case .role(let role) = style.foreground {
      let look = self[role]
      result.foreground = look.foreground
      if style.background == nil { result.background = look.background }
      result.bold = style.bold || look.bold
      result.dim = style.dim || look.dim
      result.italic = style.italic || look.italic
      result.underline = style.underline || look.underline
      result.reverse = style.reverse != look.reverse
    } else {
      result.foreground = style.foreground.flatMap { Theme.limit($0, to: depth) }
    }
    if case .role(let role) = style.background {
      let look = self[role]
      result.background = look.background ?? look.foreground
      if depth == .none { result.reverse = true }
    } else if let background = style.background {
      result.background = Theme.limit(background, to: depth)
    }
    return result
  }

  /// A colour for few colours, one for 256, one for true colour.
  private struct Shade {
    let few: UInt8
    let many: UInt8

    func color(at depth: ColorDepth) -> Color {
      depth >= .palette ? .indexed(many) : .indexed(depth == .eight ? few % 8 : few)
    }
  }

  private static func colors(of role: Role, isLight: Bool) -> (Shade?, Shade?) {
    func shade(_ few: UInt8, dark: UInt8, light: UInt8) -> Shade {
      Shade(few: few, many: isLight ? light : dark)
    }
    return switch role {
    case .text, .assistant, .key, .title, .disabled, .hint, .dim: (grey(role, isLight), nil)
    case .accent, .focusedBorder, .badge: (shade(6, dark: 80, light: 30), nil)
    case .user: (shade(4, dark: 111, light: 25), nil)
    case .system: (shade(5, dark: 176, light: 90), nil)
    case .reasoning: (shade(5, dark: 139, light: 96), nil)
    case .info: (shade(6, dark: 117, light: 31), nil)
    case .success, .graph: (shade(2, dark: 114, light: 28), nil)
    case .warning, .tick: (shade(3, dark: 221, light: 130), nil)
    case .error: (shade(1, dark: 203, light: 160), nil)
    case .graphSecond: (shade(4, dark: 110, light: 32), nil)
    case .gauge: (shade(6, dark: 73, light: 37), nil)
    case .border, .graphAxis: (depthGrey(isLight), nil)
    case .code: (shade(3, dark: 180, light: 94), nil)
    case .selection, .search: (nil, nil)
    }
  }

  private static func grey(_ role: Role, _ isLight: Bool) -> Shade? {
    switch role {
    case .dim, .hint, .disabled: depthGrey(isLight)
    default: nil
    }
  }

  private static func depthGrey(_ isLight: Bool) -> Shade {
    // Of eight colours the only grey is too light for a light ground: black there.
    Shade(few: isLight ? 8 : 7, many: isLight ? 243 : 245)
  }

  private static func attributes(of role: Role, depth: ColorDepth) -> Style {
    switch role {
    case .title, .user, .key, .focusedBorder, .error, .badge: Style(bold: true)
    case .selection: Style(reverse: true)
    case .search: Style(bold: true, reverse: true)
    case .warning, .tick: Style(bold: depth <= .eight)
    case .dim, .hint, .disabled: Style(dim: depth == .none)
    case .reasoning: Style(italic: true)
    default: .plain
    }
  }

  private static func limit(_ color: Color, to depth: ColorDepth) -> Color? {
    switch (color, depth) {
    case (_, .none): nil
    case (.role, _): nil
    case (.rgb(let red, let green, let blue), .full): .rgb(red, green, blue)
    case (.rgb(let red, let green, let blue), _):
      limit(.indexed(Palette.nearest(red, green, blue)), to: depth)
    case (.indexed(let index), .palette), (.indexed(let index), .full): .indexed(index)
    case (.indexed(let index), .sixteen): .indexed(Palette.nearestOfSixteen(index))
    case (.indexed(let index), .eight): .indexed(Palette.nearestOfSixteen(index) % 8)
    }
  }
}

/// The usual values of the 256 terminal colours.
package enum Palette {
  private static let levels: [Int] = [0, 95, 135, 175, 215, 255]
  private static let first: [(Int, Int, Int)] = [
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205),
    (229, 229, 229), (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255),
    (255, 0, 255), (0, 255, 255), (255, 255, 255),
  ]

  /// The red, green and blue of a palette entry.
  package static func components(_ index: UInt8) -> (red: Int, green: Int, blue: Int) {
    let index = Int(index)
    if index < 16 { return first[index] }
    if index >= 232 {
      let grey = 8 + 10 * (index - 232)
      return (grey, grey, grey)
    }
    let cube = index - 16
    return (levels[cube / 36], levels[cube / 6 % 6], levels[cube % 6])
  }

  /// The entry of the colour cube or grey ramp nearest to a true colour.
  package static func nearest(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
    func step(_ value: UInt8) -> Int {
      value < 48 ? 0 : value < 115 ? 1 : (Int(value) - 35) / 40
    }
    let cube = 16 + 36 * step(red) + 6 * step(green) + step(blue)
    let average = (Int(red) + Int(green) + Int(blue)) / 3
    let grey = 232 + min(23, max(0, (average - 3) / 10))
    let target = (Int(red), Int(green), Int(blue))
    let best = distance(target, cube) <= distance(target, grey) ? cube : grey
    return UInt8(best)
  }

  /// The nearest of the sixteen terminal colours.
  package static func nearestOfSixteen(_ index: UInt8) -> UInt8 {
    if index < 16 { return index }
    let target = components(index)
    let best = (0..<16).min { distance(target, $0) < distance(target, $1) } ?? 7
    return UInt8(best)
  }

  private static func distance(_ color: (Int, Int, Int), _ index: Int) -> Int {
    let other = components(UInt8(index))
    let (red, green, blue) = (color.0 - other.red, color.1 - other.green, color.2 - other.blue)
    return 3 * red * red + 4 * green * green + 2 * blue * blue
  }
}
