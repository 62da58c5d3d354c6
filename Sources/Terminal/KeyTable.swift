/// The fixed part of the key sequences: final letters, tilde numbers, modifiers, mouse codes.
enum KeyTable {
  /// Final letters of `ESC [` and `ESC O`.
  static let letters: [UInt8: Key] = [
    0x41: .up, 0x42: .down, 0x43: .right, 0x44: .left, 0x46: .end, 0x48: .home,
    0x50: .function(1), 0x51: .function(2), 0x52: .function(3), 0x53: .function(4),
  ]

  /// Numbers before a tilde.
  static let numbers: [Int: Key] = [
    1: .home, 2: .insert, 3: .delete, 4: .end, 5: .pageUp, 6: .pageDown, 7: .home, 8: .end,
    11: .function(1), 12: .function(2), 13: .function(3), 14: .function(4), 15: .function(5),
    17: .function(6), 18: .function(7), 19: .function(8), 20: .function(9), 21: .function(10),
    23: .function(11), 24: .function(12), 25: .function(13), 26: .function(14),
    28: .function(15), 29: .function(16), 31: .function(17), 32: .function(18),
    33: .function(19), 34: .function(20),
  ]

  /// Final letters of the application keypad after `ESC O`.
  static let keypad: [UInt8: Key] = {
    var keys: [UInt8: Key] = [0x4D: .enter, 0x49: .tab, 0x58: .character("=")]
    for byte in UInt8(0x6A)...0x79 {
      keys[byte] = .character(Character(Unicode.Scalar(byte - 0x40)))
    }
    return keys
  }()
}

/// The parameters of one `ESC [` sequence, taken apart.
struct ControlParameters {
  private let prefix: UInt8?
  private let numbers: [Int]
  private let hasIntermediate: Bool
  private let eventType: Int
  private let final: UInt8

  init(_ body: ArraySlice<UInt8>, final: UInt8) {
    self.final = final
    var body = body
    if let first = body.first, (0x3C...0x3F).contains(first) {
      prefix = first
      body = body.dropFirst()
    } else {
      prefix = nil
    }
    hasIntermediate = body.contains { (0x20...0x2F).contains($0) }
    let fields = body.filter { $0 >= 0x30 }.split(
      separator: 0x3B, omittingEmptySubsequences: false
    ).prefix(16)
    // Sub-parameters follow a colon: only the event type of the second field matters here.
    let parts = fields.map { $0.split(separator: 0x3A, omittingEmptySubsequences: false) }
    numbers = parts.map { ControlParameters.number($0.first ?? []) }
    eventType = parts.count > 1 && parts[1].count > 1 ? ControlParameters.number(parts[1][1]) : 1
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int {
    digits.prefix(9).reduce(0) { (0x30...0x39).contains($1) ? $0 * 10 + Int($1 - 0x30) : $0 }
  }

  private func number(_ index: Int, default value: Int = 0) -> Int {
    index < numbers.count && numbers[index] > 0 ? numbers[index] : value
  }

  var isPasteStart: Bool { prefix == nil && final == 0x7E && numbers == [200] }

  var reply: TerminalReply? {
    if prefix == 0x3F, final == 0x79, hasIntermediate {
      return .mode(number: number(0), state: number(1))
    }
    if prefix == 0x3F, final == 0x63 { return .attributes(numbers) }
    if prefix == nil, final == 0x52, numbers.count == 2 {
      return .cursor(row: number(0, default: 1), column: number(1, default: 1))
    }
    return nil
  }

  var mouse: MouseEvent? {
    guard prefix == 0x3C, final == 0x4D || final == 0x6D, numbers.count == 3 else { return nil }
    let position = Point(x: max(0, number(1) - 1), y: max(0, number(2) - 1))
    return MouseEvent(code: number(0), position: position, isRelease: final == 0x6D)
  }

  /// The key, and whether it came in an extended form that a line editor does not know.
  var key: (Key, isExtended: Bool)? {
    guard prefix == nil, !hasIntermediate || final == 0x24, eventType != 3 else { return nil }
    let modifiers = number(1, default: 1)
    switch final {
    case 0x7E where number(0) == 27 && numbers.count == 3:
      return Key.from(code: number(2), modifiers: modifiers).map { ($0, true) }
    case 0x7E:
      return KeyTable.numbers[number(0)].map { ($0.modified(by: modifiers), false) }
    case 0x24: return KeyTable.numbers[number(0)].map { ($0.modified(by: 2), false) }
    case 0x5E: return KeyTable.numbers[number(0)].map { ($0.modified(by: 5), false) }
    case 0x40 where !numbers.isEmpty && number(0) > 1:
      return KeyTable.numbers[number(0)].map { ($0.modified(by: 6), false) }
    case 0x75: return Key.from(code: number(0), modifiers: modifiers).map { ($0, true) }
    case 0x5A: return (.backtab, false)
    case 0x49 where numbers.allSatisfy { $0 == 0 }: return (.focus(true), true)
    case 0x4F where numbers.allSatisfy { $0 == 0 }: return (.focus(false), true)
    case 0x61...0x64 where numbers.allSatisfy { $0 == 0 }:
      return KeyTable.letters[final - 0x20].map { ($0.modified(by: 2), false) }
    default: return KeyTable.letters[final].map { ($0.modified(by: modifiers), false) }
    }
  }
}

extension Key {
  /// The key with xterm's modifier number: 1 plus 1 for Shift, 2 for Alt, 4 for Control.
  func modified(by number: Int) -> Key {
    let bits = max(0, number - 1)
    var key = self
    switch bits & 5 {
    case 1: key = self == .tab ? .backtab : .modified(.shift, self)
    case 4: key = .modified(.control, self)
    case 5: key = .modified(.shiftControl, self)
    default: break
    }
    return bits & 2 != 0 ? .alt(key) : key
  }

