import CKernels
import Glibc

extension Kernels {
  /// Index (from `range.lowerBound`) of the greatest float, the lowest on a tie.
  package func argmax(_ x: Buffer, _ range: Range<Int>) -> Int {
    precondition(range.lowerBound >= 0 && range.upperBound <= x.count && !range.isEmpty)
    return unsafe Int(ck_argmax(isa, x.base + range.lowerBound, Int64(range.count)))
  }

  package func maximum(_ x: Buffer, _ range: Range<Int>) -> Float {
    precondition(range.lowerBound >= 0 && range.upperBound <= x.count)
    return unsafe ck_max(isa, x.base + range.lowerBound, Int64(range.count))
  }

  /// `exp(x - shift)` of a range, at the start of `output`.
  package func exponentials(of x: Buffer, _ range: Range<Int>, shift: Float, into output: Buffer) {
    precondition(range.lowerBound >= 0 && range.upperBound <= x.count)
    precondition(range.count <= output.count)
    _ = unsafe ck_sum_exp(isa, x.base + range.lowerBound, shift, Int64(range.count), output.base)
  }

  /// How many floats are at least `threshold`.
  package func count(of x: Buffer, _ range: Range<Int>, atLeast threshold: Float) -> Int {
    precondition(range.lowerBound >= 0 && range.upperBound <= x.count)
    return unsafe Int(
      ck_select_above(isa, x.base + range.lowerBound, Int64(range.count), threshold, nil, 0))
  }

  /// Logits in a block of a summary.
  package static let blockLength = Int(CK_LOGIT_BLOCK)

  /// Summarises logits in blocks: see `ck_summarize_blocks`.
  ///
  /// - Parameter offset: where the first block's results go in each of the three buffers.
  package func summarize(
    _ x: Buffer, _ range: Range<Int>, maxima: Buffer, sums: Buffer, moments: Buffer, at offset: Int
  ) {
    let blocks = (range.count + Self.blockLength - 1) / Self.blockLength
    precondition(range.lowerBound >= 0 && range.upperBound <= x.count && offset >= 0)
    precondition(offset + blocks <= min(maxima.count, sums.count, moments.count))
    unsafe ck_summarize_blocks(
      isa, x.base + range.lowerBound, Int64(range.count), maxima.base + offset, sums.base + offset,
      moments.base + offset)
  }

  /// Finds the floats that are at least `threshold`, reading only blocks with such a maximum.
  ///
  /// - Parameters:
  ///   - maxima: of the range's blocks, from index 0.
  ///   - places: gets the indices (from `range.lowerBound`), ascending, as many as it has room for.
  /// - Returns: how many there are.
  package func select(
    from x: Buffer, _ range: Range<Int>, atLeast threshold: Float, maxima: Buffer,
    into places: Storage<Int32>
  ) -> Int {
    precondition(range.lowerBound >= 0 && range.upperBound <= x.count)
    precondition(maxima.count >= (range.count + Self.blockLength - 1) / Self.blockLength)
    return unsafe Int(
      ck_select_in_blocks(
        isa, x.base + range.lowerBound, Int64(range.count), maxima.base, threshold, places.base,
        Int64(places.count)))
  }

  /// Reads a range of a mapped file once, for measuring bandwidth; returns a checksum.
  @discardableResult
  package func stream(_ file: MappedFile, _ range: Range<Int>) -> UInt64 {
    precondition(range.lowerBound >= 0 && range.upperBound <= file.byteCount)
    return unsafe ck_stream_read(isa, file.base + range.lowerBound, Int64(range.count))
  }
}
