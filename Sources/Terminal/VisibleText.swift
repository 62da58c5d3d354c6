/// Makes text safe to paint: nothing that a terminal could obey is left in it.
package enum VisibleText {
  /// How characters that must not reach the terminal are shown.
  package enum ControlDisplay: Sendable {
    /// As U+FFFD; tabs and line ends as spaces.
    case replaced

    /// In caret notation such as `^[`, code points such as `<202E>` for the invisible ones.
    case raw
  }

  /// Decodes bytes as UTF-8; each invalid part becomes one U+FFFD.
  package static func decode(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self)
  }

  /// Whether a scalar may not reach a cell as it is.
  package static func isHostile(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0: true
    case 0x61C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    case 0xFFF9...0xFFFB, 0xE0001: true
    default: scalar.value & 0xFFFE == 0xFFFE || (0xFDD0...0xFDEF).contains(scalar.value)
    }
  }

  /// The clusters to paint for one cluster of the text; empty for what has no shape.
  package static func clusters(of character: Character, controls: ControlDisplay) -> [Character] {
    if let ascii = character.asciiValue, ascii >= 0x20, ascii < 0x7F, character != "\r\n" {
      return [character]
    }
    let scalars = character.unicodeScalars
    if scalars.contains(where: isHostile) {
      return scalars.flatMap { Array(shown($0, controls: controls)) }
    }
    if let only = scalars.first, scalars.count == 1, CharacterWidth.columns(only) == 0 {
      if CharacterWidth.isMark(only) { return [character] }
      return controls == .raw ? Array(codePoint(only)) : []
    }
    return [character]
  }

  /// The whole text with hostile characters replaced; line ends stay when `keepsLines` is set.
  package static func sanitize(
    _ text: String, controls: ControlDisplay = .replaced, keepsLines: Bool = true
  ) -> String {
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for character in text {
      if keepsLines, character == "\n" || character == "\r\n" {
        result.append("\n")
      } else if keepsLines, character == "\t" {
        result.append(character)
      } else {
        result.append(contentsOf: clusters(of: character, controls: controls))
      }
    }
    return result
  }

  private static func shown(_ scalar: Unicode.Scalar, controls: ControlDisplay) -> String {
    switch (controls, scalar.value) {
    case (.replaced, 0x09...0x0D), (.replaced, 0x2028...0x2029): " "
    case (.replaced, _): isHostile(scalar) ? "\u{FFFD}" : String(scalar)
    case (.raw, 0..<0x20): "^" + String(Unicode.Scalar(UInt8(scalar.value) + 0x40))
    case (.raw, 0x7F): "^?"
    case (.raw, _): isHostile(scalar) ? codePoint(scalar) : String(scalar)
    }
  }

  private static func codePoint(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return "<" + String(repeating: "0", count: max(0, 2 - digits.count)) + digits + ">"
  }
}
