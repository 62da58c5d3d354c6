/// Reads one key from the start of some bytes; the stateless part of the key decoder.
struct SequenceReader {
  let bytes: ArraySlice<UInt8>

  /// Whether no more bytes will come, so that a prefix must be settled now.
  let isFinal: Bool
  let sequences: [[UInt8]: Key]

  private var count: Int { bytes.count }

  private func byte(_ offset: Int) -> UInt8? {
    offset < count ? bytes[bytes.startIndex + offset] : nil
  }

  func token() -> KeyDecoder.Token {
    guard let first = byte(0) else { return .incomplete }
    if first == 0x1B { return escape() }
    if first < 0x80 { return .key(SequenceReader.plain(first), length: 1) }
    return scalar(at: 0)
  }

  /// The key of one byte below 128.
  static func plain(_ byte: UInt8) -> Key {
    switch byte {
    case 0x00: .control(" ")
    case 0x08, 0x7F: .backspace
    case 0x09: .tab
    case 0x0D: .enter
    case 0x1B: .escape
    case 0x01...0x1A: .control(Character(Unicode.Scalar(byte + 0x60)))
    case 0x1C...0x1F: .control(Character(Unicode.Scalar(byte + 0x40)))
    default: .character(Character(Unicode.Scalar(byte)))
    }
  }

  /// One UTF-8 scalar; an invalid byte is swallowed.
  private func scalar(at offset: Int) -> KeyDecoder.Token {
    guard let first = byte(offset) else { return .incomplete }
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard (0xC2...0xF4).contains(first) else { return .ignored(length: offset + 1) }
    for index in 1..<length {
      guard let next = byte(offset + index) else {
        return isFinal ? .ignored(length: count) : .incomplete
      }
      if next & 0xC0 != 0x80 { return .ignored(length: offset + index) }
    }
    let start = bytes.startIndex + offset
    let text = VisibleText.decode(bytes[start..<start + length])
    guard let scalar = text.unicodeScalars.first, scalar != "\u{FFFD}" || first == 0xEF,
      text.unicodeScalars.count == 1, !(0x80..<0xA0).contains(scalar.value)
    else { return .ignored(length: offset + length) }
    return .key(.character(Character(scalar)), length: offset + length)
  }

  private func escape() -> KeyDecoder.Token {
    guard let second = byte(1) else { return isFinal ? .key(.escape, length: 1) : .incomplete }
    switch second {
    case 0x5B: return controlSequence(from: 2, isAlt: false)
    case 0x4F: return singleShift(from: 2, isAlt: false)
    case 0x5D, 0x50, 0x58, 0x5E, 0x5F:
      guard count > 2 || !isFinal else { break }
      return count > 2 ? .string(kind: second, length: 2) : .incomplete
    case 0x1B:
      switch byte(2) {
      case nil: return isFinal ? .key(.escape, length: 1) : .incomplete
      case 0x5B: return controlSequence(from: 3, isAlt: true)
      case 0x4F: return singleShift(from: 3, isAlt: true)
      default: return .key(.escape, length: 1)
      }
    case 0x80...:
      let inner = scalar(at: 1)
      if case .key(let key, let length) = inner { return .key(.alt(key), length: length) }
      return inner
    default: break
    }
    return .key(.alt(SequenceReader.plain(second)), length: 2)
  }

  /// `ESC O x`, with the modifier digit that old xterms put before the letter.
  private func singleShift(from start: Int, isAlt: Bool) -> KeyDecoder.Token {
    var offset = start
    var modifiers = 0
    while let digit = byte(offset), (0x30...0x39).contains(digit), offset < start + 2 {
      modifiers = modifiers * 10 + Int(digit - 0x30)
      offset += 1
    }
    guard let final = byte(offset) else {
      guard isFinal else { return .incomplete }
      return .key(.alt(.character("O")), length: min(count, 2))
    }
    guard (0x20...0x7E).contains(final) else { return .ignored(length: offset) }
    let length = offset + 1
    if let key = sequences[sequence(length, isAlt: isAlt)] {
      return key.token(length, isAlt: isAlt)
    }
    // The lower-case arrows are rxvt's Control with an arrow.
    if (0x61...0x64).contains(final), let arrow = KeyTable.letters[final - 0x20] {
      return Key.modified(.control, arrow).token(length, isAlt: isAlt)
    }
    if let key = KeyTable.letters[final] {
      return key.modified(by: modifiers).token(length, isAlt: isAlt)
    }
    if let keypad = KeyTable.keypad[final] {
      return .keyAs(keypad, bytes: keypad.legacyBytes, length: length)
    }
    return .ignored(length: length)
  }

