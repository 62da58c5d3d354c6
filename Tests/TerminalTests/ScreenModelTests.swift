import TestSupport
import Testing

/// The terminal that other tests look through.
struct ScreenModelTests {
  private func screen(_ more: String) -> String {
    var model = ScreenModel(columns: 3, rows: 5)
    model.feed("a\r\nb\r\nc\r\nd\r\ne".utf8)
    model.feed(more.utf8)
    #expect(model.unknown.isEmpty)
    return model.text
  }

  @Test func onlyTheRegionScrolls() {
    #expect(screen("\u{1B}[2;4r\u{1B}[1S") == "a\nc\nd\n\ne")
    #expect(screen("\u{1B}[2;4r\u{1B}[2T") == "a\n\n\nb\ne")
    #expect(screen("\u{1B}[2;4r\u{1B}[4;1H\n") == "a\nc\nd\n\ne")
    #expect(screen("\u{1B}[2;4r\u{1B}[2;1H\u{1B}M") == "a\n\nb\nc\ne")
  }

  @Test func aRegionEndsWhenItIsSetWithoutRows() {
    #expect(screen("\u{1B}[2;4r\u{1B}[r\u{1B}[1S") == "b\nc\nd\ne\n")
    #expect(screen("\u{1B}[2;4r\u{1B}[9S") == "a\n\n\n\ne")
  }

  @Test func rowsAreInsertedAndRemovedWithinTheRegion() {
    #expect(screen("\u{1B}[2;4r\u{1B}[3;1H\u{1B}[L") == "a\nb\n\nc\ne")
    #expect(screen("\u{1B}[2;4r\u{1B}[2;1H\u{1B}[2M") == "a\nd\n\n\ne")
  }
}
