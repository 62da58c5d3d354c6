import Inference
import Testing

@Suite struct DetokenizerTests {
  @Test func anySplitOfATextGivesTheWholeTextBack() {
    let text = "añ€ 日本語 👩‍👩‍👧 \u{10FFFF}e\u{301}"
    let bytes = Array(text.utf8)
    for length in 1...5 {
      var detokenizer = IncrementalDetokenizer()
      var result = ""
      for start in stride(from: 0, to: bytes.count, by: length) {
        result += detokenizer.append(Array(bytes[start..<min(start + length, bytes.count)]))
      }
      #expect(result + detokenizer.finish() == text)
    }
  }

  @Test func noPieceHoldsHalfACharacter() {
    var detokenizer = IncrementalDetokenizer()
    let emoji = Array("👍".utf8)
    #expect(detokenizer.append([emoji[0]]) == "")
    #expect(detokenizer.append([emoji[1]]) == "")
    #expect(detokenizer.append([emoji[2]]) == "")
    #expect(detokenizer.append([emoji[3], 0x21]) == "👍!")
    #expect(detokenizer.finish() == "")
  }

  @Test func invalidBytesBecomeReplacementCharactersAtOnce() {
    var detokenizer = IncrementalDetokenizer()
    #expect(detokenizer.append([0xFF, 0x61]) == "\u{FFFD}a")
    #expect(detokenizer.append([0x80]) == "\u{FFFD}")
    #expect(detokenizer.append([0xC0]) == "\u{FFFD}")
    #expect(detokenizer.append([0xE2, 0x82]) == "")
    #expect(detokenizer.append([0x41]) == "\u{FFFD}A")
  }

  @Test func aCharacterCutOffAtTheEndBecomesAReplacementCharacter() {
    var detokenizer = IncrementalDetokenizer()
    #expect(detokenizer.append([0x61, 0xF0, 0x9F]) == "a")
    #expect(detokenizer.finish() == "\u{FFFD}")
    #expect(detokenizer.finish() == "")
  }

  @Test func aByteThatCannotContinueTheCharacterIsNotHeldBack() {
    // E0 must be followed by A0...BF and F4 by 80...8F, so these never become characters.
    var detokenizer = IncrementalDetokenizer()
    let text = detokenizer.append([0xE0, 0x80]) + detokenizer.append([0x41]) + detokenizer.finish()
    #expect(text.hasSuffix("A"))
    #expect(text.dropLast().allSatisfy { $0 == "\u{FFFD}" })
  }

  @Test func randomBytesDecodeAsInOneGo() {
    var state: UInt64 = 9
    for _ in 0..<2000 {
      var bytes: [UInt8] = []
      for _ in 0..<12 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let pool: [UInt8] = [
          0x61, 0xC3, 0xA9, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x91, 0x8D, 0xFF, 0xED,
        ]
        bytes.append(pool[Int(state >> 33) % pool.count])
      }
      var detokenizer = IncrementalDetokenizer()
      var result = ""
      for byte in bytes { result += detokenizer.append([byte]) }
      #expect(result + detokenizer.finish() == String(decoding: bytes, as: UTF8.self))
    }
  }
}
