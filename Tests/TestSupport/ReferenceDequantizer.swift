import Compute

/// Reads weight formats element by element, straight from their definitions.
package enum ReferenceDequantizer {
  /// The values of stored bytes, which hold whole blocks.
  package static func values(of bytes: [UInt8], as type: ElementType) -> [Float] {
    precondition(bytes.count % type.blockByteCount == 0)
    return stride(from: 0, to: bytes.count, by: type.blockByteCount).flatMap { start in
      let block = Array(bytes[start..<start + type.blockByteCount])
      return (0..<type.blockLength).map { value(block, $0, type) }
    }
  }

  private static func value(_ block: [UInt8], _ index: Int, _ type: ElementType) -> Float {
    switch type {
    case .f32: Float(bitPattern: word(block, 0) | word(block, 2) << 16)
    case .f16: half(block, 0)
    case .bf16: Float(bitPattern: word(block, 0) << 16)
    case .q4_0: half(block, 0) * Float(nibble(block, 2, index) - 8)
    case .q4_1: half(block, 0) * Float(nibble(block, 4, index)) + half(block, 2)
    case .q5_0: half(block, 0) * Float(fiveBits(block, 2, index) - 16)
    case .q5_1: half(block, 0) * Float(fiveBits(block, 4, index)) + half(block, 2)
    case .q8_0: half(block, 0) * Float(Int8(bitPattern: block[2 + index]))
    case .q2_K: q2K(block, index)
    case .q3_K: q3K(block, index)
    case .q4_K: q45K(block, index, bits: 4)
    case .q5_K: q45K(block, index, bits: 5)
    case .q6_K: q6K(block, index)
    }
  }

  private static func nibble(_ block: [UInt8], _ start: Int, _ index: Int) -> Int {
    Int(block[start + index % 16]) >> (index / 16 * 4) & 15
  }

  private static func fiveBits(_ block: [UInt8], _ start: Int, _ index: Int) -> Int {
    nibble(block, start + 4, index) | (Int(block[start + index / 8]) >> (index % 8) & 1) << 4
  }

  private static func q2K(_ block: [UInt8], _ index: Int) -> Float {
    let header = Int(block[index / 16])
    let code = Int(block[16 + index / 128 * 32 + index % 32]) >> (index % 128 / 32 * 2) & 3
    return half(block, 80) * Float(header & 15) * Float(code)
      - half(block, 82) * Float(header >> 4)
  }

  private static func q3K(_ block: [UInt8], _ index: Int) -> Float {
    let low = Int(block[32 + index / 128 * 32 + index % 32]) >> (index % 128 / 32 * 2) & 3
    let high = Int(block[index % 32]) >> (index / 32) & 1
    let sub = index / 16
    let scale =
      Int(block[96 + sub % 8]) >> (sub / 8 * 4) & 15
      | (Int(block[104 + sub % 4]) >> (sub / 4 * 2) & 3) << 4
    return half(block, 108) * Float(scale - 32) * Float(low + high * 4 - 4)
  }

  private static func q45K(_ block: [UInt8], _ index: Int, bits: Int) -> Float {
    let sub = index / 32
    let packed = { Int(block[4 + $0]) }
    let scale: Int
    let minimum: Int
    if sub < 4 {
      (scale, minimum) = (packed(sub) & 63, packed(sub + 4) & 63)
    } else {
      scale = packed(sub + 4) & 15 | (packed(sub - 4) >> 6) << 4
      minimum = packed(sub + 4) >> 4 | (packed(sub) >> 6) << 4
    }
    let codes = bits == 5 ? 48 : 16
    var code = Int(block[codes + index / 64 * 32 + index % 32]) >> (sub % 2 * 4) & 15
    if bits == 5 { code |= (Int(block[16 + index % 32]) >> sub & 1) << 4 }
    return half(block, 0) * Float(scale) * Float(code) - half(block, 2) * Float(minimum)
  }

  private static func q6K(_ block: [UInt8], _ index: Int) -> Float {
    let (chunk, quarter, lane) = (index / 128, index % 128 / 32, index % 32)
    let low = Int(block[chunk * 64 + quarter % 2 * 32 + lane]) >> (quarter / 2 * 4) & 15
    let high = Int(block[128 + chunk * 32 + lane]) >> (quarter * 2) & 3
    let scale = Float(Int8(bitPattern: block[192 + index / 16]))
    return half(block, 208) * scale * Float((low | high << 4) - 32)
  }

  private static func word(_ block: [UInt8], _ offset: Int) -> UInt32 {
    UInt32(block[offset]) | UInt32(block[offset + 1]) << 8
  }

  private static func half(_ block: [UInt8], _ offset: Int) -> Float {
    HalfPrecision.value(UInt16(word(block, offset)))
  }
}
