import CKernels

/// Rows of floats in a buffer: row i begins at `offset + i * stride`.
package struct FloatRows {
  package var buffer: Buffer
  package var offset: Int
  package var stride: Int

  package init(_ buffer: Buffer, at offset: Int = 0, stride: Int) {
    precondition(offset >= 0 && stride >= 0)
    self.buffer = buffer
    self.offset = offset
    self.stride = stride
  }

  /// Where a row begins.
  package func start(_ row: Int) -> Int { offset + row * stride }

  /// The same rows from the one at `row` on.
  package func dropping(_ row: Int) -> FloatRows {
    FloatRows(buffer, at: start(row), stride: stride)
  }

  fileprivate func holds(rows: Int, columns: Int) -> Bool {
    rows == 0 || start(rows - 1) + columns <= buffer.count
  }
}

/// A matrix `[outputs, depth]` as floats, its outputs side by side in groups: what dense products multiply with.
package final class DenseWeights {
  package let outputs: Int
  package let depth: Int
  /// `[groups, depth, group]`; what is beyond the last output is zero.
  let packed: Buffer
  /// One for each output; nil for none.
  let bias: Buffer?

  /// Outputs that a share of the work should be a multiple of.
  package static let group = Int(CK_DENSE_GROUP)

  /// - Parameter bias: a one-row matrix of as many columns as the matrix has rows.
  package init(_ matrix: Tensor, bias: Tensor? = nil) {
    outputs = matrix.rows
    depth = matrix.columns
    let groups = (outputs + Self.group - 1) / Self.group
    packed = Buffer(count: groups * depth * Self.group)
    let row = Buffer(count: max(depth, 1))
    for output in 0..<outputs {
      Kernels.shared.dequantize(matrix, row: output, into: row, at: 0)
      let start = output / Self.group * depth * Self.group + output % Self.group
      for k in 0..<depth { packed[start + k * Self.group] = row[k] }
    }
    if let bias {
      precondition(bias.rows == 1 && bias.columns == matrix.rows)
      let values = Buffer(count: outputs)
      Kernels.shared.dequantize(bias, row: 0, into: values, at: 0)
      self.bias = values
    } else {
      self.bias = nil
    }
  }

  /// Bytes as floats.
  package var byteCount: Int { packed.byteCount + (bias?.byteCount ?? 0) }

  /// Whether the matrix was made in 8 bits, too.
  package private(set) var hasIntegers = false

  /// The same matrix in 8 bits, made when first asked for; nil where rows are no whole number of blocks.
  package private(set) lazy var integers: Tensor? = {
    guard let rowBytes = ElementType.q8_0.rowByteCount(columns: depth), depth > 0 else {
      return nil
    }
    let bytes = Storage<UInt8>(count: outputs * rowBytes)
    let row = Activations(rows: 1, columns: depth, forms: [.int8PerBlock32])
    guard let rounded = row.int8PerBlock32 else { return nil }
    for output in 0..<outputs {
      let start = output / Self.group * depth * Self.group + output % Self.group
      for k in 0..<depth { row.floats[k] = packed[start + k * Self.group] }
      Kernels.shared.prepare(row, rows: 0..<1, form: .int8PerBlock32)
      for block in 0..<depth / 32 {
        let target = output * rowBytes + block * 34
        let scale = Float16(rounded.scales[block]).bitPattern
        bytes[target] = UInt8(truncatingIfNeeded: scale)
        bytes[target + 1] = UInt8(truncatingIfNeeded: scale >> 8)
        for place in 0..<32 {
          bytes[target + 2 + place] = UInt8(bitPattern: rounded.integers[block * 32 + place])
        }
      }
    }
    hasIntegers = true
    return Tensor(.q8_0, rows: outputs, columns: depth, in: bytes, at: 0)
  }()
}

