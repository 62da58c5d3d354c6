import Compute

/// The type of a metadata value, numbered as in GGUF files.
package enum GGUFValueType: UInt32, Sendable {
  case uint8 = 0
  case int8 = 1
  case uint16 = 2
  case int16 = 3
  case uint32 = 4
  case int32 = 5
  case float32 = 6
  case bool = 7
  case string = 8
  case array = 9
  case uint64 = 10
  case int64 = 11
  case float64 = 12

  /// Bytes of one value, or nil where values differ in length.
  var byteCount: Int? {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .string, .array: nil
    }
  }

  var isInteger: Bool {
    switch self {
    case .uint8, .int8, .uint16, .int16, .uint32, .int32, .uint64, .int64: true
    case .float32, .float64, .bool, .string, .array: false
    }
  }
}

/// The key-value part of a GGUF file; values stay in the mapped file until they are asked for.
package struct GGUFMetadata: Sendable {
  /// Where one value lies.
  ///
  /// The parser has checked that it is whole and inside the file.
  struct Entry: Sendable {
    let key: String
    let type: GGUFValueType
    /// File offset of the value: of a string its characters, of an array its first element.
    let offset: Int
    /// Elements of an array, bytes of a string, otherwise 1.
    let count: Int
    var elementType: GGUFValueType?
    /// File offsets of the length fields of an array of strings or arrays, in units of bytes from `offset`.
    var elementOffsets: [UInt32] = []
  }

  let file: MappedFile
  let entries: [Entry]
  private let indices: [String: Int]

  init(file: MappedFile, entries: [Entry], indices: [String: Int]) {
    self.file = file
    self.entries = entries
    self.indices = indices
  }

  /// All keys in the order of the file.
  package var keys: [String] { entries.map(\.key) }
  package var count: Int { entries.count }

  package func contains(_ key: String) -> Bool { indices[key] != nil }

  /// The type of a value; of an array that of its elements, too.
  package func type(of key: String) -> (type: GGUFValueType, element: GGUFValueType?)? {
    entry(key).map { ($0.type, $0.elementType) }
  }

  /// A string; bytes that are not UTF-8 become U+FFFD.
  ///
  /// - Returns: nil where the key is missing or of another type.
  package func string(_ key: String) -> String? {
    guard let entry = entry(key), entry.type == .string else { return nil }
    return file.text(in: entry.offset..<entry.offset + entry.count)
  }

  /// An integer of any width that fits into an `Int`.
  package func integer(_ key: String) -> Int? {
    guard let entry = entry(key) else { return nil }
    return file.integer(entry.type, at: entry.offset)
  }

  /// A floating-point number, or an integer as one.
  package func float(_ key: String) -> Double? {
    guard let entry = entry(key) else { return nil }
    return file.float(entry.type, at: entry.offset)
  }

  package func boolean(_ key: String) -> Bool? {
    guard let entry = entry(key), entry.type == .bool else { return nil }
    return file.withBytes { $0[entry.offset] != 0 }
  }

  /// An array of strings.
  package func strings(_ key: String) -> GGUFStringArray? {
    guard let entry = entry(key), entry.elementType == .string else { return nil }
    return GGUFStringArray(file: file, offset: entry.offset, offsets: entry.elementOffsets)
  }

  /// An array of integers of any width.
  package func integers(_ key: String) -> GGUFIntegerArray? {
    guard let entry = entry(key), let type = entry.elementType, type.isInteger else { return nil }
    return GGUFIntegerArray(file: file, type: type, offset: entry.offset, count: entry.count)
  }

  /// An array of floating-point numbers.
  package func floats(_ key: String) -> GGUFFloatArray? {
    guard let entry = entry(key), let type = entry.elementType,
      type == .float32 || type == .float64
    else { return nil }
    return GGUFFloatArray(file: file, type: type, offset: entry.offset, count: entry.count)
  }

  /// An array of truth values.
  package func booleans(_ key: String) -> [Bool]? {
    guard let entry = entry(key), entry.elementType == .bool else { return nil }
    return file.withBytes { bytes in (0..<entry.count).map { bytes[entry.offset + $0] != 0 } }
  }

  /// A value as people read it, long strings and arrays shortened.
  package func printableValue(_ key: String, limit: Int = 60) -> String? {
    guard let entry = entry(key) else { return nil }
    switch entry.type {
    case .string: return Self.shortened(string(key) ?? "", limit: limit)
    case .bool: return boolean(key).map { $0 ? "true" : "false" }
    case .float32:
      return file.float(.float32, at: entry.offset).map { "\(Float($0))" }
    case .float64: return float(key).map { "\($0)" }
    case .uint64:
      return file.withBytes { "\($0.integer(UInt64.self, at: entry.offset))" }
    case .array: return printableArray(entry, key: key, limit: limit)
    default: return integer(key).map { "\($0)" }
    }
  }

  private func printableArray(_ entry: Entry, key: String, limit: Int) -> String {
    let shown = 3
    var items: [String] = []
    if let strings = strings(key) {
      items = strings.prefix(shown).map { "\"" + Self.shortened($0, limit: limit / shown) + "\"" }
    } else if let integers = integers(key) {
      items = integers.prefix(shown).map { "\($0)" }
    } else if let floats = floats(key) {
      items = floats.prefix(shown).map { "\(Float($0))" }
    } else if let booleans = booleans(key) {
      items = booleans.prefix(shown).map { $0 ? "true" : "false" }
    } else {
      return "\(entry.count) arrays"
    }
    if entry.count > items.count { items.append("... \(entry.count) in all") }
    return "[" + items.joined(separator: ", ") + "]"
  }

  private static func shortened(_ text: String, limit: Int) -> String {
    let escaped = text.unicodeScalars.prefix(limit).reduce(into: "") { result, scalar in
      switch scalar {
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      default:
        if scalar.properties.generalCategory == .control {
          result += "\\u{\(String(scalar.value, radix: 16))}"
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return text.unicodeScalars.count > limit ? escaped + "..." : escaped
  }

  private func entry(_ key: String) -> Entry? { indices[key].map { entries[$0] } }
}
