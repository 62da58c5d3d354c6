import Compute
import Inference
import Models
import TestSupport
import Testing

@Suite struct GGUFTests {
  private static func everyType() -> GGUFWriter {
    var writer = GGUFWriter()
    writer.set("general.architecture", .string("llama"))
    writer.set("u8", .uint8(200))
    writer.set("i8", .int8(-100))
    writer.set("u16", .uint16(60000))
    writer.set("i16", .int16(-30000))
    writer.set("u32", .uint32(4_000_000_000))
    writer.set("i32", .int32(-2_000_000_000))
    writer.set("f32", .float32(1.5))
    writer.set("bool", .bool(true))
    writer.set("string", .string("grüß\n"))
    writer.set("u64", .uint64(.max))
    writer.set("i64", .int64(.min))
    writer.set("f64", .float64(-2.25))
    writer.set("strings", .strings(["a", "", "ccc"]))
    writer.set("floats", .float32s([0.5, -1]))
    writer.set("integers", .int32s([3, -4, 5, 6]))
    writer.set("bools", .bools([true, false]))
    writer.set("bytes", .array(elementType: 0, [.uint8(7), .uint8(255)]))
    writer.set("nested", .array(elementType: 9, [.strings(["x"]), .int32s([1, 2])]))
    writer.set("empty", .array(elementType: 8, []))
    return writer
  }

  @Test(arguments: [UInt32(2), 3]) func metadataOfEveryTypeIsRead(_ version: UInt32) throws {
    var writer = Self.everyType()
    writer.version = version
    let gguf = try TinyFiles.load(writer.bytes())
    let metadata = gguf.metadata
    #expect(gguf.version == version)
    #expect(gguf.architecture == "llama")
    #expect(metadata.count == 20)
    #expect(metadata.keys.first == "general.architecture")
    #expect(metadata.keys.last == "empty")
    #expect(metadata.integer("u8") == 200)
    #expect(metadata.integer("i8") == -100)
    #expect(metadata.integer("u16") == 60000)
    #expect(metadata.integer("i16") == -30000)
    #expect(metadata.integer("u32") == 4_000_000_000)
    #expect(metadata.integer("i32") == -2_000_000_000)
    #expect(metadata.integer("u64") == nil)
    #expect(metadata.integer("i64") == .min)
    #expect(metadata.float("f32") == 1.5)
    #expect(metadata.float("f64") == -2.25)
    #expect(metadata.float("i8") == -100)
    #expect(metadata.boolean("bool") == true)
    #expect(metadata.string("string") == "grüß\n")
    #expect(try #require(metadata.strings("strings")).map { $0 } == ["a", "", "ccc"])
    #expect(try #require(metadata.floats("floats")).map { $0 } == [0.5, -1])
    #expect(try #require(metadata.integers("integers")).map { $0 } == [3, -4, 5, 6])
    #expect(try #require(metadata.integers("bytes")).map { $0 } == [7, 255])
    #expect(metadata.booleans("bools") == [true, false])
    #expect(try #require(metadata.strings("empty")).isEmpty)
    #expect(metadata.printableValue("nested") == "2 arrays")
    #expect(metadata.printableValue("u64") == "18446744073709551615")
    #expect(metadata.printableValue("string") == "grüß\\n")
    #expect(metadata.printableValue("integers") == "[3, -4, 5, ... 4 in all]")
    #expect(metadata.printableValue("floats") == "[0.5, -1.0]")
  }

  @Test func accessorsOfAnotherTypeGiveNothing() throws {
    let metadata = try TinyFiles.load(Self.everyType().bytes()).metadata
    #expect(metadata.string("u8") == nil)
    #expect(metadata.integer("string") == nil)
    #expect(metadata.integer("f32") == nil)
    #expect(metadata.float("string") == nil)
    #expect(metadata.boolean("u8") == nil)
    #expect(metadata.strings("integers") == nil)
    #expect(metadata.strings("string") == nil)
    #expect(metadata.integers("floats") == nil)
    #expect(metadata.floats("integers") == nil)
    #expect(metadata.strings("absent") == nil)
    #expect(metadata.printableValue("absent") == nil)
  }

