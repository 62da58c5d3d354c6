import CKernels
import Compute
import Glibc
import Testing

@Suite struct ElementwiseTests {
  static let counts = [1, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100, 576]
  /// Values at which functions saturate, underflow or must not lose a sign.
  static let special: [Float] = [
    0, -0.0, 1, -1, 88.7, -88.7, 89.1, -103.9, -104.5, 1e-30, 1e-40, -.leastNonzeroMagnitude, 1e20,
    -1e20,
    .infinity, -.infinity,
  ]

  /// Runs `body` on every instruction set and expects the scalar version's bits.
  func expectScalarBits(
    _ input: [Float], _ body: (Int32, inout [Float]) -> Void,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    var expected = input
    body(Int32(CK_SCALAR), &expected)
    for kernels in Kernels.available {
      var actual = input
      body(kernels.isa, &actual)
      for index in actual.indices where !(actual[index].isNaN && expected[index].isNaN) {
        #expect(
          actual[index].bitPattern == expected[index].bitPattern,
          "\(kernels.name) [\(index)] of \(input.count), input \(input[index])",
          sourceLocation: sourceLocation)
      }
    }
  }

  func samples(_ count: Int, seed: UInt64) -> [Float] {
    var random = SampleGenerator(seed: seed)
    let values = random.floats(count, in: -20...20)
    return count > 64 ? Array((Self.special + values).prefix(count)) : values
  }

  @Test(arguments: counts) func vectorVersionsComputeTheScalarBits(count: Int) {
    let x = samples(count, seed: 1)
    let y = samples(count, seed: 2)
    let n = Int64(count)
    expectScalarBits(x) { ck_add($0, &$1, y, n) }
    expectScalarBits(x) { ck_scale($0, &$1, 0.37, n) }
    expectScalarBits(x) { ck_softcap($0, &$1, 30, n) }
    expectScalarBits(x) { ck_silu_multiply($0, x, y, n, &$1) }
    expectScalarBits(x) { ck_gelu_multiply($0, x, y, n, &$1) }
    let finite = x.map { abs($0) < 1e10 ? $0 : 1 }
    expectScalarBits(finite) { ck_rms_norm($0, finite, y, n, 1e-5, &$1) }
    expectScalarBits(finite) { ck_rms_norm($0, finite, nil, n, 1e-5, &$1) }
  }

  @Test(arguments: [2, 4, 6, 16, 20, 32, 64, 80, 96, 128, 256], [Int32(0), 1])
  func rotationComputesTheScalarBitsAndKeepsLengths(dimension: Int, interleaved: Int32) {
    let x = samples(dimension, seed: 3).map { abs($0) < 100 ? $0 : 1 }
    let angles = (0..<dimension / 2).map { Float($0) * 0.7 + 0.1 }
    let cosine = angles.map { cos($0) }
    let sine = angles.map { sin($0) }
    expectScalarBits(x) { ck_rotate($0, &$1, cosine, sine, Int64(dimension), interleaved) }
    var rotated = x
    ck_rotate(Kernels.shared.isa, &rotated, cosine, sine, Int64(dimension), interleaved)
    for pair in 0..<dimension / 2 {
      let first = interleaved != 0 ? 2 * pair : pair
      let second = interleaved != 0 ? 2 * pair + 1 : pair + dimension / 2
      let a = x[first]
      let b = x[second]
      #expect(abs(rotated[first] - (a * cosine[pair] - b * sine[pair])) < 1e-5)
      #expect(abs(rotated[second] - (a * sine[pair] + b * cosine[pair])) < 1e-5)
    }
  }

  @Test func activationsStayCloseToTheirDefinitions() {
    let x = stride(from: Float(-30), through: 30, by: 0.0137).map { $0 }
    let ones = [Float](repeating: 1, count: x.count)
    var silu = x
    var gelu = x
    var capped = x
    ck_silu_multiply(Kernels.shared.isa, x, ones, Int64(x.count), &silu)
    ck_gelu_multiply(Kernels.shared.isa, x, ones, Int64(x.count), &gelu)
    ck_softcap(Kernels.shared.isa, &capped, 30, Int64(x.count))
    let siluRelativeTolerance = 3e-7
    let geluTolerance = 1e-6
    let capTolerance = 30 * 3e-7
    for index in x.indices {
      let value = Double(x[index])
      let exactSilu = value / (1 + exp(-value))
      #expect(abs(Double(silu[index]) - exactSilu) <= siluRelativeTolerance * abs(exactSilu))
      let inner = (2 / Double.pi).squareRoot() * (value + 0.044715 * value * value * value)
      #expect(abs(Double(gelu[index]) - 0.5 * value * (1 + tanh(inner))) <= geluTolerance)
      #expect(abs(Double(capped[index]) - 30 * tanh(value / 30)) <= capTolerance)
    }
  }

  @Test func exponentialsAreGoodToTwoUnitsInTheLastPlace() {
    let x = stride(from: Float(-87), through: 88.5, by: 0.0071).map { $0 }
    for kernels in Kernels.available {
      var terms = [Float](repeating: .nan, count: x.count)
      _ = ck_sum_exp(kernels.isa, x, 0, Int64(x.count), &terms)
      for index in x.indices {
        let exact = exp(Double(x[index]))
        #expect(abs(Double(terms[index]) - exact) <= 2 * Double(Float(exact).ulp))
      }
    }
  }

  @Test func exponentialsSaturate() {
    let x: [Float] = [0, -0.0, 89, 200, .infinity, -103.9, -105, -200, -.infinity, .nan]
    for kernels in Kernels.available {
      var terms = [Float](repeating: 7, count: x.count)
      _ = ck_sum_exp(kernels.isa, x, 0, Int64(x.count), &terms)
      #expect(terms[0] == 1 && terms[1] == 1)
      #expect(terms[2...4].allSatisfy { $0 == .infinity })
      #expect(terms[5] == .leastNonzeroMagnitude)
      #expect(terms[6...8].allSatisfy { $0 == 0 })
      #expect(terms[9].isNaN)
    }
  }

  @Test(arguments: counts) func halvesOfAnyCountAreTheScalarOnes(count: Int) {
    let x = samples(count, seed: 5)
    expectScalarBits(x) { isa, out in
      var halves = [UInt16](repeating: 0x7e00, count: count + 1)
      ck_to_half(isa, x, &halves, Int64(count))
      #expect(halves[count] == 0x7e00, "wrote past the end")
      ck_from_half(isa, halves, &out, Int64(count))
    }
  }

  @Test func everyHalfSurvivesTheRoundTripInEveryVersion() {
    let halves = (0...UInt16.max).map { $0 }
    for kernels in Kernels.available {
      var floats = [Float](repeating: 0, count: halves.count)
      var back = [UInt16](repeating: 0, count: halves.count)
      ck_from_half(kernels.isa, halves, &floats, Int64(halves.count))
      ck_to_half(kernels.isa, floats, &back, Int64(halves.count))
      for half in halves {
        let exact = Float(Float16(bitPattern: half))
        let isNaN = half & 0x7fff > 0x7c00
        #expect(
          floats[Int(half)].bitPattern == exact.bitPattern || isNaN && floats[Int(half)].isNaN)
        #expect(back[Int(half)] == (isNaN ? half | 0x200 : half), "\(kernels.name)")
      }
    }
  }

  @Test func halvesRoundToNearestEven() {
    var random = SampleGenerator(seed: 4)
    var values = (0..<20_003).map { _ in
      Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random))
    }
    values += (0..<4096).map { Float($0) * 0x1p-26 } + [65519.99, 65520, 65504, -65520, 1e38]
    var expected = [UInt16](repeating: 0, count: values.count)
    ck_to_half(Int32(CK_SCALAR), values, &expected, Int64(values.count))
    for (value, half) in zip(values, expected) where !value.isNaN {
      #expect(half == Float16(value).bitPattern, "\(value)")
    }
    for kernels in Kernels.available {
      var actual = [UInt16](repeating: 0, count: values.count)
      ck_to_half(kernels.isa, values, &actual, Int64(values.count))
      #expect(actual == expected, "\(kernels.name)")
    }
  }
}

