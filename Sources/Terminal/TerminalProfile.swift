/// What the person asked of colour: a flag beats every variable.
package enum ColorPreference: String, Sendable, CaseIterable {
  case auto, never
  case eight = "8"
  case sixteen = "16"
  case palette = "256"
  case full = "true"
}

/// What is known of the terminal from its name and the environment, before anything is sent.
package struct TerminalProfile: Hashable, Sendable {
  /// The value of TERM; empty when unset.
  package let terminal: String
  package let isUTF8: Bool

  /// Whether it understands xterm's private modes: paste, mouse, title, clipboard.
  package let isXtermLike: Bool

  /// Whether it is xterm, or says so: one that may set the eighth bit for Alt.
  package let isXterm: Bool

  /// Whether it is known to hold back painting during a synchronized update.
  package let hasSynchronizedUpdate: Bool
  package let isTmux: Bool
  package let isScreen: Bool
  private let environment: [String: String]

  /// - Parameters:
  ///   - environment: the process's variables.
  ///   - isUTF8: whether the C library's character set is UTF-8.
  package init(environment: [String: String], isUTF8: Bool) {
    self.environment = environment
    self.isUTF8 = isUTF8
    terminal = environment["TERM"] ?? ""
    let name = terminal
    let families = [
      "xterm", "tmux", "screen", "rxvt", "foot", "alacritty", "kitty", "st-", "wezterm", "ghostty",
      "contour", "konsole", "vte", "gnome", "mintty", "iterm", "mlterm",
    ]
    isXtermLike = name == "st" || families.contains { name.hasPrefix($0) }
    isTmux = !(environment["TMUX"] ?? "").isEmpty || name.hasPrefix("tmux")
    isScreen = name.hasPrefix("screen") && !isTmux
    isXterm = name.hasPrefix("xterm") && !isTmux
    let known = [
      "foot", "alacritty", "xterm-kitty", "wezterm", "xterm-ghostty", "ghostty", "contour",
    ]
    let programs = ["WezTerm", "ghostty", "iTerm.app"]
    hasSynchronizedUpdate =
      !isTmux && !isScreen
      && (known.contains { name.hasPrefix($0) }
        || programs.contains(environment["TERM_PROGRAM"] ?? ""))
  }

  /// Whether a full screen makes no sense on it, whatever terminfo says.
  package var isDumb: Bool { terminal == "dumb" || terminal == "emacs" || terminal.isEmpty }

  /// The colours to use.
  ///
  /// - Parameters:
  ///   - colors: what terminfo says; 0 or less for none.
  ///   - isDirect: whether terminfo takes a colour by value.
  package func colorDepth(_ preference: ColorPreference, colors: Int, isDirect: Bool) -> ColorDepth
  {
    let possible: ColorDepth =
      isDirect
      ? .full
      : colors >= 256 ? .palette : colors >= 16 ? .sixteen : colors >= 8 ? .eight : .none
    switch preference {
    case .never: return .none
    case .eight: return min(possible, .eight)
    case .sixteen: return min(possible, .sixteen)
    case .palette: return min(possible, .palette)
    case .full: return possible
    case .auto: break
    }
    if !(environment["NO_COLOR"] ?? "").isEmpty { return .none }
    return possible
  }

  /// Whether the terminal claims true colour, so that a direct-colour entry may be tried.
  package var claimsTrueColor: Bool {
    ["truecolor", "24bit"].contains(environment["COLORTERM"] ?? "")
  }

  /// Whether the background is light, from COLORFGBG; false when it does not say.
  package var hasLightBackground: Bool {
    guard let last = (environment["COLORFGBG"] ?? "").split(separator: ";").last,
      let index = Int(last)
    else { return false }
    return index == 7 || index == 15
  }

  package var glyphs: GlyphSet { GlyphSet.best(isUTF8: isUTF8, terminal: terminal) }
}
