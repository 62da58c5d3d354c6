import Terminal
import Testing

@Suite struct CharacterWidthTests {
  @Test(arguments: [
    ("a", 1), ("é", 1), ("e\u{301}", 1), ("日", 2), ("한", 2), ("\u{1100}\u{1161}\u{11A8}", 2),
    ("ｱ", 1), ("Ａ", 2), ("😀", 2), ("👍🏽", 2), ("👩‍🔬", 2), ("🇩🇪", 2), ("❤️", 2), ("❤", 1), ("✅", 2),
    ("\u{1FAE8}", 2), ("─", 1), ("█", 1), ("⠿", 1), ("…", 1), ("\u{301}", 1), ("क्ष", 2), ("ß", 1),
    ("א", 1), ("\u{20000}", 2),
  ])
  func columnsOfAClusters(text: String, columns: Int) {
    #expect(text.count == 1)
    #expect(CharacterWidth.columns(text) == columns)
  }

  @Test(arguments: ["👩‍🔬", "👍🏽", "🇩🇪", "❤️", "क्ष", "\u{1100}\u{1161}"])
  func clustersOnWhichTerminalsDisagreeArePaintedPlainly(text: String) throws {
    let character = try #require(text.first)
    #expect(CharacterWidth.isUncertain(character))
    let form = CharacterWidth.paintable(character)
    #expect(CharacterWidth.columns(form) <= CharacterWidth.columns(character))
    for part in form { #expect(!CharacterWidth.isUncertain(part)) }
  }

  @Test func marksBeyondFourAreDropped() throws {
    let character = try #require(("a" + String(repeating: "\u{301}", count: 99)).first)
    #expect(CharacterWidth.paintable(character).unicodeScalars.count == 5)
  }

  @Test func everyScalarHasAWidth() {
    for value in stride(from: UInt32(0), to: 0x11_0000, by: 7) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      #expect((0...2).contains(CharacterWidth.columns(scalar)))
      #expect((0...2).contains(CharacterWidth.columns(Character(scalar))))
    }
  }
}