@Suite struct QuantizeTests {
  @Test func everyVersionQuantisesAlike() {
    var random = SampleGenerator(seed: 5)
    var values = random.floats(8 * 256, in: -3...3)
    for index in 0..<256 { values[index] = 0 }
    for index in 256..<512 { values[index] *= 1e-39 }
    for index in 512..<768 { values[index] = Float(index % 2 == 0 ? 127 : -63.5) }
    for index in 768..<1024 { values[index] *= 1e37 }
    values[1100] = .nan
    values[1400] = -.infinity
    let expected = SampleRows(values, columns: values.count)
    for kernels in Kernels.available {
      let actual = SampleRows(values, columns: values.count, kernels: kernels)
      #expect(actual.q32 == expected.q32 && actual.q256 == expected.q256, "\(kernels.name)")
      #expect(actual.d32.bits == expected.d32.bits && actual.d256.bits == expected.d256.bits)
      #expect(actual.s32 == expected.s32 && actual.s256 == expected.s256)
    }
  }

  @Test(arguments: [32, 64, 96, 160, 256, 288, 512, 768])
  func everyCountOfBlocksIsQuantisedAlikeAndNoFurther(count: Int) {
    var random = SampleGenerator(seed: 7)
    let values = random.floats(count, in: -3...3)
    let expected = SampleRows(values, columns: count)
    for kernels in Kernels.available {
      let actual = SampleRows(values, columns: count, kernels: kernels)
      #expect(actual.q32 == expected.q32 && actual.q256 == expected.q256, "\(kernels.name)")
      #expect(actual.d32.bits == expected.d32.bits && actual.d256.bits == expected.d256.bits)
      #expect(actual.s32 == expected.s32 && actual.s256 == expected.s256)
      #expect(actual.m32.last == 99)
      #expect(actual.d32.last == 99 && actual.s32.last == 99, "\(kernels.name) past the end")
      #expect(actual.d256.last == 99 && actual.s256.last == 99, "\(kernels.name) past the end")
    }
  }

