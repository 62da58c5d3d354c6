import CKernels
import Compute
import Testing

@Suite struct DequantizeTests {
  @Test(arguments: KnownAnswer.all.indices)
  func blocksAreWorthWhatGGMLSays(index: Int) {
    let answer = KnownAnswer.all[index]
    let columns = answer.type.blockLength == 1 ? 32 : answer.type.blockLength
    let size = columns / answer.type.blockLength * answer.type.blockByteCount
    var block = (0..<size).map { (index: Int) -> UInt8 in
      UInt8(truncatingIfNeeded: 7 * index * index + 37 * index + 11)
    }
    for (offset, scale) in zip(answer.scaleOffsets, [Float16(0.0123), Float16(-0.456)]) {
      block[offset] = UInt8(truncatingIfNeeded: scale.bitPattern)
      block[offset + 1] = UInt8(scale.bitPattern >> 8)
    }
    if answer.type == .f16 {
      for high in stride(from: 1, to: size, by: 2) { block[high] &= 0xbf }
    }
    for kernels in Kernels.available {
      var output = [Float](repeating: .nan, count: columns)
      ck_dequantize(kernels.isa, Int32(answer.type.rawValue), block, Int64(columns), &output)
      for (column, value) in answer.values {
        #expect(output[column] == value, "\(kernels.name) \(answer.type) column \(column)")
      }
    }
  }

  @Test func everyBlockFormatHasAKnownAnswer() {
    #expect(Set(KnownAnswer.all.map(\.type)) == Set(ElementType.allCases).subtracting([.f32]))
  }

  @Test func floatsAreCopiedExactly() {
    let values: [Float] = [
      0, -0.0, 1.5, .leastNonzeroMagnitude, -.greatestFiniteMagnitude, .infinity,
    ]
    var output = [Float](repeating: .nan, count: values.count)
    ck_dequantize(Int32(CK_SCALAR), Int32(CK_F32), values, Int64(values.count), &output)
    #expect(output.bits == values.bits)
  }

  @Test(arguments: ElementType.allCases)
  func rowSizesAgreeWithTheFormatTable(type: ElementType) {
    for columns in [0, 1, 31, 32, 255, 256, 4096] {
      #expect(
        ck_row_bytes(Int32(type.rawValue), Int64(columns))
          == Int64(type.rowByteCount(columns: columns) ?? 0))
    }
    #expect(ck_row_bytes(Int32(type.rawValue), -256) == 0)
    #expect(ck_row_bytes(Int32(type.rawValue), Int64.max / 256 * 256) >= 0)
  }

  @Test func unknownFormatsHaveNoSize() {
    for type in [-1, 4, 5, 9, 15, 31, 1000] as [Int32] { #expect(ck_row_bytes(type, 256) == 0) }
  }
}
