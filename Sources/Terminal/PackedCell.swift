/// A style in 64 bits, so that cells are compared and copied as plain numbers.
struct PackedStyle: Hashable, Sendable {
  private let bits: UInt64

  init(_ style: Style) {
    var bits = PackedStyle.pack(style.foreground) | PackedStyle.pack(style.background) << 26
    if style.bold { bits |= 1 << 52 }
    if style.dim { bits |= 1 << 53 }
    if style.italic { bits |= 1 << 54 }
    if style.underline { bits |= 1 << 55 }
    if style.reverse { bits |= 1 << 56 }
    self.bits = bits
  }

  var style: Style {
    Style(
      foreground: PackedStyle.color(bits), background: PackedStyle.color(bits >> 26),
      bold: bits & 1 << 52 != 0, dim: bits & 1 << 53 != 0, italic: bits & 1 << 54 != 0,
      underline: bits & 1 << 55 != 0, reverse: bits & 1 << 56 != 0)
  }

  /// Two bits for the kind, 24 for the value.
  private static func pack(_ color: Color?) -> UInt64 {
    switch color {
    case nil: 0
    case .role(let role): 1 << 24 | UInt64(role.rawValue)
    case .indexed(let index): 2 << 24 | UInt64(index)
    case .rgb(let red, let green, let blue):
      3 << 24 | UInt64(red) << 16 | UInt64(green) << 8 | UInt64(blue)
    }
  }

  private static func color(_ bits: UInt64) -> Color? {
    switch bits >> 24 & 3 {
    case 1: Role(rawValue: UInt8(truncatingIfNeeded: bits)).map { .role($0) }
    case 2: .indexed(UInt8(truncatingIfNeeded: bits))
    case 3:
      .rgb(
        UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 8),
        UInt8(truncatingIfNeeded: bits))
    default: nil
    }
  }
}

/// A cell as a frame stores it: a scalar, or the number of a longer cluster, with width and style.
struct PackedCell: Hashable, Sendable {
  private(set) var code: UInt32
  private(set) var width: UInt8
  var style: PackedStyle

  static let blank = PackedCell(" ", 1, PackedStyle(.plain))

  private static let clusterFlag: UInt32 = 1 << 31

  init(_ scalar: Unicode.Scalar, _ columns: Int, _ style: PackedStyle) {
    code = scalar.value
    width = UInt8(columns)
    self.style = style
  }

  init(clusterIndex: Int, _ columns: Int, _ style: PackedStyle) {
    code = PackedCell.clusterFlag | UInt32(clusterIndex)
    width = UInt8(columns)
    self.style = style
  }

  init(secondColumnOf cell: PackedCell) {
    code = 0
    width = 0
    style = cell.style
  }

  /// The place of a longer cluster in its frame's list; nil for a single scalar.
  var clusterIndex: Int? {
    code & PackedCell.clusterFlag == 0 ? nil : Int(code & ~PackedCell.clusterFlag)
  }

  mutating func blank() {
    code = 0x20
    width = 1
  }
}
