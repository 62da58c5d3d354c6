/// Writing to the clipboard through the terminal, and asking the terminal about itself.
extension Screen {
  package enum ClipboardResult: Hashable, Sendable {
    /// Sent; whether it arrived is the terminal's secret.
    case sent(through: String)

    /// Not sent; the reason is one line for a person.
    case refused(reason: String)
  }

  /// Sends text to the terminal's clipboard by OSC 52; nothing is ever read from it.
  package func copyToClipboard(_ text: String) -> ClipboardResult {
    guard isEntered else { return .refused(reason: "the screen is not open") }
    switch Clipboard.sequence(for: text, profile: profile) {
    case .success(let (bytes, route)):
      output.append(bytes)
      output.flush()
      return .sent(through: route)
    case .failure(let refusal): return .refused(reason: refusal.reason)
    }
  }

  /// Asks for the background colour, for synchronized updates and for pixels; the answers come as input.
  ///
  /// Give what `InputRouter.takeReplies` returns to `note`. A terminal that knows neither is silent.
  package func askTerminal() {
    guard profile.isXtermLike, !profile.isScreen, isEntered else { return }
    output.append("\u{1B}]11;?\u{1B}\\\u{1B}[?2026$p".utf8)
    output.append(pixels.question(isTmux: profile.isTmux))
    output.flush()
  }

  /// Takes answers to `askTerminal`; true if the look changed and a new frame is due.
  package func note(_ replies: [TerminalReply]) -> Bool {
    var changed = false
    for reply in replies {
      switch reply {
      case .mode(number: 2026, let state) where options.hasSynchronizedUpdate == nil:
        hasSynchronizedUpdate = state == 1 || state == 2
      case .color(number: 11, let red, let green, let blue):
        let isLight = 299 * red + 587 * green + 114 * blue > 127 * 1000
        theme = Theme(depth: theme.depth, isLight: isLight)
        last = nil
        changed = true
      default: if pixels.note(reply) { changed = true }
      }
    }
    return changed
  }
}

/// The bytes of a clipboard write.
package enum Clipboard {
  struct Refusal: Error {
    let reason: String
  }

  /// Many terminals drop a sequence of more than 100,000 bytes; base64 makes 4 of 3.
  static let limit = 74_000

  static func sequence(
    for text: String, profile: TerminalProfile
  ) -> Result<([UInt8], String), Refusal> {
    let bytes = Array(text.utf8)
    guard bytes.count <= limit else {
      return .failure(
        Refusal(reason: "\(bytes.count) bytes: terminals take at most \(limit) for the clipboard"))
    }
    guard profile.isXtermLike else {
      return .failure(Refusal(reason: "terminal type '\(profile.terminal)' has no clipboard"))
    }
    let plain = Array("\u{1B}]52;c;".utf8) + base64(bytes) + [0x07]
    if profile.isTmux {
      // tmux takes the plain form or passes the wrapped one, as its options say.
      var wrapped = Array("\u{1B}Ptmux;".utf8)
      for byte in plain { wrapped += byte == 0x1B ? [0x1B, 0x1B] : [byte] }
      return .success((plain + wrapped + [0x1B, 0x5C], "tmux"))
    }
    if profile.isScreen {
      // screen cuts device strings at 768 bytes, so each piece is wrapped on its own.
      var wrapped: [UInt8] = []
      for start in stride(from: 0, to: plain.count, by: 512) {
        wrapped += [0x1B, 0x50] + plain[start..<min(plain.count, start + 512)] + [0x1B, 0x5C]
      }
      return .success((wrapped, "screen"))
    }
    return .success((plain, "the terminal"))
  }

  package static func base64(_ bytes: [UInt8]) -> [UInt8] {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var result: [UInt8] = []
    result.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = Array(bytes[start..<min(start + 3, bytes.count)])
      let value =
        Int(group[0]) << 16 | (group.count > 1 ? Int(group[1]) << 8 : 0)
        | (group.count > 2 ? Int(group[2]) : 0)
      result.append(digits[value >> 18])
      result.append(digits[value >> 12 & 63])
      result.append(group.count > 1 ? digits[value >> 6 & 63] : 0x3D)
      result.append(group.count > 2 ? digits[value & 63] : 0x3D)
    }
    return result
  }
}
