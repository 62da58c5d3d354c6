import CNcurses

/// The sequences that switch the terminal's features on and off, for one terminal.
struct TerminalStrings {
  private let profile: TerminalProfile

  /// Ends the alternate screen, shows the cursor, resets attributes: from terminfo.
  private let reset: [UInt8]

  /// Sent when ncurses has given the screen back.
  let afterLeaving: [UInt8]

  init(profile: TerminalProfile) {
    self.profile = profile
    var bytes: [UInt8] = []
    for name in ["sgr0", "op", "cnorm"] { bytes += TerminalStrings.capability(name) }
    let leave = TerminalStrings.capability("rmcup")
    // Without an alternate screen the shell's prompt goes below what was painted.
    afterLeaving = leave.isEmpty ? Array("\r\n".utf8) : []
    reset = bytes + (leave.isEmpty ? Array("\u{1B}[999B\r\n".utf8) : leave)
  }

  static var canPlaceCursor: Bool { !capability("cup").isEmpty && !capability("clear").isEmpty }

  /// Sent after ncurses took over the screen.
  func enter(hasMouse: Bool, title: String?) -> [UInt8] {
    guard profile.isXtermLike else { return [] }
    var text = "\u{1B}[?2004h"
    if profile.isXterm { text += TerminalStrings.metaOn }
    if hasMouse { text += TerminalStrings.mouseOn }
    if let title { text += "\u{1B}[22;0t" + TerminalStrings.titleSequence(title) }
    return Array(text.utf8)
  }

  /// Undoes `enter`.
  func leave(hasMouse: Bool, title: String?) -> [UInt8] {
    guard profile.isXtermLike else { return [] }
    var text = "\u{1B}[?2026l"
    if hasMouse { text += TerminalStrings.mouseOff }
    if profile.isXterm { text += TerminalStrings.metaOff }
    text += "\u{1B}[?2004l"
    if title != nil { text += "\u{1B}[23;0t" }
    return Array(text.utf8)
  }

  /// Everything to send when the programme dies inside the screen.
  func restore(hasMouse: Bool, title: String?) -> [UInt8] {
    leave(hasMouse: hasMouse, title: title) + reset
  }

  static let mouseOn = "\u{1B}[?1002h\u{1B}[?1006h"
  static let mouseOff = "\u{1B}[?1006l\u{1B}[?1002l"

  /// Alt sends an escape before the key; how that was before is saved and restored.
  private static let metaOn = "\u{1B}[?1036s\u{1B}[?1036h"
  private static let metaOff = "\u{1B}[?1036r"

  static func titleSequence(_ title: String) -> String {
    let safe = VisibleText.sanitize(String(title.prefix(120)), keepsLines: false)
    return "\u{1B}]2;\(safe)\u{07}"
  }

  /// A string of terminfo without its delays; empty where the terminal has none.
  private static func capability(_ name: String) -> [UInt8] {
    // Sound: the string belongs to the terminal's entry and is copied at once.
    guard let value = unsafe cn_string(name) else { return [] }
    return withoutDelays(unsafe Array(String(cString: value).utf8))
  }

  /// Removes padding such as `$<5/>`.
  static func withoutDelays(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == 0x24, index + 1 < bytes.count, bytes[index + 1] == 0x3C,
        let end = bytes[index...].firstIndex(of: 0x3E)
      {
        index = end + 1
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return result
  }

  /// The keys that terminfo names, where they are sequences.
  static func keySequences() -> [[UInt8]: Key] {
    var names: [(String, Key)] = [
      ("kcuu1", .up), ("kcud1", .down), ("kcub1", .left), ("kcuf1", .right), ("khome", .home),
      ("kend", .end), ("kpp", .pageUp), ("knp", .pageDown), ("kich1", .insert), ("kdch1", .delete),
      ("kcbt", .backtab),
    ]
    for number in 1...12 { names.append(("kf\(number)", .function(number))) }
    var table: [[UInt8]: Key] = [:]
    for (name, key) in names {
      let bytes = capability(name)
      if bytes.count > 2, bytes[0] == 0x1B { table[bytes] = key }
    }
    return table
  }
}
