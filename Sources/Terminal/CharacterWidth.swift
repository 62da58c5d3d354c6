/// The columns a grapheme cluster takes: one table for layout, painting and the prompt.
///
/// Terminals disagree on clusters that join several emoji or carry a variation selector. Those get
/// a fixed width here and are painted in a plain form of known width, padded to the cell.
package enum CharacterWidth {
  /// The columns of a cluster: 0, 1 or 2.
  ///
  /// A lone mark counts as 1, being shown on a space.
  package static func columns(_ character: Character) -> Int {
    if character.isASCII { return 1 }
    var scalars = character.unicodeScalars.makeIterator()
    guard let base = scalars.next() else { return 0 }
    let width = columns(base)
    guard let second = scalars.next() else { return isMark(base) ? 1 : width }
    if isRegionalIndicator(base) { return isRegionalIndicator(second) ? 2 : 1 }
    if width == 2 { return 2 }
    // A narrow base becomes an emoji by a selector, a joiner or a skin tone.
    for scalar in character.unicodeScalars.dropFirst() {
      if scalar.value == 0xFE0F || isSkinTone(scalar) { return 2 }
      if columns(scalar) == 2 { return 2 }
    }
    if isMark(base) { return 1 }
    // Conjuncts of Indic scripts hold a second letter, which takes its own column.
    let letters = character.unicodeScalars.count { columns($0) == 1 }
    return min(2, max(1, letters))
  }

  /// The columns of a text on one line, by cluster.
  package static func columns(_ text: some StringProtocol) -> Int {
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text.utf8.count }
    return text.reduce(0) { $0 + columns($1) }
  }

  /// Whether terminals disagree on the columns of this cluster.
  package static func isUncertain(_ character: Character) -> Bool {
    if character.isASCII { return false }
    let scalars = character.unicodeScalars
    guard let base = scalars.first, scalars.count > 1 else {
      return scalars.first.map { isRegionalIndicator($0) || isHexagram($0) } ?? false
    }
    if isRegionalIndicator(base) { return true }
    var letters = columns(base) > 0 ? 1 : 0
    for scalar in scalars.dropFirst() {
      if scalar.value == 0xFE0F || scalar.value == 0x200D || isSkinTone(scalar) { return true }
      if (0xE0020...0xE007F).contains(scalar.value) { return true }
      if columns(scalar) > 0 { letters += 1 }
    }
    return letters > 1 || scalars.contains { (0x1160...0x11FF).contains($0.value) }
  }

  /// The cluster as it may be painted: the base and at most four marks that add no column.
  ///
  /// For a cluster of uncertain width this is the part of certain width (the base emoji, the two
  /// letters of a flag); the painter fills the rest of the cell with spaces.
  package static func paintable(_ character: Character) -> String {
    if character.isASCII { return String(character) }
    let scalars = character.unicodeScalars
    guard let base = scalars.first else { return " " }
    if isRegionalIndicator(base) {
      return String(
        String.UnicodeScalarView(
          scalars.filter(isRegionalIndicator).compactMap {
            Unicode.Scalar($0.value - 0x1F1E6 + 0x41)
          }))
    }
    if isUncertain(character) { return String(base) }
    var kept = String.UnicodeScalarView()
    if isMark(base) { kept.append(" ") }
    kept.append(base)
    for scalar in scalars.dropFirst() where columns(scalar) == 0 && kept.count < 5 {
      kept.append(scalar)
    }
    return String(kept)
  }

  /// The columns of one scalar on its own: 0 for marks and formats, 2 for wide ones.
  package static func columns(_ scalar: Unicode.Scalar) -> Int {
    let value = scalar.value
    if value < 0x300 { return value == 0xAD ? 0 : 1 }
    // What graphs and most Chinese and Japanese text are made of, before asking the tables.
    if (0x2500...0x259F).contains(value) || (0x2800...0x28FF).contains(value) { return 1 }
    if (0x4E00...0x9FFF).contains(value) { return 2 }
    if isMark(scalar) || isFormat(scalar) { return 0 }
    if value >= 0x1160 && value <= 0x11FF { return 0 }
    return isWide(scalar) ? 2 : 1
  }

  static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x300 else { return false }
    return switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark: true
    default: false
    }
  }

  static func isFormat(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value >= 0xAD && scalar.properties.generalCategory == .format
  }

  private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
    let value = scalar.value
    if value < 0x1100 { return false }
    if scalar.properties.isEmojiPresentation { return !isRegionalIndicator(scalar) }
    var (low, high) = (0, wide.count - 1)
    while low <= high {
      let middle = (low + high) / 2
      if value < wide[middle].lowerBound {
        high = middle - 1
      } else if value > wide[middle].upperBound {
        low = middle + 1
      } else {
        return true
      }
    }
    return false
  }

  private static func isRegionalIndicator(_ scalar: Unicode.Scalar) -> Bool {
    (0x1F1E6...0x1F1FF).contains(scalar.value)
  }

  private static func isSkinTone(_ scalar: Unicode.Scalar) -> Bool {
    (0x1F3FB...0x1F3FF).contains(scalar.value)
  }

  /// Signs whose width Unicode 16 changed from one to two.
  private static func isHexagram(_ scalar: Unicode.Scalar) -> Bool {
    (0x4DC0...0x4DFF).contains(scalar.value) || (0x2630...0x2637).contains(scalar.value)
      || (0x268A...0x268F).contains(scalar.value)
  }

  /// East Asian wide and full-width blocks; emoji are known by their property.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x3247, 0x3250...0x4DBF,
    0x4E00...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19,
    0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF,
    0x1F200...0x1F265, 0x1FA70...0x1FAFF, 0x20000...0x2FFFD, 0x30000...0x3FFFD,
  ]
}
