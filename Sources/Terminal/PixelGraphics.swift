/// How a terminal shows real pixels, and the bytes for it.
package struct PixelGraphics: Hashable, Sendable {
  package enum Encoding: Hashable, Sendable {
    /// The graphics protocol of kitty: the terminal enlarges the picture and can take it away.
    case kitty
    /// Bands of six rows of pixels, which stand in the cells until these are erased.
    case sixel
  }

  package let encoding: Encoding

  /// Pixels of a cell.
  package let cell: Size

  package init(encoding: Encoding, cell: Size) {
    self.encoding = encoding
    self.cell = cell
  }

  /// No picture takes more bytes: those behind it wait until they are sent.
  package static let byteLimit = 1 << 21

  /// Pixels of a side of sixels: xterm shows nothing of a larger picture, unless it was told to.
  private static let sixelSideLimit = 1000

  /// What kitty's protocol knows our picture by; unlikely to be another program's.
  static let pictureNumber = 1_346_454_341

  /// The longest piece of data that the protocol allows.
  private static let chunkLength = 4096

  /// The bytes that show a picture; the cursor stays where it is.
  package func showing(_ picture: PixelPicture) -> [UInt8] {
    switch encoding {
    case .kitty: Self.kitty(picture)
    case .sixel: sixels(picture)
    }
  }

  /// The bytes that take the picture away.
  package var removal: [UInt8] {
    switch encoding {
    case .kitty: Array("\u{1B}_Ga=d,d=I,i=\(Self.pictureNumber),q=2\u{1B}\\".utf8)
    case .sixel: Array("\u{1B}[2J".utf8)
    }
  }

  private static func kitty(_ picture: PixelPicture) -> [UInt8] {
    // Four bytes a pixel, four digits of base64 for three bytes, and the chunks' own headers.
    let size = reduced(picture, toPixels: byteLimit / 6)
    let digits = Clipboard.base64(picture.pixels(scaledTo: size))
    let area = picture.area
    var keys =
      "a=T,f=32,s=\(size.width),v=\(size.height),c=\(area.width),r=\(area.height)"
      + ",i=\(pictureNumber),C=1,q=2"
    var bytes: [UInt8] = []
    for start in stride(from: 0, to: digits.count, by: chunkLength) {
      let end = min(start + chunkLength, digits.count)
      bytes += "\u{1B}_G\(keys),m=\(end < digits.count ? 1 : 0);".utf8
      bytes += digits[start..<end]
      bytes += [0x1B, 0x5C]
      keys = "q=2"
    }
    return placed(bytes, at: area.origin)
  }

  /// The size of a picture with at most so many pixels, in its shape as far as that goes.
  private static func reduced(_ picture: PixelPicture, toPixels limit: Int) -> Size {
    let count = picture.width * picture.height
    guard count > limit else { return Size(width: picture.width, height: picture.height) }
    let part = (Double(limit) / Double(count)).squareRoot()
    let width = min(limit, max(1, Int(Double(picture.width) * part)))
    let height = min(limit / width, max(1, Int(Double(picture.height) * part)))
    return Size(width: width, height: height)
  }

  private func sixels(_ picture: PixelPicture) -> [UInt8] {
    // Here each pixel of the screen is sent, so what would be too much is shown smaller.
    let area = picture.area
    let side = max(area.width * cell.width, area.height * cell.height)
    var part = min(1, Double(Self.sixelSideLimit) / Double(side))
    while true {
      let size = Size(
        width: max(1, Int(Double(area.width) * part)),
        height: max(1, Int(Double(area.height) * part)))
      let bytes = SixelEncoder.encode(picture, columns: size.width, rows: size.height, cell: cell)
      if bytes.count <= Self.byteLimit || size == Size(width: 1, height: 1) {
        return Self.placed(bytes, at: area.centred(size).origin)
      }
      part /= 2
    }
  }

  /// The bytes, written at a cell with the cursor saved meanwhile.
  private static func placed(_ bytes: [UInt8], at point: Point) -> [UInt8] {
    Array("\u{1B}7\u{1B}[\(point.y + 1);\(point.x + 1)H".utf8) + bytes + Array("\u{1B}8".utf8)
  }

  /// Pixels of a cell, from what the system says of the whole window; the usual ones where that makes no sense.
  package static func cell(columns: Int, rows: Int, width: Int, height: Int) -> Size {
    let usual = Size(width: 8, height: 16)
    guard columns > 0, rows > 0 else { return usual }
    let size = Size(width: width / columns, height: height / rows)
    let isSensible = (4...64).contains(size.width) && (8...128).contains(size.height)
    return isSensible ? size : usual
  }
}

/// What the terminal says about pixels, which it is asked once.
package struct PixelDetection: Sendable {
  /// What it can do, as far as it has said.
  package private(set) var encoding: PixelGraphics.Encoding?
  private var wasAsked = false
  private var isAnswered = false

  package init() {}

  /// The question; empty where it was put before.
  ///
  /// Any terminal answers the second part of it, device attributes, and in order: when that answer is here, no other
  /// one is to come. tmux would make a title of the first part, which it does not know.
  package mutating func question(isTmux: Bool) -> [UInt8] {
    guard !wasAsked else { return [] }
    wasAsked = true
    let kitty = "\u{1B}_Gi=\(PixelGraphics.pictureNumber),s=1,v=1,a=q,t=d,f=24;AAAA\u{1B}\\"
    return Array(((isTmux ? "" : kitty) + "\u{1B}[c").utf8)
  }

  /// Takes an answer; true if it made pixels possible.
  package mutating func note(_ reply: TerminalReply) -> Bool {
    guard wasAsked, !isAnswered else { return false }
    switch reply {
    case .graphics(number: PixelGraphics.pictureNumber, isSupported: true):
      encoding = .kitty
      return true
    case .attributes(let numbers):
      isAnswered = true
      // The first number is the terminal's class; among the others 4 stands for sixels.
      guard encoding == nil, numbers.dropFirst().contains(4) else { return false }
      encoding = .sixel
      return true
    default: return false
    }
  }
}
