import CNcurses
import Glibc

/// Colour pairs that were given a number, by their two colours.
struct PairCache {
  private var numbers: [UInt64: Int32] = [:]

  var count: Int { numbers.count }

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

/// Attributes and colour pair of a cell, in ncurses' terms.
struct CellLook {
  let bits: Int32
  let pair: Int32
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
    renewPairs()
    // What paints all cells anew has wiped the picture away as well.
    let isPictureDue = last == nil || frame.picture != shownPicture?.picture
    if isPictureDue { removePicture() }
    for y in 0..<min(frame.size.height, size.height) { paintRow(y, of: frame) }
    placeCursor(frame.cursor)
    cn_update()
    last = frame
    let bytes = memory.take()
    if hasSynchronizedUpdate, !bytes.isEmpty {
      output.append("\u{1B}[?2026h".utf8)
      output.append(bytes)
      output.append("\u{1B}[?2026l".utf8)
    } else {
      output.append(bytes)
    }
    if isPictureDue, let picture = frame.picture { show(picture) }
    guard !output.isEmpty else { return .unchanged }
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
    let new = frame.packedRow(y)
    let old = last.flatMap { $0.size == frame.size ? $0.packedRow(y) : nil }
    // Numbers of longer clusters mean different things in two frames.
    let hasClusters = new.contains { $0.clusterIndex != nil }
    if let old, !hasClusters, old == new { return }
    var x = 0
    while x < min(new.count, size.width) {
      let cell = new[new.startIndex + x]
      let isSame = cell.clusterIndex == nil && old.map { $0[$0.startIndex + x] == cell } ?? false
      if !isSame, cell.width > 0 { paint(cell, of: frame, x: x, y: y) }
      x += max(1, Int(cell.width))
    }
  }

  private func paint(_ cell: PackedCell, of frame: Frame, x: Int, y: Int) {
    let look = look(of: cell.style)
    if cell.clusterIndex == nil, cell.code < 0x7F {
      _ = cn_put_one(Int32(y), Int32(x), cell.code, 1, look.bits, look.pair)
      return
    }
    var used = 0
    if profile.isUTF8 {
      for character in CharacterWidth.paintable(frame.text(of: cell).first ?? " ") {
        let columns = CharacterWidth.columns(character)
        guard used + columns <= Int(cell.width) else { break }
        guard put(character, columns: columns, x: x + used, y: y, look: look) else {
          // The C library does not know the character: a stand-in of certain width.
          _ = put("\u{FFFD}", columns: 1, x: x + used, y: y, look: look)
          used += 1
          break
        }
        used += columns
      }
    } else {
      _ = put("?", columns: 1, x: x, y: y, look: look)
      used = 1
    }
    while used < Int(cell.width) {
      _ = put(" ", columns: 1, x: x + used, y: y, look: look)
      used += 1
    }
  }

  /// What ncurses is told for a style; the theme is asked once for each.
  private func look(of packed: PackedStyle) -> CellLook {
    if let known = looks[packed] { return known }
    let style = theme.resolve(packed.style)
    var bits = Int32(0)
    if style.bold { bits |= Int32(cn_bold) }
    if style.dim { bits |= Int32(cn_dim) }
    if style.italic { bits |= Int32(cn_italic) }
    if style.underline { bits |= Int32(cn_underline) }
    if style.reverse { bits |= Int32(cn_reverse) }
    let look = CellLook(bits: bits, pair: pairNumber(style))
    // Pictures bring thousands of colours that may never come again.
    if looks.count > 4096 { looks = [:] }
    looks[packed] = look
    return look
  }

  private func put(
    _ character: Character, columns: Int, x: Int, y: Int, look: CellLook
  ) -> Bool {
    let (row, column, width) = (Int32(y), Int32(x), Int32(columns))
    var scalars = character.unicodeScalars.makeIterator()
    if let only = scalars.next(), scalars.next() == nil {
      return cn_put_one(row, column, only.value, width, look.bits, look.pair) == 0
    }
    let values = character.unicodeScalars.map(\.value)
    // Sound: the array outlives the call, which copies it into the cell.
    return unsafe values.withUnsafeBufferPointer {
      unsafe cn_put(row, column, $0.baseAddress, Int32($0.count), width, look.bits, look.pair) == 0
    }
  }

  /// Forgets the colour pairs while there is still room for a whole frame of new ones.
  ///
  /// Pictures bring pairs that never come again. All cells are then put anew, with pairs that are defined anew.
  private func renewPairs() {
    let limit = Int(cn_pairs())
    // Few pairs are all that few colours need.
    guard limit > 4096, pairs.count > limit / 2 else { return }
    pairs = PairCache()
    looks = [:]
    last = nil
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
