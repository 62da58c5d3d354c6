import CKernels
import Compute
import Testing

@Suite struct IntegerProductsTests {
  static let weights: [Int32] = [3, 14, 1, 15, 9, 2, 6, 5, 0, 8, 12, 7, 13, 4, 11, 10]
  static let activations: [Int32] = [
    127, -31, 64, -127, 5, 99, -88, 0, 17, -64, 111, -2, 76, -45, 33, -119,
  ]

  /// The same pairs, one product after another.
  private func model(steps: Int, products: Int) -> UInt32 {
    var sum: Int32 = 0
    for _ in 0..<steps {
      for product in 0..<products {
        sum &+= Self.weights[product % 16] * Self.activations[product % 16]
      }
    }
    return UInt32(bitPattern: sum)
  }

  @Test(arguments: Kernels.available)
  func everyProductIsComputed(_ kernels: Kernels) {
    let products = kernels.integerProductsPerStep
    #expect(products > 0 && products % 16 == 0)
    for steps in [0, 1, 2, 3, 7, 100, 1001] {
      #expect(
        kernels.multiplyIntegers(steps: steps) == model(steps: steps, products: products),
        "\(kernels.name), \(steps) steps")
    }
  }

  /// The sums pass 2^32 and go on from there, as they would one by one.
  @Test(arguments: Kernels.available)
  func manyStepsWrapAround(_ kernels: Kernels) {
    let pairs = zip(Self.weights, Self.activations).reduce(0) { $0 + Int($1.0 * $1.1) }
    let steps = 5_000_000
    let total = steps * (kernels.integerProductsPerStep / 16) * pairs
    #expect(abs(total) > 1 << 32)
    #expect(kernels.multiplyIntegers(steps: steps) == UInt32(truncatingIfNeeded: total))
  }
}
