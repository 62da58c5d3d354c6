import Compute
import Inference

/// Reads the header of a GGUF file front to back and checks every field before using it.
struct GGUFParser {
  /// Keys longer than this are not allowed by the format.
  private static let keyLimit = 65_535
  /// Arrays of arrays deeper than this are refused.
  private static let nestingLimit = 8

  let file: MappedFile
  private(set) var offset = 0

  init(file: MappedFile) {
    self.file = file
  }

  var remaining: Int { file.byteCount - offset }

  /// An error that names the file, the field and where it lies.
  func failure(_ field: String, at offset: Int, _ reason: String) -> InferenceError {
    InferenceError(.modelFile, "\(file.path): \(field) at byte \(offset): \(reason)")
  }

  /// Magic and version.
  ///
  /// Leaves the offset behind them.
  mutating func readPreamble() throws(InferenceError) -> UInt32 {
    guard file.byteCount > 0 else {
      throw InferenceError(.modelFile, "\(file.path): the file is empty (0 bytes)")
    }
    guard file.byteCount >= 4, file.array(in: 0..<4) == Array("GGUF".utf8) else {
      let found = file.array(in: 0..<min(4, file.byteCount))
        .map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }
        .joined(separator: " ")
      throw InferenceError(
        .modelFile,
        "\(file.path): not a GGUF file: it begins with the bytes \(found) instead of \"GGUF\"")
    }
    offset = 4
    let version = try read(UInt32.self, "version")
    switch version {
    case 2, 3: return version
    case 1:
      throw failure("version", at: 4, "version 1 is too old: convert the model again")
    default:
      if version & 0xFFFF == 0 {
        throw failure("version", at: 4, "the file is big-endian; only little-endian files are read")
      }
      throw failure("version", at: 4, "version \(version) is not known (2 and 3 are)")
    }
  }

  /// A number of things of at least `minimumByteCount` bytes each.
  mutating func readCount(
    _ field: @autoclosure () -> String, minimumByteCount: Int
  ) throws(InferenceError) -> Int {
    let start = offset
    let count = try read(UInt64.self, field())
    guard count <= UInt64(remaining / max(minimumByteCount, 1)) else {
      throw failure(
        field(), at: start, "\(count) do not fit into the \(remaining) bytes that follow")
    }
    return Int(count)
  }

  /// The range of a string's characters.
  ///
  /// Leaves the offset behind them.
  mutating func readStringRange(
    _ field: @autoclosure () -> String
  ) throws(InferenceError) -> Range<Int> {
    let start = offset
    let length = try read(UInt64.self, field())
    guard length <= UInt64(remaining) else {
      throw failure(
        field(), at: start, "a length of \(length) passes the end of the file (\(remaining) left)")
    }
    let range = offset..<offset + Int(length)
    offset = range.upperBound
    return range
  }

  /// A key or tensor name.
  mutating func readName(_ field: @autoclosure () -> String) throws(InferenceError) -> String {
    let start = offset
    let range = try readStringRange(field())
    guard range.count <= Self.keyLimit else {
      throw failure(field(), at: start, "\(range.count) bytes are too long for a name")
    }
    guard let name = String(validating: file.array(in: range), as: UTF8.self) else {
      throw failure(field(), at: start, "the name is not UTF-8")
    }
    return name
  }

  mutating func readMetadata(count: Int) throws(InferenceError) -> GGUFMetadata {
    var entries: [GGUFMetadata.Entry] = []
    var indices: [String: Int] = [:]
    for index in 0..<count {
      let start = offset
      let key = try readName("key \(index)")
      guard indices.updateValue(index, forKey: key) == nil else {
        throw failure("key \(index)", at: start, "\"\(key)\" was there before")
      }
      entries.append(try readEntry(key: key))
    }
    return GGUFMetadata(file: file, entries: entries, indices: indices)
  }

  private mutating func readEntry(key: String) throws(InferenceError) -> GGUFMetadata.Entry {
    let type = try readValueType("type of \(key)")
    switch type {
    case .string:
      let range = try readStringRange("length of \(key)")
      return .init(key: key, type: type, offset: range.lowerBound, count: range.count)
    case .array:
      return try readArray(key: key, depth: 1)
    case .bool:
      let start = offset
      guard try read(UInt8.self, key) <= 1 else {
        throw failure(key, at: start, "a truth value is neither 0 nor 1")
      }
      return .init(key: key, type: type, offset: start, count: 1)
    default:
      let start = offset
      try skip(type.byteCount ?? 0, key)
      return .init(key: key, type: type, offset: start, count: 1)
    }
  }

  private mutating func readValueType(_ field: @autoclosure () -> String) throws(InferenceError)
    -> GGUFValueType
  {
    let start = offset
    let raw = try read(UInt32.self, field())
    guard let type = GGUFValueType(rawValue: raw) else {
      throw failure(field(), at: start, "\(raw) is no value type (0 to 12 are)")
    }
    return type
  }

  private mutating func readArray(
    key: String, depth: Int
  ) throws(InferenceError) -> GGUFMetadata.Entry {
    guard depth <= Self.nestingLimit else {
      throw failure(key, at: offset, "arrays are nested deeper than \(Self.nestingLimit) levels")
    }
    let element = try readValueType("element type of \(key)")
    let minimum = element.byteCount ?? (element == .string ? 8 : 12)
    let count = try readCount("length of \(key)", minimumByteCount: minimum)
    let first = offset
    var offsets: [UInt32] = []
    switch element {
    case .string: offsets = try readStrings(count: count, key: key)
    case .array:
      for _ in 0..<count { _ = try readArray(key: key, depth: depth + 1) }
    default: try skip(count * minimum, key)
    }
    return .init(
      key: key, type: .array, offset: first, count: count, elementType: element,
      elementOffsets: offsets)
  }

  /// Walks over the strings of an array and notes where each begins.
  private mutating func readStrings(count: Int, key: String) throws(InferenceError) -> [UInt32] {
    let first = offset
    var offsets: [UInt32] = []
    offsets.reserveCapacity(count)
    let end = file.withBytes { bytes in
      var position = first
      while offsets.count < count {
        guard position - first <= Int(UInt32.max), bytes.byteCount - position >= 8 else { break }
        let length = bytes.integer(UInt64.self, at: position)
        guard length <= UInt64(bytes.byteCount - position - 8) else { break }
        offsets.append(UInt32(position - first))
        position += 8 + Int(length)
      }
      return position
    }
    offset = end
    guard offsets.count == count else {
      throw failure(
        "element \(offsets.count) of \(key)", at: end, "the string passes the end of the file")
    }
    return offsets
  }

  mutating func read<Value: FixedWidthInteger & BitwiseCopyable>(
    _ type: Value.Type, _ field: @autoclosure () -> String
  ) throws(InferenceError) -> Value {
    let start = offset
    try skip(MemoryLayout<Value>.size, field())
    return file.withBytes { $0.integer(type, at: start) }
  }

  private mutating func skip(
    _ count: Int, _ field: @autoclosure () -> String
  ) throws(InferenceError) {
    guard count <= remaining else {
      throw failure(
        field(), at: offset, "the file ends here: \(count) bytes are needed, \(remaining) are left")
    }
    offset += count
  }
}