extension Kernels {
  /// `y[i][r] = bias[r] + weights[r] · x[i]` for `count` rows and some outputs, added to `y` where `adding`.
  ///
  /// - Parameters:
  ///   - outputs: begins at a multiple of `DenseWeights.group`; nil is all.
  ///   - inIntegers: multiplies in 8 bits, where the weights were made ready for it.
  package func dense(
    _ x: FloatRows, count: Int, by weights: DenseWeights, outputs: Range<Int>? = nil,
    into y: FloatRows, adding: Bool = false, inIntegers: Bool = false
  ) {
    let outputs = outputs ?? 0..<weights.outputs
    guard count > 0, !outputs.isEmpty else { return }
    if inIntegers, let integers = weights.integers {
      return dense(
        x, count: count, by: integers, bias: weights.bias, outputs: outputs, into: y, adding: adding
      )
    }
    precondition(outputs.lowerBound % DenseWeights.group == 0)
    precondition(outputs.lowerBound >= 0 && outputs.upperBound <= weights.outputs)
    precondition(x.holds(rows: count, columns: weights.depth))
    precondition(y.holds(rows: count, columns: outputs.upperBound))
    var product = unsafe ck_dense()
    unsafe product.x = UnsafePointer(x.buffer.base + x.offset)
    unsafe product.x_stride = Int64(x.stride)
    unsafe product.rows = Int64(count)
    unsafe product.depth = Int64(weights.depth)
    unsafe product.w = UnsafePointer(weights.packed.base + outputs.lowerBound * weights.depth)
    unsafe product.w_stride = Int64(DenseWeights.group)
    unsafe product.w_group = Int64(weights.depth * DenseWeights.group)
    unsafe product.outputs = Int64(outputs.count)
    if let bias = weights.bias {
      unsafe product.bias = UnsafePointer(bias.base + outputs.lowerBound)
    }
    unsafe product.y = y.buffer.base + y.offset + outputs.lowerBound
    unsafe product.y_stride = Int64(y.stride)
    unsafe product.adds = adding ? 1 : 0
    unsafe ck_dense_product(isa, &product)
  }

  /// The same product with rows and weights in 8 bits, a scale for each 32 of them.
  private func dense(
    _ x: FloatRows, count: Int, by weights: Tensor, bias: Buffer?, outputs: Range<Int>,
    into y: FloatRows, adding: Bool
  ) {
    let depth = weights.columns
    precondition(x.holds(rows: count, columns: depth))
    precondition(y.holds(rows: count, columns: outputs.upperBound))
    let rows = Activations(rows: count, columns: depth, forms: [.int8PerBlock32])
    for row in 0..<count {
      rows.floats.copy(from: x.buffer, x.start(row)..<x.start(row) + depth, to: row * depth)
    }
    prepare(rows, rows: 0..<count, form: .int8PerBlock32)
    let width = weights.rows
    let result = adding ? Buffer(count: count * width) : y.buffer
    let (offset, stride) = adding ? (0, width) : (y.offset, y.stride)
    multiply(
      weights, rows: outputs, by: rows, tokens: 0..<count, into: result, at: offset, stride: stride)
    for row in 0..<count {
      let start = y.start(row) + outputs.lowerBound
      if adding {
        add(y.buffer, at: start, result, at: row * width + outputs.lowerBound, count: outputs.count)
      }
      guard let bias else { continue }
      add(y.buffer, at: start, bias, at: outputs.lowerBound, count: outputs.count)
    }
  }

  /// `y[i][r] = sum over k of x[i][k] * matrix[k][r]`, for attention: keys and values change with every row.
  package func product(
    _ x: FloatRows, count: Int, depth: Int, by matrix: FloatRows, outputs: Int, into y: FloatRows
  ) {
    guard count > 0, outputs > 0 else { return }
    precondition(depth >= 0 && x.holds(rows: count, columns: depth))
    precondition(matrix.holds(rows: depth, columns: outputs))
    precondition(y.holds(rows: count, columns: outputs))
    var product = unsafe ck_dense()
    unsafe product.x = UnsafePointer(x.buffer.base + x.offset)
    unsafe product.x_stride = Int64(x.stride)
    unsafe product.rows = Int64(count)
    unsafe product.depth = Int64(depth)
    unsafe product.w = UnsafePointer(matrix.buffer.base + matrix.offset)
    unsafe product.w_stride = Int64(matrix.stride)
    unsafe product.w_group = Int64(DenseWeights.group)
    unsafe product.outputs = Int64(outputs)
    unsafe product.y = y.buffer.base + y.offset
    unsafe product.y_stride = Int64(y.stride)
    unsafe ck_dense_product(isa, &product)
  }

