import Terminal

/// A terminal as the tests see it: what the bytes of ncurses leave on the screen.
///
/// Knows the sequences that xterm's terminfo entry holds and those the screen sends on purpose;
/// anything else is collected in `unknown`, which must stay empty.
package struct ScreenModel {
  package private(set) var columns: Int
  package private(set) var rows: Int
  package private(set) var unknown: [String] = []
  package private(set) var isAlternate = false
  package private(set) var isCursorShown = true
  package private(set) var modes: Set<Int> = []
  private var saved: Set<Int> = []
  package private(set) var clears = 0
  package private(set) var colorChanges = 0
  package private(set) var cursor = (x: 0, y: 0)
  /// Pictures in pixels that stand on the screen: `kitty`, `sixel`.
  package private(set) var pictures: Set<String> = []
  private var savedCursor = (x: 0, y: 0)
  private var cells: [[String]]
  private var main: [[String]]
  private var pending: [UInt8] = []
  private var lastPrinted = " "
  /// The rows that scroll.
  private var region: Range<Int>

  package init(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
    cells = ScreenModel.blank(columns, rows)
    main = cells
    region = 0..<rows
  }

  private static func blank(_ columns: Int, _ rows: Int) -> [[String]] {
    Array(repeating: Array(repeating: " ", count: columns), count: rows)
  }

  package mutating func resize(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
    cells = ScreenModel.blank(columns, rows)
    main = cells
    cursor = (0, 0)
    region = 0..<rows
  }

  package var text: String {
    cells.map { row in
      var line = row.joined()
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }

  package func line(_ y: Int) -> String { y < cells.count ? cells[y].joined() : "" }

  package mutating func feed(_ bytes: some Sequence<UInt8>) {
    pending += bytes
    var index = 0
    while let next = step(index) { index = next }
    pending.removeFirst(index)
  }

  /// Handles what starts at `index`; nil when it is not complete.
  private mutating func step(_ index: Int) -> Int? {
    guard index < pending.count else { return nil }
    let byte = pending[index]
    switch byte {
    case 0x07, 0x18: return index + 1
    case 0x08: cursor.x = max(0, cursor.x - 1)
    case 0x09: cursor.x = min(columns - 1, (cursor.x / 8 + 1) * 8)
    case 0x0A:
      lineFeed()
    case 0x0D: cursor.x = 0
    case 0x0E, 0x0F: break
    case 0x1B: return escape(index)
    case 0..<0x20, 0x7F: unknown.append("control \(byte)")
    default: return character(index)
    }
    return index + 1
  }

  private mutating func lineFeed() {
    if cursor.y == region.upperBound - 1 {
      scroll(region, by: 1)
    } else {
      cursor.y = min(rows - 1, cursor.y + 1)
    }
  }

  /// Moves rows up; down for a negative count.
  private mutating func scroll(_ area: Range<Int>, by count: Int) {
    let blank = Array(repeating: " ", count: columns)
    for _ in 0..<min(count.magnitude, UInt(area.count)) {
      cells.remove(at: count > 0 ? area.lowerBound : area.upperBound - 1)
      cells.insert(blank, at: count > 0 ? area.upperBound - 1 : area.lowerBound)
    }
  }

  private mutating func character(_ index: Int) -> Int? {
    let first = pending[index]
    let length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard index + length <= pending.count else { return nil }
    let text = String(decoding: pending[index..<index + length], as: UTF8.self)
    if text.contains("\u{FFFD}"), first != 0xEF { unknown.append("invalid UTF-8 \(first)") }
    for scalar in text.unicodeScalars { put(scalar) }
    return index + length
  }

  private mutating func put(_ scalar: Unicode.Scalar) {
    let width = CharacterWidth.columns(scalar)
    if width == 0 {
      // A mark joins the character before the cursor.
      var x = min(cursor.x, columns) - 1
      if x > 0, cells[cursor.y][x].isEmpty { x -= 1 }
      if x >= 0 { cells[cursor.y][x] += String(scalar) }
      return
    }
    if cursor.x + width > columns {
      cursor.x = 0
      lineFeed()
    }
    lastPrinted = String(scalar)
    guard cursor.x + width <= columns else { return }
    cells[cursor.y][cursor.x] = String(scalar)
    if width == 2 { cells[cursor.y][cursor.x + 1] = "" }
    cursor.x += width
  }

  private mutating func escape(_ index: Int) -> Int? {
    guard index + 1 < pending.count else { return nil }
    switch pending[index + 1] {
    case 0x5B: return controlSequence(index)
    case 0x5D, 0x50, 0x5F: return string(index)
    case 0x28, 0x29: return index + 2 < pending.count ? index + 3 : nil
    case 0x37: savedCursor = cursor
    case 0x38: cursor = savedCursor
    case 0x3D, 0x3E, 0x5C: return index + 2
    case 0x4D:
      if cursor.y == region.lowerBound {
        scroll(region, by: -1)
      } else {
        cursor.y = max(0, cursor.y - 1)
      }
    default: unknown.append("ESC \(pending[index + 1])")
    }
    return index + 2
  }

  /// A control string up to BEL or ESC `\`.
  private mutating func string(_ index: Int) -> Int? {
    let start = index + 2
    guard var end = pending[start...].firstIndex(where: { $0 == 0x07 || $0 == 0x1B }) else {
      return nil
    }
    let head = String(decoding: pending[start..<min(end, start + 40)], as: UTF8.self)
    if pending[end] == 0x1B {
      guard end + 1 < pending.count else { return nil }
      end += 1
    }
    switch pending[index + 1] {
    case 0x5F where head.hasPrefix("Ga=T"): pictures.insert("kitty")
    case 0x5F where head.hasPrefix("Ga=d"): pictures.remove("kitty")
    case 0x50 where head.drop(while: { $0.isNumber || $0 == ";" }).first == "q":
      pictures.insert("sixel")
    default: break
    }
    return end + 1
  }

  private mutating func controlSequence(_ index: Int) -> Int? {
    var end = index + 2
    while end < pending.count, !(0x40...0x7E).contains(pending[end]) { end += 1 }
    guard end < pending.count else { return nil }
    let body = String(decoding: pending[index + 2..<end], as: UTF8.self)
    apply(body, final: Character(Unicode.Scalar(pending[end])))
    return end + 1
  }

  private mutating func apply(_ body: String, final: Character) {
    let isPrivate = body.hasPrefix("?")
    let numbers = body.drop { $0 == "?" }.split(separator: ";", omittingEmptySubsequences: false)
      .map { Int($0) ?? 0 }
    let first = max(1, numbers.first ?? 1)
    switch (final, isPrivate) {
    case ("h", true): for mode in numbers { setMode(mode, to: true) }
    case ("l", true): for mode in numbers { setMode(mode, to: false) }
    case ("s", true): saved = saved.subtracting(numbers).union(modes.intersection(numbers))
    case ("r", true): for mode in numbers { setMode(mode, to: saved.contains(mode)) }
    case ("h", false), ("l", false), ("t", false), ("p", true), ("c", false): break
    case ("H", _), ("f", _):
      cursor = (
        min(columns, max(1, numbers.count > 1 ? numbers[1] : 1)) - 1, min(rows, first) - 1
      )
    case ("A", _): cursor.y = max(0, cursor.y - first)
    case ("B", _): cursor.y = min(rows - 1, cursor.y + first)
    case ("C", _): cursor.x = min(columns - 1, cursor.x + first)
    case ("D", _): cursor.x = max(0, min(cursor.x, columns - 1) - first)
    case ("G", _): cursor.x = min(columns, first) - 1
    case ("d", _): cursor.y = min(rows, first) - 1
    case ("J", _), ("K", _): erase(numbers.first ?? 0, screen: final == "J")
    case ("X", _):
      for x in cursor.x..<min(columns, cursor.x + first) { cells[cursor.y][x] = " " }
    case ("P", _):
      for _ in 0..<first {
        cells[cursor.y].remove(at: min(cursor.x, columns - 1))
        cells[cursor.y].append(" ")
      }
    case ("@", _):
      for _ in 0..<first {
        cells[cursor.y].insert(" ", at: min(cursor.x, columns - 1))
        cells[cursor.y].removeLast()
      }
    case ("b", _): for _ in 0..<first { for scalar in lastPrinted.unicodeScalars { put(scalar) } }
    case ("m", _):
      if numbers.contains(where: { (30...49).contains($0) || (90...107).contains($0) }) {
        colorChanges += 1
      }
    case ("S", false): scroll(region, by: first)
    case ("T", false): scroll(region, by: -first)
    case ("L", false), ("M", false):
      guard region.contains(cursor.y) else { break }
      scroll(cursor.y..<region.upperBound, by: final == "M" ? first : -first)
    case ("r", false):
      let last = numbers.count > 1 && numbers[1] > 0 ? min(rows, numbers[1]) : rows
      region = first - 1 < last ? first - 1..<last : 0..<rows
      cursor = (0, 0)
    default: unknown.append("CSI \(body)\(final)")
    }
  }

  private mutating func erase(_ mode: Int, screen: Bool) {
    let column = min(cursor.x, columns - 1)
    switch mode {
    case 0: for x in column..<columns { cells[cursor.y][x] = " " }
    case 1: for x in 0...column { cells[cursor.y][x] = " " }
    default: cells[cursor.y] = Array(repeating: " ", count: columns)
    }
    guard screen else { return }
    if mode == 2 || (mode == 0 && cursor == (0, 0)) {
      clears += 1
      pictures = []
    }
    for y in 0..<rows where mode == 2 || (mode == 0 && y > cursor.y) || (mode == 1 && y < cursor.y)
    {
      cells[y] = Array(repeating: " ", count: columns)
    }
  }

  private mutating func setMode(_ mode: Int, to isSet: Bool) {
    switch mode {
    case 25: isCursorShown = isSet
    case 1049:
      if isSet, !isAlternate { main = cells }
      if !isSet, isAlternate { cells = main }
      isAlternate = isSet
    case 1, 7, 12, 1034, 1036, 1002, 1006, 2004, 2026: break
    default: unknown.append("mode \(mode)")
    }
    if isSet { modes.insert(mode) } else { modes.remove(mode) }
  }
}
