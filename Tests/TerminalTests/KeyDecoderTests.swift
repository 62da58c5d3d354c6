import Terminal
import Testing

@Suite struct KeyDecoderTests {
  private func keys(_ text: String) -> [Key] {
    var decoder = KeyDecoder()
    return decoder.feed(text.utf8).map(\.key) + decoder.flush().map(\.key)
  }

  static let table: [(String, [Key])] = [
    ("a\u{E9}日😀", [.character("a"), .character("é"), .character("日"), .character("😀")]),
    ("\r\n\t\u{7F}\u{08}", [.enter, .control("j"), .tab, .backspace, .backspace]),
    (
      "\u{1B}[A\u{1B}OB\u{1B}[1;5C\u{1B}[1;2D",
      [
        .up, .down, .modified(.control, .right), .modified(.shift, .left),
      ]
    ),
    (
      "\u{1B}[1~\u{1B}[4~\u{1B}[7~\u{1B}[8~\u{1B}[H\u{1B}OF",
      [
        .home, .end, .home, .end, .home, .end,
      ]
    ),
    (
      "\u{1B}OP\u{1B}[11~\u{1B}[[A\u{1B}[15~\u{1B}[24~\u{1B}[1;2P",
      [
        .function(1), .function(1), .function(1), .function(5), .function(12),
        .modified(.shift, .function(1)),
      ]
    ),
    (
      "\u{1B}[2~\u{1B}[3~\u{1B}[5~\u{1B}[6~\u{1B}[Z",
      [.insert, .delete, .pageUp, .pageDown, .backtab]
    ),
    (
      "\u{1B}[a\u{1B}Oc\u{1B}[3$\u{1B}[5^\u{1B}[6@",
      [
        .modified(.shift, .up), .modified(.control, .right), .modified(.shift, .delete),
        .modified(.control, .pageUp), .modified(.shiftControl, .pageDown),
      ]
    ),
    (
      "\u{1B}x\u{1B}1\u{1B}\r\u{1B}\u{7F}\u{1B}é",
      [
        .alt(.character("x")), .alt(.character("1")), .alt(.enter), .alt(.backspace),
        .alt(.character("é")),
      ]
    ),
    ("\u{1B}\u{1B}[A\u{1B}[1;3B", [.alt(.up), .alt(.down)]),
    (
      "\u{1B}[13;2u\u{1B}[97;5u\u{1B}[27;5;99~\u{1B}[120;3u\u{1B}[97;1:3u",
      [
        .modified(.shift, .enter), .control("a"), .control("c"), .alt(.character("x")),
      ]
    ),
    (
      "\u{1B}[<0;10;5M\u{1B}[<0;10;5m\u{1B}[<64;1;1M\u{1B}[M !!",
      [
        .mouse(MouseEvent(.press, at: Point(x: 9, y: 4))),
        .mouse(MouseEvent(.release, at: Point(x: 9, y: 4))),
        .mouse(MouseEvent(.wheelUp, at: Point(x: 0, y: 0))),
        .mouse(MouseEvent(.press, at: Point(x: 0, y: 0))),
      ]
    ),
    ("\u{1B}[I\u{1B}[O", [.focus(true), .focus(false)]),
    ("\u{1B}[200~a\r\nb\rc\u{1B}[Ad\u{1B}[201~e", [.paste("a\nb\nc\u{1B}[Ad"), .character("e")]),
    ("\u{1B}[200~\u{1B}[201~", [.paste("")]),
    ("\u{1B}OMx\u{1B}Oq", [.enter, .character("x"), .character("1")]),
    // Replies and unknown sequences leave nothing behind.
    ("\u{1B}[?1;2c\u{1B}[24;80Rx\u{1B}[?2026;2$y\u{1B}[>0;276;0c", [.character("x")]),
    (
      "\u{1B}]11;rgb:ffff/ffff/ffff\u{1B}\\a\u{1B}]52;c;cm0gLXJm\u{07}b",
      [
        .character("a"), .character("b"),
      ]
    ),
    (
      "\u{1B}P1$r0m\u{1B}\\a\u{1B}_Gi=1;OK\u{1B}\\b\u{1B}[99;99;99x",
      [.character("a"), .character("b")]
    ),
    ("\u{1B}[12\u{1B}[A", [.up]),
  ]

  @Test(arguments: table)
  func sequencesAreDecoded(text: String, expected: [Key]) {
    #expect(keys(text) == expected)
  }

  @Test(arguments: table)
  func splittingAtAnyByteChangesNothing(text: String, expected: [Key]) {
    let bytes = Array(text.utf8)
    for split in 0...bytes.count {
      var decoder = KeyDecoder()
      let found = decoder.feed(bytes[..<split]) + decoder.feed(bytes[split...]) + decoder.flush()
      #expect(found.map(\.key) == expected, "split at \(split)")
    }
    var decoder = KeyDecoder()
    var single: [Key] = []
    for byte in bytes { single += decoder.feed([byte]).map(\.key) }
    #expect(single + decoder.flush().map(\.key) == expected)
  }

  @Test func escapeAloneWaitsForItsTime() {
    var decoder = KeyDecoder()
    #expect(decoder.feed([0x1B]).isEmpty)
    #expect(decoder.pendingTimeout == .milliseconds(25))
    #expect(decoder.flush().map(\.key) == [.escape])
    #expect(decoder.pendingTimeout == nil)
    #expect(keys("\u{1B}\u{1B}") == [.escape, .escape])
    #expect(keys("\u{1B}[") == [.alt(.character("["))])
    #expect(keys("\u{1B}O") == [.alt(.character("O"))])
    #expect(keys("\u{1B}]") == [.alt(.character("]"))])
    #expect(keys("\u{1B}P") == [.alt(.character("P"))])
  }

