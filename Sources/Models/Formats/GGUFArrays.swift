import Compute

/// The strings of a metadata array, read from the mapped file one by one.
package struct GGUFStringArray: RandomAccessCollection, Sendable {
  let file: MappedFile
  let offset: Int
  /// Bytes from `offset` to the length field of each string.
  let offsets: [UInt32]

  package var startIndex: Int { 0 }
  package var endIndex: Int { offsets.count }

  package subscript(index: Int) -> String { file.text(in: byteRange(at: index)) }

  /// Where the characters of a string lie in the file.
  package func byteRange(at index: Int) -> Range<Int> {
    file.withBytes { byteRange(at: index, in: $0) }
  }

  /// Where the characters of a string lie, for callers that hold the file's bytes already.
  func byteRange(at index: Int, in bytes: RawSpan) -> Range<Int> {
    let field = offset + Int(offsets[index])
    let start = field + 8
    return start..<start + Int(truncatingIfNeeded: bytes.integer(UInt64.self, at: field))
  }
}

/// The integers of a metadata array.
package struct GGUFIntegerArray: RandomAccessCollection, Sendable {
  let file: MappedFile
  let type: GGUFValueType
  let offset: Int
  package let count: Int

  package var startIndex: Int { 0 }
  package var endIndex: Int { count }

  /// The number at `index`; one beyond the range of `Int` reads as `Int.max`.
  package subscript(index: Int) -> Int {
    precondition(index >= 0 && index < count, "element \(index) of \(count)")
    return file.integer(type, at: offset + index * (type.byteCount ?? 0)) ?? .max
  }
}

/// The floating-point numbers of a metadata array.
package struct GGUFFloatArray: RandomAccessCollection, Sendable {
  let file: MappedFile
  let type: GGUFValueType
  let offset: Int
  package let count: Int

  package var startIndex: Int { 0 }
  package var endIndex: Int { count }

  package subscript(index: Int) -> Double {
    precondition(index >= 0 && index < count, "element \(index) of \(count)")
    return file.float(type, at: offset + index * (type.byteCount ?? 0)) ?? 0
  }
}

extension MappedFile {
  /// The text of a range that lies inside the file; bytes that are not UTF-8 become U+FFFD.
  func text(in range: Range<Int>) -> String {
    String(decoding: array(in: range), as: UTF8.self)
  }

  /// A copy of a range that lies inside the file.
  func array(in range: Range<Int>) -> [UInt8] {
    withBytes { bytes in
      var copy: [UInt8] = []
      copy.reserveCapacity(range.count)
      for offset in range { copy.append(bytes[offset]) }
      return copy
    }
  }

  /// An integer of the given type, or nil where the type is none or the value is beyond `Int`.
  func integer(_ type: GGUFValueType, at offset: Int) -> Int? {
    withBytes { bytes in
      switch type {
      case .uint8: Int(bytes.integer(UInt8.self, at: offset))
      case .int8: Int(bytes.integer(Int8.self, at: offset))
      case .uint16: Int(bytes.integer(UInt16.self, at: offset))
      case .int16: Int(bytes.integer(Int16.self, at: offset))
      case .uint32: Int(bytes.integer(UInt32.self, at: offset))
      case .int32: Int(bytes.integer(Int32.self, at: offset))
      case .uint64: Int(exactly: bytes.integer(UInt64.self, at: offset))
      case .int64: Int(bytes.integer(Int64.self, at: offset))
      case .float32, .float64, .bool, .string, .array: nil
      }
    }
  }

  /// A number of the given type as floating point, or nil where the type is no number.
  func float(_ type: GGUFValueType, at offset: Int) -> Double? {
    switch type {
    case .float32:
      withBytes { Double(Float(bitPattern: $0.integer(UInt32.self, at: offset))) }
    case .float64:
      withBytes { Double(bitPattern: $0.integer(UInt64.self, at: offset)) }
    case .uint64:
      withBytes { Double($0.integer(UInt64.self, at: offset)) }
    default: integer(type, at: offset).map(Double.init)
    }
  }
}
