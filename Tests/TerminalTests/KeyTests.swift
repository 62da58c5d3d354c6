import Terminal
import Testing

@Suite struct KeyTests {
  @Test(arguments: [
    ("a", Key.character("a")), ("F5", .function(5)), ("C-c", .control("c")),
    ("M-x", .alt(.character("x"))), ("<enter>", .enter), ("<backtab>", .backtab),
    ("M-<enter>", .alt(.enter)), ("S-<up>", .modified(.shift, .up)),
    ("C-<left>", .modified(.control, .left)), ("C-S-<home>", .modified(.shiftControl, .home)),
    ("<space>", .character(" ")), ("C-<space>", .control(" ")), ("<lt>", .character("<")),
    ("日", .character("日")), ("?", .character("?")), ("M-C-a", .alt(.control("a"))),
    ("C-_", .control("_")), ("-", .character("-")), ("M--", .alt(.character("-"))),
  ])
  func namesAreReadBack(name: String, key: Key) {
    #expect(key.name == name)
    #expect(Key(name: name) == key)
  }

  @Test(arguments: ["", "F0", "F99", "<nope>", "C-", "Q-x", "hello"])
  func otherNamesAreRefused(name: String) {
    #expect(Key(name: name) == nil)
  }

  @Test func otherSpellingsAreUnderstood() {
    #expect(Key(name: "M-enter") == .alt(.enter))
    #expect(Key(name: "C-C") == .control("c"))
    #expect(Key(name: "<Escape>") == .escape)
    #expect(Key(name: "S-<tab>") == .backtab)
    #expect(Key(name: "C-i") == .tab)
  }

  @Test func scriptsMixTextAndNames() {
    #expect(
      Key.script("hi<enter><C-c><F5>a < b<M-1>") == [
        .character("h"), .character("i"), .enter, .control("c"), .function(5), .character("a"),
        .character(" "), .character("<"), .character(" "), .character("b"), .alt(.character("1")),
      ])
    #expect(Key.script("<unknown>") == nil)
  }

  @Test func bytesOfKeysAreDecodedToTheSameKeys() {
    let keys: [Key] = [
      .character("a"), .character("日"), .enter, .tab, .backtab, .backspace, .up, .down, .left,
      .right, .home, .end, .pageUp, .pageDown, .insert, .delete, .control("a"), .control(" "),
      .alt(.character("x")), .alt(.enter), .alt(.up), .alt(.backspace),
    ]
    for key in keys {
      var decoder = KeyDecoder()
      #expect(decoder.feed(key.legacyBytes).map(\.key) + decoder.flush().map(\.key) == [key])
    }
  }
}