  /// The bytes to look up in the terminal's own table, without a leading Alt.
  private func sequence(_ length: Int, isAlt: Bool) -> [UInt8] {
    Array(bytes.prefix(length).dropFirst(isAlt ? 1 : 0))
  }

  private func controlSequence(from start: Int, isAlt: Bool) -> KeyDecoder.Token {
    // The Linux console sends ESC [ [ A to E for F1 to F5.
    if byte(start) == 0x5B {
      guard let letter = byte(start + 1) else {
        return isFinal ? .ignored(length: count) : .incomplete
      }
      guard (0x41...0x45).contains(letter) else { return .ignored(length: start + 1) }
      return Key.function(Int(letter) - 0x40).token(start + 2, isAlt: isAlt)
    }
    if byte(start) == 0x4D {
      guard count >= start + 4 else { return isFinal ? .ignored(length: count) : .incomplete }
      return oldMouse(start + 1)
    }
    var offset = start
    while let next = byte(offset), offset - start < KeyDecoder.sequenceLimit {
      if (0x40...0x7E).contains(next) {
        return control(final: next, from: start, to: offset, isAlt: isAlt)
      }
      // rxvt ends Shift with a key by a dollar sign after one number; no reply looks so.
      if next == 0x24, offset > start,
        bytes[bytes.startIndex + start..<bytes.startIndex + offset].allSatisfy({
          $0 >= 0x30 && $0 <= 0x39
        })
      {
        return control(final: next, from: start, to: offset, isAlt: isAlt)
      }
      guard (0x20...0x3F).contains(next) else { return .ignored(length: offset) }
      offset += 1
    }
    if offset - start >= KeyDecoder.sequenceLimit { return .ignored(length: offset) }
    guard isFinal else { return .incomplete }
    if count == start { return .key(.alt(.character("[")), length: count) }
    return .ignored(length: count)
  }

  private func control(final: UInt8, from start: Int, to end: Int, isAlt: Bool) -> KeyDecoder.Token
  {
    let length = end + 1
    if let key = sequences[sequence(length, isAlt: isAlt)] {
      return key.token(length, isAlt: isAlt)
    }
    let body = bytes[bytes.startIndex + start..<bytes.startIndex + end]
    let parameters = ControlParameters(body, final: final)
    if parameters.isPasteStart { return .paste(length: length) }
    if let reply = parameters.reply { return .reply(reply, length: length) }
    if let mouse = parameters.mouse { return .key(.mouse(mouse), length: length) }
    if let (key, isExtended) = parameters.key {
      if isExtended {
        let key = isAlt ? Key.alt(key) : key
        return .keyAs(key, bytes: key.legacyBytes, length: length)
      }
      return key.token(length, isAlt: isAlt)
    }
    return .ignored(length: length)
  }

  private func oldMouse(_ offset: Int) -> KeyDecoder.Token {
    guard let code = byte(offset), let x = byte(offset + 1), let y = byte(offset + 2), code >= 32,
      x >= 33, y >= 33
    else { return .ignored(length: min(count, offset + 3)) }
    let event = MouseEvent(
      code: Int(code) - 32, position: Point(x: Int(x) - 33, y: Int(y) - 33), isRelease: false)
    return .key(.mouse(event), length: offset + 3)
  }
}

extension Key {
  fileprivate func token(_ length: Int, isAlt: Bool) -> KeyDecoder.Token {
    .key(isAlt ? .alt(self) : self, length: length)
  }
}