  @Test(arguments: ElementType.allCases, [32, 64])
  func tensorsLieWhereTheTableSays(_ type: ElementType, _ alignment: Int) throws {
    var random = SplitMix64(seed: 3)
    let first = (0..<512).map { _ in random.normal() }
    let second = (0..<256).map { _ in random.normal() }
    var writer = GGUFWriter()
    writer.alignment = alignment
    writer.addTensor("first", type, rows: 2, columns: 256, values: first)
    writer.addTensor("second", type, rows: 1, columns: 256, values: second)
    let gguf = try TinyFiles.load(writer.bytes())
    #expect(gguf.headerByteCount % alignment == 0)
    #expect(gguf.tensors.map(\.name) == ["first", "second"])
    let tensor = try gguf.require("first", rows: 2, columns: 256)
    #expect((tensor.type, tensor.rows, tensor.columns) == (type, 2, 256))
    for (name, values) in [("first", first), ("second", second)] {
      let info = try #require(gguf.info(name))
      #expect(info.offset % alignment == 0)
      #expect(gguf.tensor(name)?.byteCount == info.byteCount)
      let stored = gguf.file.withBytes { bytes in
        (info.offset..<info.offset + info.byteCount).map { bytes[$0] }
      }
      #expect(stored == ReferenceQuantizer.bytes(of: values, as: type))
    }
  }

  @Test func wantedTensorsMustBeThereInTheirShape() throws {
    var writer = GGUFWriter()
    writer.addTensor("norm", .f32, rows: 1, columns: 8, values: [Float](repeating: 1, count: 8))
    writer.addTensor(
      "odd", typeNumber: 23, dimensions: [256, 2], bytes: [UInt8](repeating: 0, count: 272))
    let gguf = try TinyFiles.load(writer.bytes())
    #expect(throws: Never.self) { try gguf.require("norm", rows: 1, columns: 8) }
    #expect(gguf.tensor("absent") == nil)
    #expect(gguf.tensor("odd") == nil)
    #expect(gguf.info("odd")?.type.name == "IQ4_XS")
    for (name, rows, columns, code, words) in [
      ("absent", 1, 8, InferenceError.Code.modelFile, ["absent", "missing"]),
      ("norm", 2, 8, .modelFile, ["norm", "[1, 8]", "[2, 8]"]),
      ("odd", 2, 256, .unsupportedModel, ["odd", "IQ4_XS", "Q4_K"]),
    ] {
      let error = #expect(throws: InferenceError.self) {
        try gguf.require(name, rows: rows, columns: columns)
      }
      #expect(error?.code == code)
      for word in words { #expect(error?.message.contains(word) == true) }
    }
  }

  @Test func errorsSayWhatIsWrongAndWhere() throws {
    let valid = Self.everyType().bytes()
    var broken = valid
    let expect = { (bytes: [UInt8], words: [String]) in
      let error = try TinyFiles.error(bytes)
      #expect(error?.code == .modelFile)
      for word in words + (bytes.isEmpty ? [] : [".gguf"]) {
        #expect(error?.message.contains(word) == true, "\(word) in \(error?.message ?? "nothing")")
      }
    }
    try expect([], ["the file is empty"])
    try expect(Array("GGML".utf8) + valid.dropFirst(4), ["not a GGUF file", "47 47 4d 4c"])
    try expect([0x47, 0x47], ["not a GGUF file"])
    broken.replaceSubrange(4..<8, with: [1, 0, 0, 0])
    try expect(broken, ["version at byte 4", "too old"])
    broken.replaceSubrange(4..<8, with: [0, 0, 0, 3])
    try expect(broken, ["big-endian"])
    broken.replaceSubrange(4..<8, with: [9, 0, 0, 0])
    try expect(broken, ["version 9 is not known"])
    broken = valid
    broken.replaceSubrange(8..<16, with: [UInt8](repeating: 0xFF, count: 8))
    try expect(broken, ["tensor count at byte 8", "18446744073709551615"])
    broken = valid
    broken.replaceSubrange(16..<24, with: [0, 0, 0, 0, 0, 0, 0, 0x80])
    try expect(broken, ["metadata count at byte 16"])
    try expect(Array(valid.prefix(40)), ["metadata count at byte 16"])
    try expect(Array(valid.prefix(320)), [".gguf: ", "at byte", "the file"])
    try expect(Array(valid.dropLast(1)), ["length of empty"])
  }

