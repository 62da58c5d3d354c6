import CNcurses
import Glibc

/// Colour pairs that were given a number, by their two colours.
struct PairCache {
  private var numbers: [UInt64: Int32] = [:]

  /// The number of a pair, and whether it is new and must be defined; nil when all are taken.
  mutating func number(_ foreground: Int32, _ background: Int32, limit: Int32) -> (Int32, Bool)? {
    if foreground < 0, background < 0 { return (0, false) }
    let key = UInt64(UInt32(bitPattern: foreground)) << 32 | UInt64(UInt32(bitPattern: background))
    if let number = numbers[key] { return (number, false) }
    let next = Int32(numbers.count + 1)
    guard next < limit else { return nil }
    numbers[key] = next
    return (next, true)
  }
}

/// From a frame to bytes.
extension Screen {
  /// Shows a frame: only what differs from the last one is sent, in one write where possible.
  @discardableResult
  package func present(_ frame: Frame) -> Presentation {
    guard isEntered, !isClosed else { return .deferred }
    if !output.isEmpty { output.flush() }
    guard output.isEmpty else {
      waiting = frame
      return .deferred
    }
    waiting = nil
    if frame == last { return .unchanged }
    for y in 0..<min(frame.size.height, size.height) { paintRow(y, of: frame) }
    placeCursor(frame.cursor)
    cn_update()
    last = frame
    let bytes = memory.take()
    guard !bytes.isEmpty else { return .unchanged }
    if hasSynchronizedUpdate {
      output.append("\u{1B}[?2026h".utf8)
      output.append(bytes)
      output.append("\u{1B}[?2026l".utf8)
    } else {
      output.append(bytes)
    }
    output.flush()
    return .painted
  }

  /// Paints everything anew at the next frame, for a screen that something else wrote on.
  package func repaint() {
    cn_repaint()
    let frame = last
    last = nil
    if let frame { present(frame) }
  }

  private func placeCursor(_ cursor: Point?) {
    let place = cursor.map { Point(x: min($0.x, size.width - 1), y: min($0.y, size.height - 1)) }
    if let place, place.x >= 0, place.y >= 0 {
      if !isCursorShown { curs_set(1) }
      isCursorShown = true
      cn_move(Int32(place.y), Int32(place.x))
    } else {
      if isCursorShown { curs_set(0) }
      isCursorShown = false
      cn_move(Int32(max(0, size.height - 1)), 0)
    }
  }

  private func paintRow(_ y: Int, of frame: Frame) {
    let new = frame.row(y)
    let old = last?.size == frame.size ? last?.row(y) : nil
    if let old, old == new { return }
    var x = 0
    while x < min(new.count, size.width) {
      let cell = new[new.startIndex + x]
      if old.map({ $0[$0.startIndex + x] }) != cell, cell.width > 0 {
        paint(cell, x: x, y: y)
      }
      x += max(1, cell.width)
    }
  }

  private func paint(_ cell: Cell, x: Int, y: Int) {
    let style = theme.resolve(cell.style)
    let pair = pairNumber(style)
    var bits = Int32(0)
    if style.bold { bits |= Int32(cn_bold) }
    if style.dim { bits |= Int32(cn_dim) }
    if style.italic { bits |= Int32(cn_italic) }
    if style.underline { bits |= Int32(cn_underline) }
    if style.reverse { bits |= Int32(cn_reverse) }
    var used = 0
    if profile.isUTF8 {
      for character in CharacterWidth.paintable(cell.text.first ?? " ") {
        let columns = CharacterWidth.columns(character)
        guard used + columns <= cell.width else { break }
        guard put(character, columns: columns, x: x + used, y: y, bits: bits, pair: pair) else {
          // The C library does not know the character: a stand-in of certain width.
          _ = put("\u{FFFD}", columns: 1, x: x + used, y: y, bits: bits, pair: pair)
          used += 1
          break
        }
        used += columns
      }
    } else {
      let character = cell.text.first.flatMap { $0.isASCII ? $0 : nil } ?? "?"
      _ = put(character, columns: 1, x: x, y: y, bits: bits, pair: pair)
      used = 1
    }
    while used < cell.width {
      _ = put(" ", columns: 1, x: x + used, y: y, bits: bits, pair: pair)
      used += 1
    }
  }

  private func put(
    _ character: Character, columns: Int, x: Int, y: Int, bits: Int32, pair: Int32
  ) -> Bool {
    let scalars = character.unicodeScalars.map(\.value)
    // Sound: the array outlives the call, which copies it into the cell.
    return unsafe scalars.withUnsafeBufferPointer {
      unsafe cn_put(
        Int32(y), Int32(x), $0.baseAddress, Int32($0.count), Int32(columns), bits, pair) == 0
    }
  }

  private func pairNumber(_ style: Style) -> Int32 {
    guard theme.depth > .none else { return 0 }
    let foreground = colorNumber(style.foreground)
    let background = colorNumber(style.background)
    let limit = cn_pairs()
    if let (number, isNew) = pairs.number(foreground, background, limit: limit) {
      if isNew { init_extended_pair(number, foreground, background) }
      return number
    }
    // All pairs are taken: the text's colour alone, else none. Rare, and never wrong to read.
    if let (number, isNew) = pairs.number(foreground, -1, limit: limit) {
      if isNew { init_extended_pair(number, foreground, -1) }
      return number
    }
    return 0
  }

  private func colorNumber(_ color: Color?) -> Int32 {
    switch color {
    case .indexed(let index) where theme.depth == .full && index >= 8:
      let (red, green, blue) = Palette.components(index)
      return Int32(red << 16 | green << 8 | blue)
    case .indexed(let index): return Int32(index)
    case .rgb(let red, let green, let blue):
      // Values below 8 mean the terminal's own colours; the nearest other one is as dark.
      return max(8, Int32(red) << 16 | Int32(green) << 8 | Int32(blue))
    case .role, nil: return -1
    }
  }
}
