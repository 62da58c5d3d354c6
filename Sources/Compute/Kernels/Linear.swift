import CKernels

extension Kernels {
  /// Quantises activation rows into the form that a weight format takes; nothing to do for `.float`.
  package func prepare(_ x: Activations, rows: Range<Int>, form: ActivationForm) {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= x.rows)
    let columns = x.columns
    switch form {
    case .float: return
    case .int8PerBlock32:
      guard let target = x.int8PerBlock32 else { preconditionFailure("form not allocated") }
      for row in rows {
        unsafe ck_quantize32(
          isa, x.floats.base + row * columns, Int64(columns), target.integers.base + row * columns,
          target.scales.base + row * columns / 32, target.sums.base + row * columns / 32,
          target.scaledSums.base + row * columns / 32)
      }
    case .int8PerBlock256:
      guard let target = x.int8PerBlock256 else { preconditionFailure("form not allocated") }
      for row in rows {
        unsafe ck_quantize256(
          isa, x.floats.base + row * columns, Int64(columns), target.integers.base + row * columns,
          target.scales.base + row * columns / 256, target.sums.base + row * columns / 16)
      }
    }
  }

  /// `output[outputOffset + t * stride + r] = weight[r] · x[tokens.lowerBound + t]` for `r` in `rows`.
  ///
  /// `x` must have been prepared for the weight's form. Workers may share a call by splitting `rows`.
  ///
  /// - Parameter next: where the caller will read weights next; they are asked for when the rows run out.
  package func multiply(
    _ weight: Tensor, rows: Range<Int>, by x: Activations, tokens: Range<Int>,
    into output: Buffer, at outputOffset: Int = 0, stride: Int,
    next: (weight: Tensor, row: Int)? = nil
  ) {
    guard !rows.isEmpty, !tokens.isEmpty else { return }
    precondition(weight.columns == x.columns, "\(weight.columns) columns by \(x.columns)")
    precondition(rows.lowerBound >= 0 && rows.upperBound <= weight.rows)
    precondition(tokens.lowerBound >= 0 && tokens.upperBound <= x.rows)
    precondition(
      outputOffset >= 0
        && outputOffset + (tokens.count - 1) * stride + rows.upperBound <= output.count)
    let first = tokens.lowerBound
    let columns = x.columns
    var view = unsafe ck_rows()
    unsafe view.columns = Int64(columns)
    unsafe view.f = UnsafePointer(x.floats.base + first * columns)
    switch weight.type.activationForm {
    case .float: break
    case .int8PerBlock32:
      guard let q = x.int8PerBlock32 else { preconditionFailure("form not allocated") }
      unsafe view.q32 = UnsafePointer(q.integers.base + first * columns)
      unsafe view.d32 = UnsafePointer(q.scales.base + first * columns / 32)
      unsafe view.s32 = UnsafePointer(q.sums.base + first * columns / 32)
      unsafe view.m32 = UnsafePointer(q.scaledSums.base + first * columns / 32)
    case .int8PerBlock256:
      guard let q = x.int8PerBlock256 else { preconditionFailure("form not allocated") }
      unsafe view.q256 = UnsafePointer(q.integers.base + first * columns)
      unsafe view.d256 = UnsafePointer(q.scales.base + first * columns / 256)
      unsafe view.s256 = UnsafePointer(q.sums.base + first * columns / 16)
    }
    var product = unsafe ck_product()
    unsafe product.type = Int32(weight.type.rawValue)
    unsafe product.weight = weight.base
    unsafe product.row_begin = Int64(rows.lowerBound)
    unsafe product.row_end = Int64(rows.upperBound)
    unsafe product.tokens = Int64(tokens.count)
    unsafe product.output = output.base + outputOffset
    unsafe product.stride = Int64(stride)
    if let next, let rowBytes = next.weight.type.rowByteCount(columns: next.weight.columns) {
      precondition(next.row >= 0 && next.row <= next.weight.rows)
      unsafe product.next = next.weight.base + next.row * rowBytes
      unsafe product.next_bytes = Int64((next.weight.rows - next.row) * rowBytes)
    }
    unsafe withUnsafePointer(to: &view) { view in
      unsafe product.x = view
      unsafe ck_matmul(isa, &product)
    }
  }

  /// One weight row as floats, at `offset` of `output`.
  package func dequantize(_ weight: Tensor, row: Int, into output: Buffer, at offset: Int) {
    precondition(row >= 0 && row < weight.rows)
    precondition(offset >= 0 && offset + weight.columns <= output.count)
    guard let rowBytes = weight.type.rowByteCount(columns: weight.columns) else { return }
    unsafe ck_dequantize(
      isa, Int32(weight.type.rawValue), weight.base + row * rowBytes, Int64(weight.columns),
      output.base + offset)
  }
}
