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

  /// `log(sum(exp(x)))` over the range.
  package func logSumExp(_ x: Buffer, _ range: Range<Int>) -> Float {
    let top = maximum(x, range)
    let sum = unsafe ck_sum_exp(isa, x.base + range.lowerBound, top, Int64(range.count), nil)
    return top + log(sum)
  }

  /// Indices (from `range.lowerBound`) of the floats that are at least `threshold`, in ascending order.
  package func indices(of x: Buffer, _ range: Range<Int>, atLeast threshold: Float) -> [Int32] {
    precondition(range.lowerBound >= 0 && range.upperBound <= x.count)
    let found = unsafe ck_select_above(
      isa, x.base + range.lowerBound, Int64(range.count), threshold, nil, 0)
    return unsafe [Int32](unsafeUninitializedCapacity: Int(found)) { places, count in
      unsafe ck_select_above(
        isa, x.base + range.lowerBound, Int64(range.count), threshold, places.baseAddress, found)
      count = Int(found)
    }
  }

  /// Reads a range of a mapped file once, for measuring bandwidth; returns a checksum.
  @discardableResult
  package func stream(_ file: MappedFile, _ range: Range<Int>) -> UInt64 {
    precondition(range.lowerBound >= 0 && range.upperBound <= file.byteCount)
    return unsafe ck_stream_read(isa, file.base + range.lowerBound, Int64(range.count))
  }
}
