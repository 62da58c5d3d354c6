import CKernels

extension Kernels {
  /// Root-mean-square norm of `count` floats; `output` may be `input`.
  ///
  /// Source: Zhang and Sennrich, arXiv:1910.07467.
  ///
  /// - Parameter weight: a one-row tensor of type F32 with `count` columns, or nil for none.
  package func normalize(
    _ input: Buffer, at inputOffset: Int, count: Int, weight: Tensor?, epsilon: Float,
    into output: Buffer, at outputOffset: Int
  ) {
    precondition(inputOffset >= 0 && inputOffset + count <= input.count)
    precondition(outputOffset >= 0 && outputOffset + count <= output.count)
    var scale: UnsafePointer<Float>?
    if let weight {
      precondition(weight.type == .f32 && weight.rows * weight.columns == count)
      unsafe scale = weight.base.assumingMemoryBound(to: Float.self)
    }
    unsafe ck_rms_norm(
      isa, input.base + inputOffset, scale, Int64(count), epsilon, output.base + outputOffset)
  }

  /// Rotates one head of `rotary.dimension` floats to `position`, in place.
  ///
  /// Source: Su et al., arXiv:2104.09864.
  package func rotate(_ x: Buffer, at offset: Int, by rotary: RotaryTable, position: Int) {
    precondition(offset >= 0 && offset + rotary.dimension <= x.count)
    precondition(position >= 0 && position < rotary.positions)
    let half = rotary.dimension / 2
    unsafe ck_rotate(
      isa, x.base + offset, rotary.cosines.base + position * half,
      rotary.sines.base + position * half, Int64(rotary.dimension), rotary.isInterleaved ? 1 : 0)
  }

  /// `output = silu(gate) * up` over `count` floats at the same offset of each.
  package func siluMultiply(
    _ gate: Buffer, _ up: Buffer, at offset: Int, count: Int, into output: Buffer
  ) {
    precondition(
      offset >= 0 && offset + count <= min(gate.count, up.count, output.count))
    unsafe ck_silu_multiply(
      isa, gate.base + offset, up.base + offset, Int64(count), output.base + offset)
  }

  /// `output = gelu(gate) * up` with GELU's tanh form.
  ///
  /// Source: Hendrycks and Gimpel, arXiv:1606.08415.
  package func geluMultiply(
    _ gate: Buffer, _ up: Buffer, at offset: Int, count: Int, into output: Buffer
  ) {
    precondition(
      offset >= 0 && offset + count <= min(gate.count, up.count, output.count))
    unsafe ck_gelu_multiply(
      isa, gate.base + offset, up.base + offset, Int64(count), output.base + offset)
  }

  /// `x += y` over `count` floats.
  package func add(_ x: Buffer, at xOffset: Int, _ y: Buffer, at yOffset: Int, count: Int) {
    precondition(xOffset >= 0 && xOffset + count <= x.count)
    precondition(yOffset >= 0 && yOffset + count <= y.count)
    unsafe ck_add(isa, x.base + xOffset, y.base + yOffset, Int64(count))
  }

  /// `x += bias`, a one-row F32 tensor, over the bias's columns `columns`.
  package func addBias(_ x: Buffer, at offset: Int, _ bias: Tensor, columns: Range<Int>) {
    precondition(bias.type == .f32 && columns.lowerBound >= 0)
    precondition(columns.upperBound <= bias.rows * bias.columns)
    precondition(offset >= 0 && offset + columns.upperBound <= x.count)
    unsafe ck_add(
      isa, x.base + offset + columns.lowerBound,
      bias.base.assumingMemoryBound(to: Float.self) + columns.lowerBound, Int64(columns.count))
  }

  /// `x *= factor` over `count` floats.
  package func scale(_ x: Buffer, at offset: Int, count: Int, by factor: Float) {
    precondition(offset >= 0 && offset + count <= x.count)
    unsafe ck_scale(isa, x.base + offset, factor, Int64(count))
  }

  /// `x = cap * tanh(x / cap)` over `count` floats.
  package func softcap(_ x: Buffer, at offset: Int, count: Int, cap: Float) {
    precondition(offset >= 0 && offset + count <= x.count)
    unsafe ck_softcap(isa, x.base + offset, cap, Int64(count))
  }
}