  /// The key of a code point with modifiers, as terminals with extended keys report it.
  static func from(code: Int, modifiers: Int) -> Key? {
    let bits = max(0, modifiers - 1)
    if let byte = UInt8(exactly: code), [8, 9, 13, 27, 127].contains(byte) {
      return SequenceReader.plain(byte).modified(by: modifiers)
    }
    guard let value = UInt32(exactly: code), let scalar = Unicode.Scalar(value),
      !VisibleText.isHostile(scalar), !(0xE000...0xF8FF).contains(value)
    else { return nil }
    var key = Key.character(Character(scalar))
    if bits & 4 != 0, scalar.isASCII {
      guard let control = Key(name: "C-" + String(Character(scalar))) else { return nil }
      key = control
    }
    return bits & 2 != 0 ? .alt(key) : key
  }

  /// The bytes a terminal without extended keys sends; empty where it has none.
  package var legacyBytes: [UInt8] {
    switch self {
    case .character(let character): Array(String(character).utf8)
    case .enter: [0x0D]
    case .tab: [0x09]
    case .backtab: Array("\u{1B}[Z".utf8)
    case .escape: [0x1B]
    case .backspace: [0x7F]
    case .up: Array("\u{1B}[A".utf8)
    case .down: Array("\u{1B}[B".utf8)
    case .right: Array("\u{1B}[C".utf8)
    case .left: Array("\u{1B}[D".utf8)
    case .home: Array("\u{1B}[H".utf8)
    case .end: Array("\u{1B}[F".utf8)
    case .insert: Array("\u{1B}[2~".utf8)
    case .delete: Array("\u{1B}[3~".utf8)
    case .pageUp: Array("\u{1B}[5~".utf8)
    case .pageDown: Array("\u{1B}[6~".utf8)
    case .control(let character):
      character == " " ? [0] : (character.asciiValue.map { [$0 & 0x1F] } ?? [])
    case .alt(let key): key.legacyBytes.isEmpty ? [] : [0x1B] + key.legacyBytes
    // A line editor knows no Shift with Enter; C-j is its line end that does not send.
    case .modified(_, .enter): [0x0A]
    case .modified(_, let key): key.legacyBytes
    case .function, .paste, .mouse, .focus, .resize, .eof: []
    }
  }
}

extension MouseEvent {
  /// An event from the button code of the mouse protocols.
  init(code: Int, position: Point, isRelease: Bool) {
    let button = code & 3
    let action: Action =
      if code & 64 != 0 {
        button == 0 ? .wheelUp : .wheelDown
      } else if isRelease || (code & 32 == 0 && button == 3) {
        .release
      } else if code & 32 != 0 {
        button == 3 ? .move : .drag
      } else {
        .press
      }
    self.init(
      action, button: button == 3 ? 0 : button, at: position, hasShift: code & 4 != 0,
      hasAlt: code & 8 != 0, hasControl: code & 16 != 0)
  }
}
