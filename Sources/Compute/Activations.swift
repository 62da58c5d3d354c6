/// Activation rows `[rows, columns]` with the quantised forms that weights multiply with.
///
/// Fill `floats`, call `Kernels.prepare` for the rows and forms that the next matrices need, then `Kernels.multiply`.
package final class Activations {
  package let rows: Int
  package let columns: Int
  /// The rows `[rows, columns]` before quantisation.
  package let floats: Buffer
  let int8PerBlock32: QuantizedRows<Int32>?
  let int8PerBlock256: QuantizedRows<Int16>?

  /// - Parameters:
  ///   - forms: the quantised forms that will ever be prepared; others take no memory.
  ///   - floats: the rows, where others write them and only the quantised forms are to be kept here.
  package init(rows: Int, columns: Int, forms: Set<ActivationForm>, floats: Buffer? = nil) {
    precondition(floats.map { $0.count >= rows * columns } ?? true)
    self.rows = rows
    self.columns = columns
    self.floats = floats ?? Buffer(count: rows * columns)
    int8PerBlock32 =
      forms.contains(.int8PerBlock32)
      ? QuantizedRows(rows: rows, columns: columns, block: 32, sumLength: 32) : nil
    int8PerBlock256 =
      forms.contains(.int8PerBlock256)
      ? QuantizedRows(rows: rows, columns: columns, block: 256, sumLength: 16) : nil
  }

  /// Whether rows can be prepared in a quantised form.
  package func has(_ form: ActivationForm) -> Bool {
    switch form {
    case .float: false
    case .int8PerBlock32: int8PerBlock32 != nil
    case .int8PerBlock256: int8PerBlock256 != nil
    }
  }

  package var byteCount: Int {
    floats.byteCount + (int8PerBlock32?.byteCount ?? 0) + (int8PerBlock256?.byteCount ?? 0)
  }
}

/// Rows of 8-bit integers with a scale per block and sums of `sumLength` integers each.
final class QuantizedRows<Sum: BitwiseCopyable> {
  let integers: Storage<Int8>
  let scales: Storage<Float>
  let sums: Storage<Sum>
  /// Scale times sum, where there is one sum for each scale; else empty.
  let scaledSums: Storage<Float>

  init(rows: Int, columns: Int, block: Int, sumLength: Int) {
    precondition(columns % block == 0, "\(columns) columns are no multiple of \(block)")
    integers = Storage(count: rows * columns)
    scales = Storage(count: rows * columns / block)
    sums = Storage(count: rows * columns / sumLength)
    scaledSums = Storage(count: block == sumLength ? rows * columns / block : 0)
  }

  var byteCount: Int {
    integers.byteCount + scales.byteCount + sums.byteCount + scaledSums.byteCount
  }
}
