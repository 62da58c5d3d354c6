import CKernels

extension Kernels {
  /// Multiplies bytes in registers, for measuring how fast that can be; returns the sum of the products modulo 2^32.
  ///
  /// A step is `integerProductsPerStep` multiply-adds.
  @discardableResult
  package func multiplyIntegers(steps: Int) -> UInt32 { ck_integer_products(isa, Int64(steps)) }

  package var integerProductsPerStep: Int { Int(ck_integer_products_per_step(isa)) }
}
