import Foundation
import Inference
import PictureFiles
import Runtime
import TestSupport
import Testing

/// Pictures as files: what is written comes back, and what is broken is refused in words.
@Suite struct PictureFileTests {
  static func picture(width: Int = 7, height: Int = 5, seed: UInt64 = 1) throws -> Picture {
    var random = SplitMix64(seed: seed)
    let pixels = (0..<4 * width * height).map { _ in UInt8.random(in: 0...255, using: &random) }
    return try #require(Picture(width: width, height: height, pixels: pixels))
  }

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "/" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  @Test func aPNGComesBackWithItsTexts() throws {
    try withFolder { folder in
      let texts = [
        PictureFile.Text("Description", "ein rotes Herz \u{2764}\u{FE0F} \"quoted\""),
        PictureFile.Text("paceline", "{}"),
      ]
      let file = PictureFile(try Self.picture(), texts: texts)
      // A text of nothing is left out.
      try PictureFile(file.picture, texts: texts + [.init("empty", "")]).write(
        to: folder + "/a.png")
      #expect(try PictureFile.read(folder + "/a.png") == file)
    }
  }

  @Test func whatAPictureWasPaintedFromComesBack() throws {
    let request = PaintingRequest(
      description: "a red heart", seed: .max,
      methods: [MethodChoice("next-scale", values: ["guidance": 4.5])],
      branches: [PaintingBranch(step: 3, seed: 9)])
    let painted = PaintedPicture(request, step: nil)
    let file = painted.file(try Self.picture())
    #expect(try PaintedPicture.read(file)?.request == request)
    #expect(file["Description"] == "a red heart")
    #expect(try PaintedPicture.read(PictureFile(try Self.picture())) == nil)
    let broken = PictureFile(
      try Self.picture(), texts: [.init(PaintedPicture.key, "{\"seed\":-1}")])
    #expect(throws: InferenceError.self) { try PaintedPicture.read(broken) }
  }

  /// Two by three pixels of dark red, made by another program.
  static let samples: [String: String] = [
    "png":
      "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAFElEQVR4nGM8IafBwMDAxMDAgKAAFP4BFC/5naEAAAAASUVO"
      + "RK5CYII=",
    "jpeg":
      "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQ"
      + "ERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU"
      + "FBQUFBQUFBQUFBQUFBT/wAARCAADAAIDASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAA"
      + "AgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6"
      + "Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXG"
      + "x8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREA"
      + "AgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5"
      + "OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPE"
      + "xcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwDwSiiivz8/uA//2Q==",
    "webp":
      "UklGRjwAAABXRUJQVlA4IDAAAADQAQCdASoCAAMAAMASJaACdLoB+AADsAD++TbP/zsGxLteOf/7jy/ceX7jy/9xQAA=",
  ]

  @Test(arguments: samples.keys.sorted()) func formatsOfOtherProgramsAreRead(
    _ name: String
  ) throws {
    let bytes = [UInt8](
      try #require(Self.samples[name].flatMap { Data(base64Encoded: $0) }))
    let picture = try PictureFile.decode(bytes).picture
    #expect(picture.width == 2 && picture.height == 3)
    for (value, wanted) in zip(picture.pixels, [200, 30, 40, 255]) {
      #expect(abs(Int(value) - wanted) <= 6)
    }
    for length in 0..<bytes.count * 3 / 4 {
      #expect(throws: InferenceError.self) { try PictureFile.decode(Array(bytes.prefix(length))) }
    }
  }

  @Test func everyCutAndManyFlipsAreRefusedOrRead() throws {
    try withFolder { folder in
      try PictureFile(try Self.picture(), texts: [.init("a", "b")]).write(to: folder + "/a.png")
      let bytes = [UInt8](try Data(contentsOf: URL(filePath: folder + "/a.png")))
      // What follows the pixels may be missing.
      for length in 0..<bytes.count - 32 {
        #expect(throws: InferenceError.self) { try PictureFile.decode(Array(bytes.prefix(length))) }
      }
      var random = SplitMix64(seed: 2)
      for _ in 0..<2000 {
        var flipped = bytes
        for _ in 0..<3 {
          flipped[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(
            in: 1...255, using: &random)
        }
        // Either is fine; that nothing crashes is what is tested.
        _ = try? PictureFile.decode(flipped)
      }
    }
  }

  @Test func hugePicturesAreRefusedBeforeTheyAreRead() throws {
    // A header of 40,000 x 40,000 pixels.
    var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13]
    let header: [UInt8] =
      Array("IHDR".utf8) + [0, 0, 0x9C, 0x40, 0, 0, 0x9C, 0x40, 8, 6, 0, 0, 0]
    bytes += header
    var crc: UInt32 = ~0
    for byte in header {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    bytes += (0..<4).map { UInt8(truncatingIfNeeded: ~crc >> (24 - 8 * $0)) }
    let error = #expect(throws: InferenceError.self) { try PictureFile.decode(bytes) }
    #expect(error?.message.contains("too many") == true)
  }

  @Test func otherFilesAreRefusedInWords() throws {
    try withFolder { folder in
      try Data("hello".utf8).write(to: URL(filePath: folder + "/a.txt"))
      for (path, words) in [
        ("/a.txt", "neither PNG nor JPEG nor WebP"), ("/b.png", "no such file"), ("", "a folder"),
      ] {
        let error = #expect(throws: InferenceError.self) {
          try PictureFile.read(folder + path)
        }
        #expect(error?.message.contains(words) == true, "\(path): \(error?.message ?? "")")
      }
      let error = #expect(throws: InferenceError.self) {
        try PictureFile(try Self.picture()).write(to: folder + "/no/such/folder.png")
      }
      #expect(error?.code == .environment)
    }
  }

  @Test func coloursOfPaintedPicturesAreDividedByAlpha() {
    let values: [Float] = [0, -1, -1, 0, 1, 1, 1, 1, .nan, 0, 0, -1, 5, 0, -7, 0.5]
    let picture = Picture(width: 2, height: 2) { values[4 * $0 + $1] }
    // Half of full red at half alpha is full red; what has no alpha has no colour.
    #expect(picture.pixels.prefix(4) == [255, 0, 0, 128])
    #expect(picture.pixels[4..<8] == [255, 255, 255, 255])
    #expect(picture.pixels[8..<12] == [0, 0, 0, 0])
    #expect(picture.pixels[12..<16] == [255, 170, 0, 191])
    let flat = picture.flattened(red: 0, green: 0, blue: 0)
    #expect(flat.pixels.prefix(4) == [128, 0, 0, 255])
  }
}