  @Test func tablesThatLieAreRefused() throws {
    let floats = [UInt8](repeating: 0, count: 32)
    let error = { (type: UInt32, dimensions: [Int], twice: Bool) in
      var writer = GGUFWriter()
      writer.addTensor("t", typeNumber: type, dimensions: dimensions, bytes: floats)
      if twice { writer.addTensor("t", typeNumber: type, dimensions: dimensions, bytes: floats) }
      return try TinyFiles.error(writer.bytes())?.message ?? "no error"
    }
    #expect(try error(0, [8], false) == "no error")
    #expect(try error(0, [8], true).contains("\"t\" was there before"))
    #expect(try error(0, [9], false).contains("pass the end of the file"))
    #expect(try error(0, [], false).contains("0 is not 1 to 4"))
    #expect(try error(0, [1, 1, 1, 1, 8], false).contains("5 is not 1 to 4"))
    #expect(try error(0, [0], false).contains("0 is no valid length"))
    #expect(try error(0, [-1], false).contains("18446744073709551615 is no valid length"))
    #expect(try error(0, [1 << 32, 1 << 32], false).contains("product is too large"))
    #expect(
      try error(0, [1 << 61], false).contains("product is too large")
        || error(0, [1 << 61], false).contains("whole number"))
    #expect(try error(2, [8], false).contains("no whole number of Q4_0 blocks of 32"))
    #expect(try error(4, [8], false).contains("4 is no known tensor type"))
    #expect(try error(99, [8], false).contains("type of tensor t at byte"))
  }

  @Test(arguments: [UInt32(0), 1, 4, 24, 33, 1 << 31])
  func alignmentIsAPowerOfTwoOfAtLeastEight(_ alignment: UInt32) throws {
    var writer = GGUFWriter()
    writer.set("general.alignment", .uint32(alignment))
    let error = try TinyFiles.error(writer.bytes())
    #expect(error?.message.contains("general.alignment is \(alignment)") == true)
  }

  @Test func keysAndTruthValuesAreChecked() throws {
    var writer = GGUFWriter()
    writer.set("key", .bool(true))
    var bytes = writer.bytes()
    bytes[bytes.count - 1] = 2
    #expect(try TinyFiles.error(bytes)?.message.contains("key at byte") == true)
    writer.set("kez", .bool(true))
    bytes = writer.bytes()
    let last = try #require(bytes.lastIndex(of: UInt8(ascii: "z")))
    bytes[last] = UInt8(ascii: "y")
    #expect(try TinyFiles.error(bytes)?.message.contains("\"key\" was there before") == true)
    bytes[last] = 0xFF
    #expect(try TinyFiles.error(bytes)?.message.contains("not UTF-8") == true)
  }

  @Test func deepNestingEnds() throws {
    var value = GGUFWriter.Value.int32s([1])
    for _ in 0..<100 { value = .array(elementType: 9, [value]) }
    var writer = GGUFWriter()
    writer.set("deep", value)
    #expect(try TinyFiles.error(writer.bytes())?.message.contains("nested deeper") == true)
  }

  @Test func missingFilesAndFoldersAreSaid() {
    for path in ["/nonexistent/model.gguf", "/tmp"] {
      let error = #expect(throws: InferenceError.self) { try GGUF(path: path) }
      #expect(error?.code == .modelFile)
      #expect(error?.message.contains(path) == true)
    }
  }
}
