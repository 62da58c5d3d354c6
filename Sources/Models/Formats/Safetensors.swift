import Compute
import FoundationEssentials
import Inference

/// A file of named tensors in the safetensors format: the length of a JSON header, the header, and the data.
package struct Safetensors: Sendable {
  private let file: MappedFile
  private let entries: [String: Entry]
  /// Where the data begin.
  private let dataStart: Int

  private struct Entry: Decodable, Sendable {
    var dtype: String
    var shape: [Int]
    var data_offsets: [Int]
  }

  /// A header longer than this is refused; that of a model with thousands of tensors has some hundred kilobytes.
  private static let headerLimit = 16 << 20

  /// - Throws: `modelFile` where the file cannot be read or its header is none.
  package init(path: String) throws(InferenceError) {
    do {
      file = try MappedFile(path: path)
    } catch {
      throw InferenceError(.modelFile, error.description)
    }
    guard file.byteCount >= 8 else {
      throw InferenceError(
        .modelFile, "\(path): not a safetensors file: it has \(file.byteCount) bytes")
    }
    let length = file.withBytes { $0.integer(UInt64.self, at: 0) }
    guard length <= UInt64(min(Self.headerLimit, file.byteCount - 8)) else {
      throw InferenceError(
        .modelFile,
        "\(path): not a safetensors file: its header would have \(length) bytes of \(file.byteCount)"
      )
    }
    dataStart = 8 + Int(length)
    let header = Data(file.text(in: 8..<dataStart).utf8)
    do {
      entries = try JSONDecoder().decode([String: Member].self, from: header)
        .compactMapValues(\.entry)
    } catch {
      throw InferenceError(.modelFile, "\(path): the header is no table of tensors")
    }
  }

  /// A tensor, or what `__metadata__` holds.
  private struct Member: Decodable {
    var entry: Entry?

    init(from decoder: any Decoder) throws {
      guard decoder.codingPath.last?.stringValue != "__metadata__" else { return }
      entry = try Entry(from: decoder)
    }
  }

  package var names: [String] { entries.keys.sorted() }

  /// Lengths of a tensor's dimensions, the slowest first; nil where the file has none of that name.
  package func shape(of name: String) -> [Int]? { entries[name]?.shape }

  /// The tensor as a matrix; a vector has one row.
  ///
  /// - Throws: `modelFile` where it is missing, has another shape, is of a type that is not read, or does not lie in
  ///   the file.
  package func tensor(_ name: String, rows: Int, columns: Int) throws(InferenceError) -> Tensor {
    guard let entry = entries[name] else { throw failure(name, "the file has no such tensor") }
    let wanted = rows == 1 ? [[columns], [1, columns]] : [[rows, columns]]
    guard wanted.contains(entry.shape) else {
      throw failure(name, "the shape is \(entry.shape), not \(wanted[0])")
    }
    guard let type = Self.types[entry.dtype] else {
      throw failure(name, "values of type \(entry.dtype) are not read")
    }
    let offsets = entry.data_offsets
    guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1],
      offsets[1] <= file.byteCount - dataStart,
      type.rowByteCount(columns: columns).map({ $0 * rows }) == offsets[1] - offsets[0]
    else { throw failure(name, "its data do not lie in the file") }
    let start = dataStart + offsets[0]
    guard start % type.blockByteCount == 0,
      let tensor = Tensor(type, rows: rows, columns: columns, in: file, at: start)
    else { throw failure(name, "its data lie at byte \(start), between two values") }
    return tensor
  }

  private static let types: [String: ElementType] = ["F32": .f32, "F16": .f16, "BF16": .bf16]

  private func failure(_ name: String, _ reason: String) -> InferenceError {
    InferenceError(.modelFile, "\(file.path): \(name): \(reason)")
  }
}
