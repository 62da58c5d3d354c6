/// A small text field of one line, for searches, filters and exact values.
///
/// readline is single and belongs to the prompt; this knows the core of the same keys.
package struct LineField: Hashable, Sendable {
  private var clusters: [Character]

  /// The cursor's place, in clusters.
  package private(set) var cursor: Int

  package init(_ text: String = "") {
    clusters = Array(text)
    cursor = clusters.count
  }

  package var text: String { String(clusters) }
  package var isEmpty: Bool { clusters.isEmpty }

  /// Acts on a key; false when the key means nothing here and is free for others.
  package mutating func handle(_ key: Key) -> Bool {
    switch key {
    case .character(let character): insert(String(character))
    case .paste(let text): insert(text)
    case .left, .control("b"): cursor = max(0, cursor - 1)
    case .right, .control("f"): cursor = min(clusters.count, cursor + 1)
    case .home, .control("a"): cursor = 0
    case .end, .control("e"): cursor = clusters.count
    case .alt(.character("b")), .modified(.control, .left): cursor = wordStart
    case .alt(.character("f")), .modified(.control, .right): cursor = wordEnd
    case .backspace: remove(max(0, cursor - 1)..<cursor)
    case .delete, .control("d"): remove(cursor..<min(clusters.count, cursor + 1))
    case .control("k"): remove(cursor..<clusters.count)
    case .control("u"): remove(0..<cursor)
    case .control("w"), .alt(.backspace): remove(wordStart..<cursor)
    default: return false
    }
    return true
  }

  /// Draws the field on the first row of `rect`, scrolled so that the cursor shows.
  package func draw(in rect: Rect, isFocused: Bool, style: Style = .plain, on frame: inout Frame) {
    guard !rect.isEmpty else { return }
    var first = cursor
    var used = 0
    // One column stays for a cursor after the last cluster.
    while first > 0, used + CharacterWidth.columns(clusters[first - 1]) < rect.width {
      first -= 1
      used += CharacterWidth.columns(clusters[first])
    }
    frame.write(String(clusters[first...]), at: rect.origin, style: style, width: rect.width)
    if isFocused { frame.cursor = Point(x: rect.x + used, y: rect.y) }
  }

  private var wordStart: Int {
    var index = cursor
    while index > 0, clusters[index - 1].isWhitespace { index -= 1 }
    while index > 0, !clusters[index - 1].isWhitespace { index -= 1 }
    return index
  }

  private var wordEnd: Int {
    var index = cursor
    while index < clusters.count, clusters[index].isWhitespace { index += 1 }
    while index < clusters.count, !clusters[index].isWhitespace { index += 1 }
    return index
  }

  /// Inserts on one line, without what has no shape; marks join the cluster before them.
  private mutating func insert(_ text: String) {
    let safe = VisibleText.sanitize(text, keepsLines: false)
    let before = Array(String(clusters[..<cursor]) + safe)
    clusters = before + clusters[cursor...]
    cursor = before.count
  }

  private mutating func remove(_ range: Range<Int>) {
    clusters.removeSubrange(range)
    cursor = range.lowerBound
  }
}
