import Terminal
import Testing

@Suite struct ThemeTests {
  @Test(arguments: ColorDepth.allCases, [false, true])
  func rolesResolveToWhatTheDepthCanShow(depth: ColorDepth, isLight: Bool) {
    let theme = Theme(depth: depth, isLight: isLight)
    for role in Role.allCases {
      let style = theme.resolve(Style(role))
      for color in [style.foreground, style.background].compactMap({ $0 }) {
        guard case .indexed(let index) = color else {
          Issue.record("\(role) resolves to \(color)")
          continue
        }
        #expect(Int(index) < depth.rawValue)
      }
      if depth == .none { #expect(style.foreground == nil && style.background == nil) }
    }
  }

  @Test func statesStayVisibleWithoutColour() {
    let theme = Theme(depth: .none)
    #expect(theme.resolve(Style(.selection)).reverse)
    #expect(theme.resolve(Style(.search)).reverse && theme.resolve(Style(.search)).bold)
    for role in [Role.error, .warning, .focusedBorder, .tick, .user] {
      #expect(theme.resolve(Style(role)) != theme.resolve(Style(.text)), "\(role)")
    }
    #expect(theme.resolve(Style(foreground: .rgb(1, 2, 3), background: .indexed(9))) == .plain)
  }

  @Test func greyIsSeenOnALightGround() {
    for role in [Role.hint, .border, .dim] {
      #expect(Theme(depth: .eight, isLight: true)[role].foreground == .indexed(0))
      #expect(Theme(depth: .sixteen, isLight: true)[role].foreground == .indexed(8))
      #expect(Theme(depth: .eight)[role].foreground == .indexed(7))
    }
  }

  @Test func trueColoursBecomeTheNearestOfFewer() {
    let style = Style(foreground: .rgb(255, 0, 0), background: .rgb(128, 128, 128))
    #expect(Theme(depth: .full).resolve(style) == style)
    #expect(
      Theme(depth: .palette).resolve(style)
        == Style(foreground: .indexed(196), background: .indexed(244)))
    #expect(
      Theme(depth: .sixteen).resolve(style)
        == Style(foreground: .indexed(9), background: .indexed(8)))
    #expect(Theme(depth: .eight).resolve(style).foreground == .indexed(1))
  }
}

@Suite struct TerminalProfileTests {
  private func depth(
    _ preference: ColorPreference, _ environment: [String: String], colors: Int = 256
  ) -> ColorDepth {
    TerminalProfile(environment: environment, isUTF8: true)
      .colorDepth(preference, colors: colors, isDirect: false)
  }

  @Test func noColorIsHonouredUnlessAFlagSaysOtherwise() {
    #expect(depth(.auto, ["NO_COLOR": "1"]) == .none)
    #expect(depth(.auto, ["NO_COLOR": ""]) == .palette)
    #expect(depth(.palette, ["NO_COLOR": "1"]) == .palette)
    #expect(depth(.never, [:]) == .none)
    #expect(depth(.auto, [:], colors: 8) == .eight)
    #expect(depth(.full, [:], colors: 16) == .sixteen)
    #expect(depth(.auto, [:], colors: -1) == .none)
  }

  @Test func glyphsFollowLocaleAndTerminal() {
    #expect(GlyphSet.best(isUTF8: false, terminal: "xterm-256color") == .ascii)
    #expect(GlyphSet.best(isUTF8: true, terminal: "linux") == .tty)
    #expect(GlyphSet.best(isUTF8: true, terminal: "vt100") == .ascii)
    #expect(GlyphSet.best(isUTF8: true, terminal: "tmux-256color") == .block)
  }

  @Test func xtermSequencesGoToItsFamilyOnly() {
    for name in [
      "xterm", "screen-256color", "tmux", "foot", "st-256color", "rxvt-unicode", "mlterm",
    ] {
      #expect(TerminalProfile(environment: ["TERM": name], isUTF8: true).isXtermLike, "\(name)")
    }
    for name in ["linux", "vt100", "vt220", "dumb", "sun", "stterm2", ""] {
      #expect(!TerminalProfile(environment: ["TERM": name], isUTF8: true).isXtermLike, "\(name)")
    }
    #expect(TerminalProfile(environment: [:], isUTF8: true).isDumb)
  }

  @Test func lightBackgroundsAreReadFromTheEnvironment() {
    let light = TerminalProfile(environment: ["COLORFGBG": "0;15"], isUTF8: true)
    let dark = TerminalProfile(environment: ["COLORFGBG": "15;0"], isUTF8: true)
    #expect(light.hasLightBackground && !dark.hasLightBackground)
  }

  @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("日", "5pel")])
  func base64IsStandard(text: String, encoded: String) {
    #expect(String(decoding: Clipboard.base64(Array(text.utf8)), as: UTF8.self) == encoded)
  }
}
