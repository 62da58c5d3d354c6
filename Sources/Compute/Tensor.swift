import Glibc

/// An immutable matrix of weights `[rows, columns]`, stored row by row in some `ElementType`.
///
/// The bytes live in a mapped file or in memory made by `init(values:rows:columns:)`; they are never copied.
@safe package struct Tensor: @unchecked Sendable {
  // Sound to share: the bytes are immutable, and `owner` keeps them alive.
  package let type: ElementType
  package let rows: Int
  package let columns: Int
  let base: UnsafeRawPointer
  private let owner: AnyObject

  /// A matrix inside a mapped file.
  ///
  /// - Returns: nil where the matrix does not lie wholly inside the file or its columns are no whole number of blocks.
  package init?(_ type: ElementType, rows: Int, columns: Int, in file: MappedFile, at offset: Int) {
    guard rows >= 0, let rowBytes = type.rowByteCount(columns: columns) else { return nil }
    let (bytes, overflow) = rows.multipliedReportingOverflow(by: rowBytes)
    guard !overflow, offset >= 0, offset <= file.byteCount, bytes <= file.byteCount - offset else {
      return nil
    }
    self.type = type
    self.rows = rows
    self.columns = columns
    unsafe base = file.base + offset
    owner = file
  }

  /// A float matrix with its own storage.
  package init(values: [Float], rows: Int, columns: Int) {
    precondition(values.count == rows * columns, "\(values.count) values for [\(rows), \(columns)]")
    let storage = Buffer(count: values.count)
    for index in values.indices { storage[index] = values[index] }
    type = .f32
    self.rows = rows
    self.columns = columns
    unsafe base = UnsafeRawPointer(storage.base)
    owner = storage
  }

  /// A matrix inside bytes of our own, which the caller changes only while no one reads the matrix.
  ///
  /// - Returns: nil as for one inside a mapped file.
  package init?(
    _ type: ElementType, rows: Int, columns: Int, in bytes: Storage<UInt8>, at offset: Int
  ) {
    guard rows >= 0, let rowBytes = type.rowByteCount(columns: columns) else { return nil }
    let (size, overflow) = rows.multipliedReportingOverflow(by: rowBytes)
    guard !overflow, offset >= 0, offset <= bytes.count, size <= bytes.count - offset else {
      return nil
    }
    self.type = type
    self.rows = rows
    self.columns = columns
    unsafe base = UnsafeRawPointer(bytes.base) + offset
    owner = bytes
  }

  /// Where the matrix lies in a file, in bytes; nil where it does not lie there.
  package func range(in file: MappedFile) -> Range<Int>? {
    let offset = unsafe base - file.base
    guard owner === file, offset >= 0, offset + byteCount <= file.byteCount else { return nil }
    return offset..<offset + byteCount
  }

  private init(
    _ type: ElementType, rows: Int, columns: Int, in storage: Storage<UInt8>
  ) {
    self.type = type
    self.rows = rows
    self.columns = columns
    unsafe base = UnsafeRawPointer(storage.base)
    owner = storage
  }

  /// A copy of some rows, in the order given and in the same format.
  package func gathering(_ indices: [Int]) -> Tensor {
    let rowBytes = type.rowByteCount(columns: columns) ?? 0
    let storage = Storage<UInt8>(count: indices.count * rowBytes)
    for (place, index) in indices.enumerated() {
      precondition(index >= 0 && index < rows, "row \(index) of \(rows)")
      unsafe memcpy(storage.base + place * rowBytes, base + index * rowBytes, rowBytes)
    }
    return Tensor(type, rows: indices.count, columns: columns, in: storage)
  }

  /// Bytes that the matrix takes in memory and on disk.
  package var byteCount: Int { rows * (type.rowByteCount(columns: columns) ?? 0) }

  /// All values of one row as floats.
  package func row(_ index: Int) -> [Float] {
    precondition(index >= 0 && index < rows, "row \(index) of \(rows)")
    let output = Buffer(count: max(columns, 1))
    Kernels.shared.dequantize(self, row: index, into: output, at: 0)
    return (0..<columns).map { output[$0] }
  }
}
