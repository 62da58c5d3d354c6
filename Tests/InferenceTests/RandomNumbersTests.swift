import Inference
import Testing

@Suite struct RandomNumbersTests {
  /// The known answers that the authors publish with Random123 (kat_vectors, philox4x32 10).
  @Test(arguments: [
    (
      SIMD4<UInt32>(repeating: 0), SIMD2<UInt32>(repeating: 0),
      SIMD4<UInt32>(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)
    ),
    (
      SIMD4<UInt32>(repeating: .max), SIMD2<UInt32>(repeating: .max),
      SIMD4<UInt32>(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)
    ),
    (
      SIMD4<UInt32>(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
      SIMD2<UInt32>(0xa409_3822, 0x299f_31d0),
      SIMD4<UInt32>(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)
    ),
  ])
  func philoxGivesThePublishedAnswers(
    counter: SIMD4<UInt32>, key: SIMD2<UInt32>, answer: SIMD4<UInt32>
  ) {
    #expect(RandomNumbers.block(counter: counter, key: key) == answer)
  }

  @Test func numbersLieInTheUnitIntervalAndAreUniform() {
    var bins = [Int](repeating: 0, count: 20)
    for position in 0..<20_000 {
      let number = RandomNumbers(seed: 7).uniform(at: position, for: .token)
      #expect(number >= 0 && number < 1)
      bins[Int(number * 20)] += 1
    }
    let statistic = bins.map { Double(($0 - 1000) * ($0 - 1000)) / 1000 }.reduce(0, +)
    #expect(statistic < 43.8)  // 19 degrees of freedom, p = 0.001
  }

  @Test func seedPlaceAndPurposeEachGiveAnotherNumber() {
    let number = RandomNumbers(seed: 1).uniform(at: 5, for: .token)
    #expect(number == RandomNumbers(seed: 1).uniform(at: 5, for: .token))
    #expect(number != RandomNumbers(seed: 2).uniform(at: 5, for: .token))
    #expect(number != RandomNumbers(seed: 1 << 32 | 1).uniform(at: 5, for: .token))
    #expect(number != RandomNumbers(seed: 1).uniform(at: 6, for: .token))
    #expect(number != RandomNumbers(seed: 1).uniform(at: 5, for: .xtc))
  }
}
