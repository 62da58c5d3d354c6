/// A key with the bytes that stand for it, as a line editor would expect them.
package struct KeyEvent: Hashable, Sendable {
  package let key: Key
  package let bytes: [UInt8]

  package init(_ key: Key, bytes: [UInt8] = []) {
    self.key = key
    self.bytes = bytes
  }
}

/// Turns the bytes of a terminal into keys, however they are split.
///
/// Knows the sequences of xterm, the Linux console, vt100 and rxvt, and those of terminfo that it
/// is given. Sequences it does not know and replies nobody asked for are swallowed whole. The
/// caller waits `pendingTimeout` after the last byte and then calls `flush`.
package struct KeyDecoder: Sendable {
  /// Sequences of this terminal, which win over the built-in ones.
  private let sequences: [[UInt8]: Key]
  private var buffer: [UInt8] = []
  private var position = 0
  private var state = State.ground
  private var reply: [UInt8] = []
  private var replies: [TerminalReply] = []

  private enum State: Sendable {
    case ground
    /// Inside a paste; the count is how much of the buffer was searched for its end.
    case paste(searched: Int)
    /// Inside a control string, such as the reply to a colour query.
    case string(kind: UInt8)
  }

  /// What one attempt to read from the buffer gave.
  enum Token {
    case key(Key, length: Int)
    case keyAs(Key, bytes: [UInt8], length: Int)
    case ignored(length: Int)
    case reply(TerminalReply, length: Int)
    case paste(length: Int)
    case string(kind: UInt8, length: Int)
    case incomplete
  }

  /// No more than this many bytes of a paste are kept.
  package static let pasteLimit = 64 << 20

  /// No real sequence is longer; a longer one is hostile or broken.
  static let sequenceLimit = 64

  package init(sequences: [[UInt8]: Key] = [:]) {
    self.sequences = sequences
  }

  /// How long to wait for more bytes before `flush`; nil when nothing is pending.
  package var pendingTimeout: Duration? {
    switch state {
    case .paste, .string: .milliseconds(1000)
    case .ground: position < buffer.count ? .milliseconds(25) : nil
    }
  }

  /// Takes bytes and returns the keys that they complete.
  package mutating func feed(_ bytes: some Sequence<UInt8>) -> [KeyEvent] {
    buffer.append(contentsOf: bytes)
    var events: [KeyEvent] = []
    while step(isFinal: false, into: &events) {}
    compact()
    return events
  }

  /// Settles what is pending, no more bytes having come: a lone Esc is the Escape key.
  package mutating func flush() -> [KeyEvent] {
    var events: [KeyEvent] = []
    switch state {
    case .paste:
      finishPaste(contentEnd: buffer.count, next: buffer.count, into: &events)
    case .string:
      state = .ground
      reply = []
    case .ground: break
    }
    while step(isFinal: true, into: &events) {}
    compact()
    return events
  }

  /// Replies of the terminal since the last call; at most 16 are kept.
  package mutating func takeReplies() -> [TerminalReply] {
    defer { replies = [] }
    return replies
  }

  private mutating func compact() {
    guard position > 0 else { return }
    buffer.removeSubrange(..<position)
    if case .paste(let searched) = state { state = .paste(searched: max(0, searched - position)) }
    position = 0
  }

  /// Handles one token; false when the buffer holds no complete one.
  private mutating func step(isFinal: Bool, into events: inout [KeyEvent]) -> Bool {
    switch state {
    case .paste(let searched): return readPaste(searched: searched, into: &events)
    case .string(let kind): return skipString(kind: kind)
    case .ground: break
    }
    guard position < buffer.count else { return false }
    let reader = SequenceReader(bytes: buffer[position...], isFinal: isFinal, sequences: sequences)
    switch reader.token() {
    case .key(let key, let length):
      events.append(KeyEvent(key, bytes: Array(buffer[position..<position + length])))
      position += length
    case .keyAs(let key, let bytes, let length):
      events.append(KeyEvent(key, bytes: bytes))
      position += length
    case .ignored(let length): position += length
    case .reply(let reply, let length):
      keep(reply)
      position += length
    case .paste(let length):
      position += length
      state = .paste(searched: position)
    case .string(let kind, let length):
      position += length
      state = .string(kind: kind)
    case .incomplete: return false
    }
    return true
  }

  private mutating func keep(_ reply: TerminalReply) {
    if replies.count < 16 { replies.append(reply) }
  }

  /// Drops a control string up to BEL or ESC `\`; a new sequence or a cancel ends it as well.
  private mutating func skipString(kind: UInt8) -> Bool {
    while position < buffer.count {
      let byte = buffer[position]
      if byte == 0x07 || byte == 0x18 || byte == 0x1A {
        position += 1
        return finishString(kind: kind, isWhole: byte == 0x07)
      }
      if byte == 0x1B {
        guard position + 1 < buffer.count else { return false }
        let isWhole = buffer[position + 1] == 0x5C
        if isWhole { position += 2 }
        return finishString(kind: kind, isWhole: isWhole)
      }
      if reply.count < 256 { reply.append(byte) }
      position += 1
    }
    return false
  }

  private mutating func finishString(kind: UInt8, isWhole: Bool) -> Bool {
    if isWhole, kind == 0x5D, let color = TerminalReply(colorReply: reply) { keep(color) }
    if isWhole, kind == 0x5F, let answer = TerminalReply(graphicsReply: reply) { keep(answer) }
    reply = []
    state = .ground
    return true
  }

  private static let pasteEnd: [UInt8] = [0x1B, 0x5B, 0x32, 0x30, 0x31, 0x7E]
  private static let pasteStart: [UInt8] = [0x1B, 0x5B, 0x32, 0x30, 0x30, 0x7E]

  private mutating func readPaste(searched: Int, into events: inout [KeyEvent]) -> Bool {
    guard var end = find(KeyDecoder.pasteEnd, from: max(position, searched)) else {
      state = .paste(searched: max(position, buffer.count - KeyDecoder.pasteEnd.count + 1))
      return false
    }
    // An end mark inside the pasted text would let the rest of it act as typed keys. A second end
    // without a second start gives such a text away as long as it arrives in one piece.
    while let next = find(KeyDecoder.pasteEnd, from: end + KeyDecoder.pasteEnd.count) {
      if let start = find(KeyDecoder.pasteStart, from: end), start < next { break }
      end = next
    }
    finishPaste(contentEnd: end, next: end + KeyDecoder.pasteEnd.count, into: &events)
    return true
  }

  private mutating func finishPaste(contentEnd: Int, next: Int, into events: inout [KeyEvent]) {
    let content = buffer[position..<max(position, contentEnd)].prefix(KeyDecoder.pasteLimit)
    var text: [UInt8] = []
    text.reserveCapacity(content.count)
    var previous: UInt8 = 0
    for byte in content {
      if byte == 0x0D {
        text.append(0x0A)
      } else if byte != 0, !(byte == 0x0A && previous == 0x0D) {
        text.append(byte)
      }
      previous = byte
    }
    events.append(KeyEvent(.paste(VisibleText.decode(text))))
    position = next
    state = .ground
  }

  private func find(_ pattern: [UInt8], from start: Int) -> Int? {
    guard buffer.count >= pattern.count else { return nil }
    var index = start
    while index + pattern.count <= buffer.count {
      if buffer[index] == 0x1B, buffer[index..<index + pattern.count].elementsEqual(pattern) {
        return index
      }
      index += 1
    }
    return nil
  }
}
