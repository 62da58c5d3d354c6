import Compute

/// A tensor format as GGUF files number them, including those that no kernel here reads.
package struct GGMLType: Sendable, Equatable, CustomStringConvertible {
  package let rawValue: UInt32
  /// The name that people know the format by, such as `IQ4_XS`.
  package let name: String
  /// Values per block; a row holds a whole number of blocks.
  package let blockLength: Int
  /// Bytes per block.
  package let blockByteCount: Int

  /// The format as the kernels know it, or nil where none reads it.
  package var elementType: ElementType? { ElementType(rawValue: rawValue) }

  package var description: String { name }

  /// The format of that number, or nil where the number means nothing.
  package init?(rawValue: UInt32) {
    self.rawValue = rawValue
    if let type = ElementType(rawValue: rawValue) {
      (name, blockLength, blockByteCount) = (type.name, type.blockLength, type.blockByteCount)
    } else if let entry = Self.others[rawValue] {
      (name, blockLength, blockByteCount) = entry
    } else {
      return nil
    }
  }

  /// Bytes of one row, or nil where `columns` is no whole number of blocks.
  package func rowByteCount(columns: Int) -> Int? {
    guard columns >= 0, columns % blockLength == 0 else { return nil }
    let (bytes, overflow) = (columns / blockLength).multipliedReportingOverflow(by: blockByteCount)
    return overflow ? nil : bytes
  }

  private static let others: [UInt32: (String, Int, Int)] = [
    9: ("Q8_1", 32, 36), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18), 42: ("Q2_0", 64, 18),
  ]
}
