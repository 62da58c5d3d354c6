import Compute
import TestSupport
import Testing

@Suite struct GGUFWriterTests {
  /// Root mean square error of each format on values of variance 1, measured and rounded up.
  private static let tolerance: [ElementType: Float] = [
    .f32: 0, .f16: 0.0005, .bf16: 0.004, .q4_0: 0.1, .q4_1: 0.09, .q5_0: 0.05, .q5_1: 0.045,
    .q8_0: 0.007, .q2_K: 0.35, .q3_K: 0.2, .q4_K: 0.09, .q5_K: 0.045, .q6_K: 0.03,
  ]

  @Test(arguments: ElementType.allCases)
  func valuesComeBackNearly(_ type: ElementType) throws {
    var random = SplitMix64(seed: 7)
    let values = (0..<2048).map { _ in random.normal() }
    let bytes = ReferenceQuantizer.bytes(of: values, as: type)
    #expect(bytes.count == 2048 / type.blockLength * type.blockByteCount)
    let restored = ReferenceDequantizer.values(of: bytes, as: type)
    let error = zip(values, restored).map { ($0 - $1) * ($0 - $1) }.reduce(0, +) / 2048
    #expect(error.squareRoot() <= (try #require(Self.tolerance[type])))
  }

  @Test(arguments: ElementType.allCases)
  func zerosStayZeros(_ type: ElementType) {
    let zeros = [Float](repeating: 0, count: 256)
    let bytes = ReferenceQuantizer.bytes(of: zeros, as: type)
    #expect(ReferenceDequantizer.values(of: bytes, as: type) == zeros)
  }

  @Test func halvesAreThoseOfTheProcessor() {
    for bits in UInt16.min...UInt16.max {
      let value = HalfPrecision.value(bits)
      let expected = Float(Float16(bitPattern: bits))
      #expect(value == expected || value.isNaN && expected.isNaN)
      if !value.isNaN { #expect(HalfPrecision.bits(value) == bits) }
    }
    for value: Float in [
      1.0001, 65519, 65520, 0x1p-25, 0x1.8p-25, 5.9e-8, 3.14159, -2.71828, 2047.5, 2049,
    ] {
      #expect(HalfPrecision.bits(value) == Float16(value).bitPattern)
    }
  }
}
