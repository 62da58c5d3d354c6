import Compute
import Inference

/// A model file: named values and tensors over a mapped file, whose tensor data is never copied.
///
/// Every count, length and offset has been checked against the file's size by the time `init` returns; a file with
/// tensors of formats that no kernel reads opens all the same.
package final class GGUF: Sendable {
  package let file: MappedFile
  package let version: UInt32
  package let metadata: GGUFMetadata
  /// The tensor table in the order of the file.
  package let tensors: [GGUFTensor]
  /// Bytes before the tensor data: preamble, metadata, tensor table and padding.
  package let headerByteCount: Int
  private let tensorIndices: [String: Int]

  /// Maps and checks a file.
  ///
  /// - Throws: `modelFile`, naming the field and the byte offset.
  package convenience init(path: String) throws(InferenceError) {
    let file: MappedFile
    do {
      file = try MappedFile(path: path)
    } catch {
      throw InferenceError(.modelFile, error.description)
    }
    try self.init(file: file)
  }

  package init(file: MappedFile) throws(InferenceError) {
    var parser = GGUFParser(file: file)
    self.file = file
    version = try parser.readPreamble()
    // The smallest tensor entry has a name's length, a dimension count, one dimension, a type and an offset.
    let tensorCount = try parser.readCount("tensor count", minimumByteCount: 32)
    let entryCount = try parser.readCount("metadata count", minimumByteCount: 13)
    metadata = try parser.readMetadata(count: entryCount)
    let alignment = try Self.alignment(metadata, parser)
    (tensors, tensorIndices) = try parser.readTensors(count: tensorCount, alignment: alignment)
    let end = parser.offset
    headerByteCount = tensors.isEmpty ? end : (end + alignment - 1) / alignment * alignment
  }

  /// The model architecture, such as `llama`.
  package var architecture: String? { metadata.string("general.architecture") }

  /// The table entry of a tensor.
  package func info(_ name: String) -> GGUFTensor? { tensorIndices[name].map { tensors[$0] } }

  /// A tensor as a matrix `[product of dimensions[1...], dimensions[0]]`.
  ///
  /// - Returns: nil where there is none of that name or its format is not one that kernels read.
  package func tensor(_ name: String) -> Tensor? {
    guard let info = info(name), let type = info.type.elementType else { return nil }
    return Tensor(type, rows: info.rows, columns: info.columns, in: file, at: info.offset)
  }

  /// A tensor that must be there in that shape.
  ///
  /// - Throws: `modelFile` where it is missing or of another shape, `unsupportedModel` where its format is not read.
  package func require(
    _ name: String, rows: Int, columns: Int
  ) throws(InferenceError) -> Tensor {
    guard let info = info(name) else {
      throw InferenceError(.modelFile, "\(file.path): tensor \(name) is missing")
    }
    guard info.rows == rows, info.columns == columns else {
      throw InferenceError(
        .modelFile,
        "\(file.path): tensor \(name) is [\(info.rows), \(info.columns)] where "
          + "[\(rows), \(columns)] is needed")
    }
    guard info.type.elementType != nil else {
      let known = ElementType.allCases.map(\.name).joined(separator: ", ")
      throw InferenceError(
        .unsupportedModel,
        "\(file.path): tensor \(name) is of type \(info.type.name), which this program cannot "
          + "compute with (it can with \(known))")
    }
    guard let tensor = tensor(name) else {
      throw InferenceError(.modelFile, "\(file.path): tensor \(name) does not lie in the file")
    }
    return tensor
  }

  private static func alignment(
    _ metadata: GGUFMetadata, _ parser: GGUFParser
  ) throws(InferenceError) -> Int {
    let key = "general.alignment"
    guard metadata.contains(key) else { return 32 }
    guard let alignment = metadata.integer(key) else {
      throw InferenceError(.modelFile, "\(parser.file.path): \(key) is not an integer")
    }
    guard alignment >= 8, alignment <= 1 << 30, alignment & (alignment - 1) == 0 else {
      throw InferenceError(
        .modelFile,
        "\(parser.file.path): \(key) is \(alignment), which is no power of two of at least 8")
    }
    return alignment
  }
}