  @Test func keysCarryTheirBytes() {
    var decoder = KeyDecoder()
    let events = decoder.feed("\u{1B}[1;5Cé\u{1B}[97;5u".utf8)
    #expect(events.map(\.bytes) == [Array("\u{1B}[1;5C".utf8), Array("é".utf8), [0x01]])
  }

  @Test func invalidBytesAreSwallowed() {
    var decoder = KeyDecoder()
    #expect(
      decoder.feed([0xFF, 0x61, 0xE6, 0x62, 0x80, 0xC0, 0x80, 0x63]).map(\.key) == [
        .character("a"), .character("b"), .character("c"),
      ])
  }

  @Test func theTerminalsOwnSequencesWin() {
    var decoder = KeyDecoder(sequences: [Array("\u{1B}[A".utf8): .function(9)])
    #expect(decoder.feed("\u{1B}[A\u{1B}[B".utf8).map(\.key) == [.function(9), .down])
  }

  @Test func anUnterminatedPasteEndsByFlush() {
    var decoder = KeyDecoder()
    #expect(decoder.feed("\u{1B}[200~rm -rf\r".utf8).isEmpty)
    #expect(decoder.pendingTimeout == .milliseconds(1000))
    #expect(decoder.flush().map(\.key) == [.paste("rm -rf\n")])
    #expect(decoder.feed("x".utf8).map(\.key) == [.character("x")])
  }

  @Test func anEndMarkInsideAPasteDoesNotLetItsRestAct() {
    #expect(keys("\u{1B}[200~a\u{1B}[201~\rb\u{1B}[201~") == [.paste("a\u{1B}[201~\nb")])
    #expect(
      keys("\u{1B}[200~a\u{1B}[201~x\u{1B}[200~b\u{1B}[201~") == [
        .paste("a"), .character("x"), .paste("b"),
      ])
  }

  @Test func aPasteOfTenMegabytesIsOneKey() {
    let text = String(repeating: "0123456789abcde\n", count: 10 << 16)
    var decoder = KeyDecoder()
    var found: [KeyEvent] = []
    let bytes = Array(("\u{1B}[200~" + text + "\u{1B}[201~").utf8)
    for start in stride(from: 0, to: bytes.count, by: 65536) {
      found += decoder.feed(bytes[start..<min(bytes.count, start + 65536)])
    }
    #expect(found.map(\.key) == [.paste(text)])
  }

  @Test func askedForRepliesAreKept() {
    var decoder = KeyDecoder()
    _ = decoder.feed("\u{1B}]11;rgb:ffff/8080/0000\u{07}\u{1B}[?2026;2$y\u{1B}[3;7R".utf8)
    #expect(
      decoder.takeReplies() == [
        .color(number: 11, red: 255, green: 128, blue: 0), .mode(number: 2026, state: 2),
        .cursor(row: 3, column: 7),
      ])
    #expect(decoder.takeReplies().isEmpty)
  }

  @Test func hostileRepliesDoNoHarm() {
    var decoder = KeyDecoder()
    for _ in 0..<1000 { _ = decoder.feed("\u{1B}[?2026;2$y\u{1B}]11;rgb:zz/\u{07}".utf8) }
    #expect(decoder.takeReplies().count == 16)
    #expect(
      decoder.feed(("\u{1B}[" + String(repeating: "9", count: 5000) + "A").utf8).allSatisfy {
        $0.key == .character("9") || $0.key == .character("A")
      })
    #expect(decoder.feed("\u{1B}]0;".utf8).isEmpty)
    #expect(decoder.feed(Array(repeating: 0x41, count: 1 << 20)).isEmpty)
    #expect(decoder.flush().isEmpty)
    #expect(decoder.feed("ok".utf8).count == 2)
  }

  @Test func randomBytesNeverTrapAndNeverYieldControls() {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    let favourites: [UInt8] = [
      0x1B, 0x5B, 0x4F, 0x3B, 0x7E, 0x5D, 0x07, 0x32, 0x30, 0x31, 0x24, 0xE6,
    ]
    var decoder = KeyDecoder()
    for _ in 0..<20_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let pick = Int(state >> 33)
      let byte = pick % 3 == 0 ? UInt8(truncatingIfNeeded: pick >> 8) : favourites[(pick >> 8) % 12]
      var events = decoder.feed([byte])
      if pick % 97 == 0 { events += decoder.flush() }
      for case .character(let character) in events.map(\.key) {
        #expect(!character.unicodeScalars.contains(where: VisibleText.isHostile))
      }
    }
  }
}

@Suite struct InputRouterTests {
  @Test func onlyClaimedKeysLeaveThePrompt() {
    var router = InputRouter()
    var destinations: [InputRouter.Destination] = []
    router.feed(
      "a\u{1B}OPb\u{03}\u{1B}[1;9Xé\u{1B}[200~p\r\u{1B}[201~".utf8,
      claims: { [.function(1), .control("c")].contains($0) }, deliver: { destinations.append($0) })
    #expect(
      destinations == [
        .prompt([0x61]), .application(.function(1)), .prompt([0x62]), .application(.control("c")),
        .prompt(Array("é".utf8)), .paste("p\n"),
      ])
  }

  @Test func aClaimSeesWhatTheKeyBeforeDid() {
    var router = InputRouter()
    var isPromptFocused = true
    var log: [String] = []
    router.feed(
      "a\u{1B}[11~b".utf8, claims: { !isPromptFocused || $0 == .function(1) },
      deliver: {
        log.append("\($0)")
        if $0 == .application(.function(1)) { isPromptFocused = false }
      })
    #expect(log.count == 3)
    #expect(log.last?.contains("application") == true)
  }
}
