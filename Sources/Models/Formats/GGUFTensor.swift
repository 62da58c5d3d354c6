import Compute
import Inference

/// An entry of a GGUF file's tensor table, checked to lie in the file.
package struct GGUFTensor: Sendable, Equatable {
  package let name: String
  package let type: GGMLType
  /// Lengths in the order of the file: the row's length comes first.
  package let dimensions: [Int]
  /// Where the data begins in the file, in bytes.
  package let offset: Int
  package let byteCount: Int

  package var columns: Int { dimensions[0] }
  package var rows: Int { dimensions.dropFirst().reduce(1, *) }
}

extension GGUFParser {
  /// The tensor table, with offsets made absolute.
  mutating func readTensors(
    count: Int, alignment: Int
  ) throws(InferenceError) -> (tensors: [GGUFTensor], indices: [String: Int]) {
    var entries: [(tensor: GGUFTensor, field: Int)] = []
    var indices: [String: Int] = [:]
    for index in 0..<count {
      let start = offset
      let name = try readName("name of tensor \(index)")
      guard indices.updateValue(index, forKey: name) == nil else {
        throw failure("name of tensor \(index)", at: start, "\"\(name)\" was there before")
      }
      entries.append(try readTensor(name: name, alignment: alignment))
    }
    let dataStart = (offset + alignment - 1) / alignment * alignment
    var tensors: [GGUFTensor] = []
    tensors.reserveCapacity(count)
    for (tensor, field) in entries {
      let room = file.byteCount - dataStart
      guard tensor.offset <= room, tensor.byteCount <= room - tensor.offset else {
        throw failure(
          "offset of tensor \(tensor.name)", at: field,
          "\(tensor.byteCount) bytes at \(tensor.offset) of the tensor data pass the end of the "
            + "file (\(max(room, 0)) bytes of data): it may be truncated")
      }
      tensors.append(
        GGUFTensor(
          name: tensor.name, type: tensor.type, dimensions: tensor.dimensions,
          offset: dataStart + tensor.offset, byteCount: tensor.byteCount))
    }
    return (tensors, indices)
  }

  /// One entry, its offset still relative to the tensor data, and where its offset field lies.
  private mutating func readTensor(
    name: String, alignment: Int
  ) throws(InferenceError) -> (GGUFTensor, field: Int) {
    let (dimensions, elements) = try readDimensions(name: name)
    let typeField = offset
    let rawType = try read(UInt32.self, "type of tensor \(name)")
    guard let type = GGMLType(rawValue: rawType) else {
      throw failure("type of tensor \(name)", at: typeField, "\(rawType) is no known tensor type")
    }
    guard let rowByteCount = type.rowByteCount(columns: dimensions[0]) else {
      throw failure(
        "type of tensor \(name)", at: typeField,
        "rows of \(dimensions[0]) values are no whole number of \(type.name) blocks of "
          + "\(type.blockLength)")
    }
    let (byteCount, overflow) = (elements / dimensions[0])
      .multipliedReportingOverflow(by: rowByteCount)
    guard !overflow else {
      throw failure("dimensions of tensor \(name)", at: typeField, "their product is too large")
    }
    let field = offset
    let raw = try read(UInt64.self, "offset of tensor \(name)")
    guard let offset = Int(exactly: raw), offset % alignment == 0 else {
      throw failure(
        "offset of tensor \(name)", at: field, "\(raw) is no multiple of the alignment \(alignment)"
      )
    }
    return (
      GGUFTensor(
        name: name, type: type, dimensions: dimensions, offset: offset, byteCount: byteCount), field
    )
  }

  /// One to four lengths of at least 1, and their product.
  private mutating func readDimensions(
    name: String
  ) throws(InferenceError) -> (dimensions: [Int], product: Int) {
    let start = offset
    let count = try read(UInt32.self, "dimension count of tensor \(name)")
    guard count >= 1, count <= 4 else {
      throw failure("dimension count of tensor \(name)", at: start, "\(count) is not 1 to 4")
    }
    var dimensions: [Int] = []
    var product = 1
    for _ in 0..<count {
      let field = offset
      let raw = try read(UInt64.self, "dimensions of tensor \(name)")
      guard let length = Int(exactly: raw), length >= 1 else {
        throw failure("dimensions of tensor \(name)", at: field, "\(raw) is no valid length")
      }
      let (next, overflow) = product.multipliedReportingOverflow(by: length)
      guard !overflow else {
        throw failure("dimensions of tensor \(name)", at: field, "their product is too large")
      }
      product = next
      dimensions.append(length)
    }
    return (dimensions, product)
  }
}
