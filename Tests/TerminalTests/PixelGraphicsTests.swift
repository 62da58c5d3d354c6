import Terminal
import Testing

/// Pictures in real pixels: what terminals say of them, and the bytes that show them.
@Suite struct PixelGraphicsTests {
  private static let usual = Size(width: 8, height: 16)
  private static let number = 1_346_454_341

  /// The left half red, the right half blue.
  private static func halves(_ width: Int, _ height: Int, in area: Rect) throws -> PixelPicture {
    let pixels = (0..<width * height).flatMap { pixel -> [UInt8] in
      pixel % width < width / 2 ? [255, 0, 0, 255] : [0, 0, 255, 255]
    }
    return try #require(PixelPicture(pixels: pixels, width: width, height: height, area: area))
  }

  /// What can be neither run together nor told by few colours.
  private static func noise(_ width: Int, _ height: Int, in area: Rect) throws -> PixelPicture {
    var state: UInt32 = 1
    let pixels = (0..<4 * width * height).map { place -> UInt8 in
      state = state &* 1_664_525 &+ 1_013_904_223
      return place % 4 == 3 ? 255 : UInt8(state >> 24)
    }
    return try #require(PixelPicture(pixels: pixels, width: width, height: height, area: area))
  }

  // MARK: Detection

  private static func encoding(
    _ answer: [[UInt8]], isTmux: Bool = false
  ) -> PixelGraphics.Encoding? {
    var detection = PixelDetection()
    _ = detection.question(isTmux: isTmux)
    var decoder = KeyDecoder()
    for bytes in answer {
      #expect(decoder.feed(bytes).isEmpty, "an answer became a key")
      for reply in decoder.takeReplies() { _ = detection.note(reply) }
    }
    #expect(decoder.flush().isEmpty, "the rest of an answer became a key")
    return detection.encoding
  }

  static let answers: [(String, PixelGraphics.Encoding?)] = [
    ("\u{1B}_Gi=1346454341;OK\u{1B}\\\u{1B}[?62;c", .kitty),
    ("\u{1B}_Gi=1346454341,p=1;OK\u{1B}\\\u{1B}[?62;4c", .kitty),
    ("\u{1B}[?62;4;22c", .sixel),
    ("\u{1B}[?1;2;4c", .sixel),
    ("\u{1B}[?1;2c", nil),
    ("", nil),
    // The first number is the class: VT132.
    ("\u{1B}[?4;6c", nil),
    ("\u{1B}_Gi=1346454341;ENOTSUPPORTED:no\u{1B}\\\u{1B}[?62c", nil),
    ("\u{1B}_Gi=1346454341;ENOTSUPPORTED:no\u{1B}\\\u{1B}[?62;4c", .sixel),
    // Another program's answer, none at all, and one that comes after the last.
    ("\u{1B}_Gi=31;OK\u{1B}\\\u{1B}[?62c", nil),
    ("\u{1B}_G;OK\u{1B}\\\u{1B}_Gi=;OK\u{1B}\\\u{1B}_OK\u{1B}\\", nil),
    ("\u{1B}_Gi=+1346454341;OK\u{1B}\\", nil),
    ("\u{1B}_Gi=1346454341,i=1346454341;OK\u{1B}\\", nil),
    ("\u{1B}_Gi=99999999999999999999999999;OK\u{1B}\\", nil),
    ("\u{1B}_Gi=1346454341;OKAY\u{1B}\\", nil),
    ("\u{1B}]Gi=1346454341;OK\u{1B}\\", nil),
    ("\u{1B}[?62c\u{1B}_Gi=1346454341;OK\u{1B}\\\u{1B}[?62;4c", nil),
    // Cancelled, or cut by another sequence.
    ("\u{1B}_Gi=1346454341;OK\u{18}", nil),
    ("\u{1B}_Gi=1346454341;OK\u{1B}[?62c", nil),
    ("\u{1B}_Gi=1346454341;OK", nil),
  ]

  @Test(arguments: answers)
  func theTerminalsAnswerDecides(answer: String, expected: PixelGraphics.Encoding?) {
    #expect(Self.encoding([Array(answer.utf8)]) == expected)
  }