  @Test func integersAreWithinHalfAStepAndSumsAddUp() {
    var random = SampleGenerator(seed: 6)
    let x = SampleRows(random.floats(4 * 256), columns: 256)
    for (index, value) in x.floats.enumerated() {
      let step32 = x.d32[index / 32]
      let step256 = x.d256[index / 256]
      #expect(abs(Float(x.q32[index]) * step32 - value) <= 0.5001 * step32)
      #expect(abs(Float(x.q256[index]) * step256 - value) <= 0.5001 * step256)
    }
    for block in 0..<x.floats.count / 32 {
      #expect(x.q32[32 * block..<32 * block + 32].reduce(0) { $0 + Int32($1) } == x.s32[block])
      #expect(x.m32[block] == x.d32[block] * Float(x.s32[block]))
    }
    for part in 0..<x.floats.count / 16 {
      #expect(x.q256[16 * part..<16 * part + 16].reduce(0) { $0 + Int16($1) } == x.s256[part])
    }
  }

  @Test func tiesGoToEvenAndZeroBlocksHaveScaleZero() {
    var values = [Float](repeating: 0, count: 64)
    values[0] = 127
    values[1] = 0.5
    values[2] = 1.5
    values[3] = -2.5
    let x = SampleRows(values, columns: 32)
    #expect(x.d32[0] == 1 && Array(x.q32[0..<4]) == [127, 0, 2, -2])
    #expect(x.d32[1] == 0 && x.s32[1] == 0 && x.q32[32..<64].allSatisfy { $0 == 0 })
  }
}