  /// Convolves each channel of a map `[height, width, channels]` at `offset` with weights of its own, `[size * size,
  /// channels]`; computes some of the map's rows.
  package func convolveDepthwise(
    _ x: Buffer, at offset: Int, height: Int, width: Int, channels: Int, size: Int,
    weights: Buffer, bias: Buffer, rows: Range<Int>, into y: Buffer, at outputOffset: Int
  ) {
    precondition(height >= 0 && width >= 0 && channels >= 0 && size > 0 && size % 2 == 1)
    precondition(rows.lowerBound >= 0 && rows.upperBound <= height)
    let count = height * width * channels
    precondition(offset >= 0 && offset + count <= x.count)
    precondition(outputOffset >= 0 && outputOffset + count <= y.count)
    precondition(weights.count >= size * size * channels && bias.count >= channels)
    var convolution = unsafe ck_depthwise()
    unsafe convolution.x = UnsafePointer(x.base + offset)
    unsafe convolution.height = Int64(height)
    unsafe convolution.width = Int64(width)
    unsafe convolution.channels = Int64(channels)
    unsafe convolution.size = Int64(size)
    unsafe convolution.w = UnsafePointer(weights.base)
    unsafe convolution.bias = UnsafePointer(bias.base)
    unsafe convolution.row_begin = Int64(rows.lowerBound)
    unsafe convolution.row_end = Int64(rows.upperBound)
    unsafe convolution.y = y.base + outputOffset
    unsafe ck_depthwise_convolution(isa, &convolution)
  }

  /// Sum and sum of squares of `count` floats.
  package func sums(_ x: Buffer, at offset: Int, count: Int) -> (sum: Float, squares: Float) {
    precondition(offset >= 0 && count >= 0 && offset + count <= x.count)
    var sum: Float = 0
    var squares: Float = 0
    unsafe ck_sums(isa, x.base + offset, Int64(count), &sum, &squares)
    return (sum, squares)
  }

  /// `y = (x * scale + shift) * weight + bias` over `count` floats; `y` may be `x` or `bias`.
  ///
  /// - Parameters:
  ///   - weight: buffer and offset; nil for the first part alone.
  ///   - bias: as many floats, at an offset of their own.
  package func normalize(
    _ x: Buffer, at offset: Int, count: Int, scale: Float, shift: Float,
    weight: (buffer: Buffer, offset: Int)? = nil, bias: (buffer: Buffer, offset: Int)? = nil,
    into y: Buffer, at outputOffset: Int
  ) {
    precondition(offset >= 0 && count >= 0 && offset + count <= x.count)
    precondition(outputOffset >= 0 && outputOffset + count <= y.count)
    precondition((weight == nil) == (bias == nil))
    if let weight, let bias {
      precondition(weight.offset >= 0 && weight.offset + count <= weight.buffer.count)
      precondition(bias.offset >= 0 && bias.offset + count <= bias.buffer.count)
      unsafe ck_normalize(
        isa, x.base + offset, Int64(count), scale, shift, weight.buffer.base + weight.offset,
        bias.buffer.base + bias.offset, y.base + outputOffset)
    } else {
      unsafe ck_normalize(
        isa, x.base + offset, Int64(count), scale, shift, nil, nil, y.base + outputOffset)
    }
  }

  /// `exp(x - shift)` in place over `count` floats; answers their sum.
  package func exponentiate(_ x: Buffer, at offset: Int, count: Int, shift: Float) -> Float {
    precondition(offset >= 0 && count >= 0 && offset + count <= x.count)
    return unsafe ck_sum_exp(isa, x.base + offset, shift, Int64(count), x.base + offset)
  }

  /// `x = gelu(x)` with GELU's tanh form; `ones` are as many ones.
  package func gelu(_ x: Buffer, at offset: Int, count: Int, ones: Buffer) {
    precondition(offset >= 0 && count >= 0 && offset + count <= x.count && count <= ones.count)
    unsafe ck_gelu_multiply(isa, x.base + offset, ones.base, Int64(count), x.base + offset)
  }

  /// `x = silu(x)`; `ones` are as many ones.
  package func silu(_ x: Buffer, at offset: Int, count: Int, ones: Buffer) {
    precondition(offset >= 0 && count >= 0 && offset + count <= x.count && count <= ones.count)
    unsafe ck_silu_multiply(isa, x.base + offset, ones.base, Int64(count), x.base + offset)
  }
}