  @Test(arguments: answers)
  func anAnswerInTwoPiecesIsTheSame(answer: String, expected: PixelGraphics.Encoding?) {
    let bytes = Array(answer.utf8)
    for split in 0...bytes.count {
      #expect(
        Self.encoding([Array(bytes[..<split]), Array(bytes[split...])]) == expected,
        "split at \(split)")
    }
  }

  @Test func anEndlessAnswerIsSwallowed() {
    let long = Array("\u{1B}_Gi=1346454341".utf8) + [UInt8](repeating: 0x2C, count: 1 << 20)
    #expect(Self.encoding([long, Array(";OK\u{1B}\\".utf8)]) == nil)
    // Keys that fill what is kept, so that only the beginning looks like an answer.
    let start = Array("\u{1B}_Gi=1346454341,".utf8)
    let filled = start + [UInt8](repeating: 0x2C, count: 256 - start.count - 1)
    #expect(Self.encoding([filled, Array(";OK and more\u{1B}\\".utf8)]) == nil)
  }

  @Test func withoutAQuestionNothingIsAnAnswer() {
    var detection = PixelDetection()
    let isTaken = [
      detection.note(.graphics(number: Self.number, isSupported: true)),
      detection.note(.attributes([62, 4])),
    ]
    #expect(isTaken == [false, false] && detection.encoding == nil)
  }

  @Test func theQuestionIsPutOnce() {
    var detection = PixelDetection()
    let question = String(decoding: detection.question(isTmux: false), as: UTF8.self)
    #expect(question.hasPrefix("\u{1B}_Gi=1346454341,") && question.hasSuffix("\u{1B}\\\u{1B}[c"))
    let again = detection.question(isTmux: false)
    #expect(again.isEmpty)
    var inTmux = PixelDetection()
    let short = inTmux.question(isTmux: true)
    #expect(short == Array("\u{1B}[c".utf8))
  }

  // MARK: kitty

  /// The pieces of kitty's protocol: keys and data.
  private static func pieces(_ bytes: [UInt8], at place: String) throws -> [(String, [UInt8])] {
    let text = String(decoding: bytes, as: UTF8.self)
    let head = "\u{1B}7\u{1B}[\(place)H"
    try #require(text.hasPrefix(head) && text.hasSuffix("\u{1B}\\\u{1B}8"))
    let body = text.dropFirst(head.count).dropLast(4)
    return try body.split(separator: "\u{1B}\\").map { piece in
      try #require(piece.hasPrefix("\u{1B}_G"))
      let parts = piece.dropFirst(3).split(separator: ";", omittingEmptySubsequences: false)
      try #require(parts.count == 2)
      return (String(parts[0]), Array(parts[1].utf8))
    }
  }

  @Test func kittyGetsThePictureInPieces() throws {
    let picture = try Self.noise(64, 64, in: Rect(x: 10, y: 1, width: 40, height: 20))
    let graphics = PixelGraphics(encoding: .kitty, cell: Self.usual)
    let pieces = try Self.pieces(graphics.showing(picture), at: "2;11")
    #expect(
      pieces.first?.0 == "a=T,f=32,s=64,v=64,c=40,r=20,i=1346454341,C=1,q=2,m=1")
    #expect(pieces.dropFirst().dropLast().allSatisfy { $0.0 == "q=2,m=1" })
    #expect(pieces.last?.0 == "q=2,m=0")
    #expect(pieces.dropLast().allSatisfy { $0.1.count == 4096 })
    #expect(pieces.flatMap(\.1) == Clipboard.base64(picture.pixels))
  }

  @Test func aSmallPictureIsOnePiece() throws {
    let picture = try Self.halves(2, 2, in: Rect(x: 0, y: 0, width: 4, height: 2))
    let graphics = PixelGraphics(encoding: .kitty, cell: Self.usual)
    let pieces = try Self.pieces(graphics.showing(picture), at: "1;1")
    #expect(pieces.count == 1 && pieces[0].0.hasSuffix("C=1,q=2,m=0"))
    #expect(pieces[0].1 == Clipboard.base64(picture.pixels))
  }

  @Test(arguments: [(1500, 1000), (1, 1_000_000), (1_000_000, 1)])
  func aLargePictureIsMadeSmaller(_ width: Int, _ height: Int) throws {
    let picture = try Self.noise(width, height, in: Rect(x: 0, y: 0, width: 90, height: 30))
    let graphics = PixelGraphics(encoding: .kitty, cell: Self.usual)
    let bytes = graphics.showing(picture)
    #expect(bytes.count <= PixelGraphics.byteLimit)
    let pieces = try Self.pieces(bytes, at: "1;1")
    let numbers = pieces[0].0.split(separator: ",").reduce(into: [Substring: Int]()) { keys, key in
      let sides = key.split(separator: "=")
      keys[sides[0]] = Int(sides[1])
    }
    let size = Size(width: try #require(numbers["s"]), height: try #require(numbers["v"]))
    #expect(pieces.reduce(0) { $0 + $1.1.count } == (4 * size.width * size.height + 2) / 3 * 4)
    if width == 1500 { #expect(abs(size.width * 2 - size.height * 3) <= 3) }
    #expect(numbers["c"] == 90 && numbers["r"] == 30)
  }

  // MARK: sixel

  /// The colours of sixels by pixel, and how they were placed.
  private struct Sixels {
    var colors: [[Int]: [Int]] = [:]
    var head: String

    init(_ bytes: [UInt8]) throws {
      let text = String(decoding: bytes, as: UTF8.self)
      let start = try #require(text.range(of: "\u{1B}P"))
      try #require(text.hasSuffix("\u{1B}\\\u{1B}8"))
      head = String(text[..<start.lowerBound])
      let body = text[start.upperBound...].dropLast(4)
      // Nothing but the string itself may act: no control character stands in it.
      try #require(body.utf8.allSatisfy { (0x20..<0x7F).contains($0) })
      let quote = try #require(body.firstIndex(of: "q"))
      try read(Array(body[body.index(after: quote)...].utf8))
    }

    private mutating func read(_ bytes: [UInt8]) throws {
      var palette: [Int: [Int]] = [:]
      var (x, y, color, index, count) = (0, 0, 0, 0, 1)
      func numbers() -> [Int] {
        var found = [0]
        while index < bytes.count, bytes[index] == 0x3B || (0x30...0x39).contains(bytes[index]) {
          if bytes[index] == 0x3B {
            found.append(0)
          } else {
            found[found.count - 1] = found[found.count - 1] * 10 + Int(bytes[index] - 0x30)
          }
          index += 1
        }
        return found
      }
      while index < bytes.count {
        let byte = bytes[index]
        index += 1
        switch byte {
        case UInt8(ascii: "\""): _ = numbers()
        case UInt8(ascii: "#"):
          let values = numbers()
          color = values[0]
          if values.count == 5 { palette[color] = Array(values[2...]) }
        case UInt8(ascii: "!"): count = numbers()[0]
        case UInt8(ascii: "$"): x = 0
        case UInt8(ascii: "-"):
          x = 0
          y += 6
        case 0x3F...0x7E:
          for column in x..<x + count {
            for bit in 0..<6 where (byte - 0x3F) >> UInt8(bit) & 1 == 1 {
              colors[[column, y + bit]] = palette[color]
            }
          }
          x += count
          count = 1
        default: Issue.record("no sixel: \(byte)")
        }
      }
    }
  }

  @Test func sixelsHoldThePictureAndFillItsCells() throws {
    let picture = try Self.halves(16, 8, in: Rect(x: 3, y: 2, width: 16, height: 4))
    let graphics = PixelGraphics(encoding: .sixel, cell: Self.usual)
    let sixels = try Sixels(graphics.showing(picture))
    #expect(sixels.head == "\u{1B}7\u{1B}[3;4H")
    for y in 0..<60 {
      for x in 0..<128 {
        try #require(sixels.colors[[x, y]] == (x < 64 ? [100, 0, 0] : [0, 0, 100]), "\(x) \(y)")
      }
    }
    // Bands of six rows: what does not fill one is left out, so that no cell below is touched.
    #expect(sixels.colors.count == 128 * 60)
  }

  @Test func sixelsLeaveOutWhatHasNoColour() throws {
    let clear = try #require(
      PixelPicture(
        pixels: [0, 255, 0, 255, 9, 9, 9, 0], width: 2, height: 1,
        area: Rect(x: 0, y: 0, width: 4, height: 3)))
    let sixels = try Sixels(PixelGraphics(encoding: .sixel, cell: Self.usual).showing(clear))
    #expect(sixels.colors[[3, 3]] == [0, 100, 0] && sixels.colors[[20, 3]] == nil)
  }

  @Test func tooManySixelsBecomeFewer() throws {
    let area = Rect(x: 0, y: 1, width: 300, height: 100)
    let picture = try Self.noise(1200, 800, in: area)
    let bytes = PixelGraphics(encoding: .sixel, cell: Size(width: 10, height: 20)).showing(picture)
    #expect(bytes.count <= PixelGraphics.byteLimit && bytes.count > 100_000)
    #expect(bytes.suffix(4) == [0x1B, 0x5C, 0x1B, 0x38])
    // Smaller, and still in the middle.
    let sixels = try Sixels(bytes)
    let place = sixels.head.dropFirst(4).dropLast().split(separator: ";").compactMap { Int($0) }
    let width = 1 + (sixels.colors.keys.map { $0[0] }.max() ?? 0)
    #expect(abs(2 * (place[1] - 1) + width / 10 - area.width) <= 2)
    #expect(place[0] > 2)
  }

  @Test(arguments: [(200, 10), (20, 60), (100, 50)])
  func noSideOfSixelsIsLongerThanXtermTakes(_ columns: Int, _ rows: Int) throws {
    let picture = try Self.halves(16, 16, in: Rect(x: 0, y: 0, width: columns, height: rows))
    let cell = Size(width: 10, height: 20)
    let sixels = try Sixels(PixelGraphics(encoding: .sixel, cell: cell).showing(picture))
    let ends = [0, 1].map { side in 1 + (sixels.colors.keys.map { $0[side] }.max() ?? 0) }
    #expect(ends.allSatisfy { $0 <= 1000 } && ends.contains { $0 > 900 })
    #expect(abs(ends[0] * 2 * rows - ends[1] * columns) <= 60 * columns)
  }

  // MARK: Sizes

  @Test func aCellIsMeasuredWhereThatMakesSense() {
    func cell(_ width: Int, _ height: Int, columns: Int = 80, rows: Int = 24) -> Size {
      PixelGraphics.cell(columns: columns, rows: rows, width: width, height: height)
    }
    #expect(cell(800, 480) == Size(width: 10, height: 20))
    #expect(cell(805, 490) == Size(width: 10, height: 20))
    for (width, height) in [(0, 0), (65535, 480), (800, 65535), (80, 24), (-1, -1)] {
      #expect(cell(width, height) == Self.usual)
    }
    #expect(cell(800, 480, columns: 0, rows: 0) == Self.usual)
  }

  @Test func aShapeIsKeptByTheCellsOwnShape() {
    let area = Size(width: 80, height: 22)
    #expect(
      PictureCells.fit(width: 64, height: 64, in: area, cell: Size(width: 10, height: 20))
        == Size(width: 44, height: 22))
    #expect(
      PictureCells.fit(width: 64, height: 64, in: area, cell: Size(width: 10, height: 10))
        == Size(width: 22, height: 22))
    #expect(
      PictureCells.fit(width: 64, height: 16, in: area, cell: Size(width: 8, height: 16))
        == Size(width: 80, height: 10))
  }

  @Test func nothingIsShownOfNothing() {
    let area = Rect(x: 0, y: 0, width: 4, height: 4)
    let none = Rect(x: 0, y: 0, width: 0, height: 4)
    #expect(PixelPicture(pixels: [], width: 0, height: 0, area: area) == nil)
    #expect(PixelPicture(pixels: [1, 2, 3], width: 1, height: 1, area: area) == nil)
    #expect(PixelPicture(pixels: [1, 2, 3, 4], width: 1, height: 1, area: none) == nil)
  }
}
