/// An answer of the terminal to a question about itself.
package enum TerminalReply: Hashable, Sendable {
  /// A dynamic colour, by its number in the query (11 is the background), components 0 to 255.
  case color(number: Int, red: Int, green: Int, blue: Int)

  /// The state of a private mode: 0 unknown, 1 set, 2 reset, 3 always set, 4 always reset.
  case mode(number: Int, state: Int)

  /// The cursor's position, counted from 1.
  case cursor(row: Int, column: Int)

  /// Device attributes: any terminal answers this, so it ends a wait for the others.
  case attributes([Int])

  /// Whether what was asked by kitty's graphics protocol under a number is understood.
  case graphics(number: Int, isSupported: Bool)

  /// Reads `Gi=31;OK`, in which other keys may stand beside the number.
  init?(graphicsReply bytes: [UInt8]) {
    let text = VisibleText.decode(bytes)
    guard bytes.count <= 64, text.hasPrefix("G"), let semicolon = text.firstIndex(of: ";") else {
      return nil
    }
    let keys = text[..<semicolon].dropFirst().split(separator: ",")
    let numbers = keys.filter { $0.hasPrefix("i=") }.map { $0.dropFirst(2) }
    guard numbers.count == 1, numbers[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let number = Int(numbers[0])
    else { return nil }
    self = .graphics(number: number, isSupported: text[semicolon...] == ";OK")
  }

  /// Reads `11;rgb:RRRR/GGGG/BBBB`, one to four digits a component.
  init?(colorReply bytes: [UInt8]) {
    let text = VisibleText.decode(bytes)
    guard let semicolon = text.firstIndex(of: ";"), let number = Int(text[..<semicolon]) else {
      return nil
    }
    let value = text[text.index(after: semicolon)...]
    guard let colon = value.firstIndex(of: ":"), value.hasPrefix("rgb") else { return nil }
    let parts = value[value.index(after: colon)...].split(
      separator: "/", omittingEmptySubsequences: false)
    let components = parts.prefix(3).compactMap { part -> Int? in
      guard (1...4).contains(part.utf8.count), let raw = Int(part, radix: 16), raw >= 0 else {
        return nil
      }
      let largest = (1 << (4 * part.utf8.count)) - 1
      return raw * 255 / largest
    }
    guard components.count == 3, parts.count <= 4 else { return nil }
    self = .color(number: number, red: components[0], green: components[1], blue: components[2])
  }
}
