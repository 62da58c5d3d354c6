import Compute
import Glibc

/// Writes small GGUF files: any metadata, tensors of any weight format.
package struct GGUFWriter {
  /// A metadata value of one of the format's thirteen types.
  package indirect enum Value {
    case uint8(UInt8)
    case int8(Int8)
    case uint16(UInt16)
    case int16(Int16)
    case uint32(UInt32)
    case int32(Int32)
    case float32(Float)
    case bool(Bool)
    case string(String)
    case uint64(UInt64)
    case int64(Int64)
    case float64(Double)
    case strings([String])
    case float32s([Float])
    case int32s([Int32])
    case bools([Bool])
    /// An array of values of one type; an empty one needs the type's number.
    case array(elementType: UInt32, [Value])

    package var typeNumber: UInt32 {
      switch self {
      case .uint8: 0
      case .int8: 1
      case .uint16: 2
      case .int16: 3
      case .uint32: 4
      case .int32: 5
      case .float32: 6
      case .bool: 7
      case .string: 8
      case .strings, .float32s, .int32s, .bools, .array: 9
      case .uint64: 10
      case .int64: 11
      case .float64: 12
      }
    }
  }

  private struct TensorEntry {
    var name: String
    var typeNumber: UInt32
    var dimensions: [Int]
    var bytes: [UInt8]
  }

  package var version: UInt32 = 3
  /// Written as `general.alignment` where it is not the format's default of 32.
  package var alignment = 32
  private var metadata: [(key: String, value: Value)] = []
  private var tensors: [TensorEntry] = []

  package init() {}

  /// Adds a key, or changes the value of one that is there.
  package mutating func set(_ key: String, _ value: Value) {
    if let index = metadata.firstIndex(where: { $0.key == key }) {
      metadata[index].value = value
    } else {
      metadata.append((key, value))
    }
  }

  /// Takes a key out, where it is there.
  package mutating func remove(_ key: String) { metadata.removeAll { $0.key == key } }

  /// Adds a tensor `[rows, columns]` of row-major values, stored in `type`.
  package mutating func addTensor(
    _ name: String, _ type: ElementType, rows: Int, columns: Int, values: [Float]
  ) {
    precondition(values.count == rows * columns && columns % type.blockLength == 0)
    let dimensions = rows == 1 ? [columns] : [columns, rows]
    addTensor(
      name, typeNumber: type.rawValue, dimensions: dimensions,
      bytes: ReferenceQuantizer.bytes(of: values, as: type))
  }

  /// Adds a tensor as it is to stand in the file, right or wrong.
  package mutating func addTensor(
    _ name: String, typeNumber: UInt32, dimensions: [Int], bytes: [UInt8]
  ) {
    tensors.append(
      TensorEntry(name: name, typeNumber: typeNumber, dimensions: dimensions, bytes: bytes))
  }

  /// The file.
  package func bytes() -> [UInt8] {
    var entries = metadata
    if alignment != 32 { entries.append(("general.alignment", .uint32(UInt32(alignment)))) }
    var output = ByteOutput()
    output.bytes += Array("GGUF".utf8)
    output.append(version)
    output.append(UInt64(tensors.count))
    output.append(UInt64(entries.count))
    for (key, value) in entries {
      output.append(key)
      output.append(value.typeNumber)
      output.append(value)
    }
    var offset = 0
    for tensor in tensors {
      output.append(tensor.name)
      output.append(UInt32(tensor.dimensions.count))
      for dimension in tensor.dimensions { output.append(Int64(dimension)) }
      output.append(tensor.typeNumber)
      output.append(UInt64(offset))
      offset = (offset + tensor.bytes.count + alignment - 1) / alignment * alignment
    }
    for tensor in tensors {
      output.pad(to: alignment)
      output.bytes += tensor.bytes
    }
    return output.bytes
  }

  /// Writes the file.
  package func write(to path: String) throws {
    try Self.write(bytes(), to: path)
  }

  /// Writes bytes to a file.
  package static func write(_ bytes: [UInt8], to path: String) throws {
    guard let file = fopen(path, "wb") else { throw WritingError(path: path) }
    let written = fwrite(bytes, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else { throw WritingError(path: path) }
  }

  package struct WritingError: Error {
    package let path: String
  }
}

/// Little-endian output.
private struct ByteOutput {
  var bytes: [UInt8] = []

  mutating func append(_ value: some FixedWidthInteger) {
    for shift in stride(from: 0, to: value.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  mutating func append(_ text: String) {
    append(UInt64(text.utf8.count))
    bytes += Array(text.utf8)
  }

  mutating func pad(to alignment: Int) {
    while bytes.count % alignment != 0 { bytes.append(0) }
  }

  mutating func append(_ value: GGUFWriter.Value) {
    switch value {
    case .uint8(let value): append(value)
    case .int8(let value): append(value)
    case .uint16(let value): append(value)
    case .int16(let value): append(value)
    case .uint32(let value): append(value)
    case .int32(let value): append(value)
    case .uint64(let value): append(value)
    case .int64(let value): append(value)
    case .float32(let value): append(value.bitPattern)
    case .float64(let value): append(value.bitPattern)
    case .bool(let value): append(UInt8(value ? 1 : 0))
    case .string(let value): append(value)
    case .strings(let values): appendArray(8, values.map { .string($0) })
    case .float32s(let values): appendArray(6, values.map { .float32($0) })
    case .int32s(let values): appendArray(5, values.map { .int32($0) })
    case .bools(let values): appendArray(7, values.map { .bool($0) })
    case .array(let elementType, let values): appendArray(elementType, values)
    }
  }

  private mutating func appendArray(_ elementType: UInt32, _ values: [GGUFWriter.Value]) {
    append(elementType)
    append(UInt64(values.count))
    for value in values { append(value) }
  }
}
