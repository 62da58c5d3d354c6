import Compute

/// Puts floats into weight formats and takes them out again, plainly: right, not fast, not the best fit.
package enum ReferenceQuantizer {
  /// The stored bytes of values whose count is a whole number of blocks.
  package static func bytes(of values: [Float], as type: ElementType) -> [UInt8] {
    precondition(values.count % type.blockLength == 0)
    return stride(from: 0, to: values.count, by: type.blockLength).flatMap { start in
      block(Array(values[start..<start + type.blockLength]), type)
    }
  }

  private static func block(_ values: [Float], _ type: ElementType) -> [UInt8] {
    switch type {
    case .f32: little(values[0].bitPattern)
    case .f16: half(values[0])
    case .bf16: little(roundedToBF16(values[0]))
    case .q4_0: symmetric(values, bits: 4)
    case .q5_0: symmetric(values, bits: 5)
    case .q4_1: ranged(values, bits: 4)
    case .q5_1: ranged(values, bits: 5)
    case .q8_0: q8(values)
    case .q2_K: q2K(values)
    case .q3_K: q3K(values)
    case .q4_K: q45K(values, bits: 4)
    case .q5_K: q45K(values, bits: 5)
    case .q6_K: q6K(values)
    }
  }

  // MARK: Blocks of 32

  private static func symmetric(_ values: [Float], bits: Int) -> [UInt8] {
    let offset = Float(1 << (bits - 1))
    let scale = rounded(extreme(values) / -offset)
    let codes = values.map { code($0, scale, offset: offset, in: 0...(1 << bits) - 1) }
    return half(scale) + (bits == 5 ? highBits(codes) : []) + nibbles(codes)
  }

  private static func ranged(_ values: [Float], bits: Int) -> [UInt8] {
    let least = rounded(values.min() ?? 0)
    let limit = (1 << bits) - 1
    let scale = rounded(((values.max() ?? 0) - least) / Float(limit))
    let codes = values.map { code($0 - least, scale, offset: 0, in: 0...limit) }
    return half(scale) + half(least) + (bits == 5 ? highBits(codes) : []) + nibbles(codes)
  }

  private static func q8(_ values: [Float]) -> [UInt8] {
    let scale = rounded(abs(extreme(values)) / 127)
    return half(scale)
      + values.map { UInt8(truncatingIfNeeded: code($0, scale, offset: 0, in: -127...127)) }
  }

  /// The low four bits: the first half of the block in low nibbles, the second in high ones.
  private static func nibbles(_ codes: [Int]) -> [UInt8] {
    (0..<16).map { UInt8(codes[$0] & 15 | (codes[$0 + 16] & 15) << 4) }
  }

  /// The fifth bit of each of 32 codes.
  private static func highBits(_ codes: [Int]) -> [UInt8] {
    little(
      codes.indices.reduce(UInt32(0)) { $0 | UInt32(codes[$1] >> 4 & 1) << UInt32($1) })
  }

  // MARK: Blocks of 256

  private static func q2K(_ values: [Float]) -> [UInt8] {
    let (scales, minima, d, dmin) = subscales(values, length: 16, levels: 3, limit: 15)
    var packed = [UInt8](repeating: 0, count: 64)
    for (index, value) in values.enumerated() {
      let sub = index / 16
      let code = code(
        value + dmin * Float(minima[sub]), d * Float(scales[sub]), offset: 0, in: 0...3)
      packed[index / 128 * 32 + index % 32] |= UInt8(code << (index % 128 / 32 * 2))
    }
    let header = (0..<16).map { UInt8(scales[$0] | minima[$0] << 4) }
    return header + packed + half(d) + half(dmin)
  }

  private static func q3K(_ values: [Float]) -> [UInt8] {
    let (scales, d) = signedSubscales(values, divisor: -4, limit: 31)
    var low = [UInt8](repeating: 0, count: 64)
    var high = [UInt8](repeating: 0, count: 32)
    for (index, value) in values.enumerated() {
      let code = code(value, d * Float(scales[index / 16]), offset: 4, in: 0...7)
      low[index / 128 * 32 + index % 32] |= UInt8((code & 3) << (index % 128 / 32 * 2))
      high[index % 32] |= UInt8((code >> 2) << (index / 32))
    }
    var packed = [UInt8](repeating: 0, count: 12)
    for (index, scale) in scales.enumerated() {
      let stored = scale + 32
      packed[index % 8] |= UInt8((stored & 15) << (index / 8 * 4))
      packed[8 + index % 4] |= UInt8((stored >> 4) << (index / 4 * 2))
    }
    return high + low + packed + half(d)
  }

  private static func q45K(_ values: [Float], bits: Int) -> [UInt8] {
    let limit = (1 << bits) - 1
    let (scales, minima, d, dmin) = subscales(values, length: 32, levels: limit, limit: 63)
    var low = [UInt8](repeating: 0, count: 128)
    var high = [UInt8](repeating: 0, count: 32)
    for (index, value) in values.enumerated() {
      let sub = index / 32
      let code = code(
        value + dmin * Float(minima[sub]), d * Float(scales[sub]), offset: 0, in: 0...limit)
      low[index / 64 * 32 + index % 32] |= UInt8((code & 15) << (sub % 2 * 4))
      high[index % 32] |= UInt8((code >> 4) << sub)
    }
    var packed = [UInt8](repeating: 0, count: 12)
    for sub in 0..<4 {
      packed[sub] = UInt8(scales[sub] | (scales[sub + 4] >> 4) << 6)
      packed[sub + 4] = UInt8(minima[sub] | (minima[sub + 4] >> 4) << 6)
      packed[sub + 8] = UInt8(scales[sub + 4] & 15 | (minima[sub + 4] & 15) << 4)
    }
    return half(d) + half(dmin) + packed + (bits == 5 ? high : []) + low
  }

  private static func q6K(_ values: [Float]) -> [UInt8] {
    let (scales, d) = signedSubscales(values, divisor: -32, limit: 127)
    var low = [UInt8](repeating: 0, count: 128)
    var high = [UInt8](repeating: 0, count: 64)
    for (index, value) in values.enumerated() {
      let code = code(value, d * Float(scales[index / 16]), offset: 32, in: 0...63)
      let (chunk, quarter, lane) = (index / 128, index % 128 / 32, index % 32)
      low[chunk * 64 + quarter % 2 * 32 + lane] |= UInt8((code & 15) << (quarter / 2 * 4))
      high[chunk * 32 + lane] |= UInt8((code >> 4) << (quarter * 2))
    }
    return low + high + scales.map { UInt8(truncatingIfNeeded: $0) } + half(d)
  }

  /// Scales and minima of sub-blocks as integers of 0...limit, and what they are multiplied by.
  private static func subscales(
    _ values: [Float], length: Int, levels: Int, limit: Int
  ) -> (scales: [Int], minima: [Int], d: Float, dmin: Float) {
    var scales: [Float] = []
    var minima: [Float] = []
    for start in stride(from: 0, to: values.count, by: length) {
      let part = values[start..<start + length]
      let least = min(part.min() ?? 0, 0)
      minima.append(-least)
      scales.append(max((part.max() ?? 0) - least, 0) / Float(levels))
    }
    let d = rounded((scales.max() ?? 0) / Float(limit))
    let dmin = rounded((minima.max() ?? 0) / Float(limit))
    return (
      scales.map { code($0, d, offset: 0, in: 0...limit) },
      minima.map { code($0, dmin, offset: 0, in: 0...limit) }, d, dmin
    )
  }

  /// Signed scales of sub-blocks of 16, and what they are multiplied by.
  private static func signedSubscales(
    _ values: [Float], divisor: Float, limit: Int
  ) -> (scales: [Int], d: Float) {
    let scales = stride(from: 0, to: values.count, by: 16).map {
      extreme(Array(values[$0..<$0 + 16])) / divisor
    }
    let d = rounded(scales.map(abs).max().map { $0 / Float(limit) } ?? 0)
    return (scales.map { code($0, d, offset: 0, in: -limit...limit) }, d)
  }

  // MARK: Numbers

  /// The value of the largest magnitude, with its sign.
  private static func extreme(_ values: [Float]) -> Float {
    values.max { abs($0) < abs($1) } ?? 0
  }

  private static func code(
    _ value: Float, _ scale: Float, offset: Float, in range: ClosedRange<Int>
  ) -> Int {
    let quotient = scale == 0 ? 0 : value / scale
    return min(max(Int((quotient + offset).rounded()), range.lowerBound), range.upperBound)
  }

  /// A scale as it will be read back from half precision.
  private static func rounded(_ value: Float) -> Float {
    HalfPrecision.value(HalfPrecision.bits(value))
  }
  private static func half(_ value: Float) -> [UInt8] { little(HalfPrecision.bits(value)) }

  private static func roundedToBF16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    return UInt16((bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
  }

  private static func little(_ value: some FixedWidthInteger) -> [UInt8] {
    stride(from: 0, to: value.bitWidth, by: 8).map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}

/// IEEE half precision by arithmetic alone.
package enum HalfPrecision {
  /// The nearest half, ties to even; too large values become infinite.
  package static func bits(_ value: Float) -> UInt16 {
    let sign = UInt16(value.bitPattern >> 16 & 0x8000)
    let magnitude = abs(value)
    guard magnitude == magnitude else { return sign | 0x7E00 }
    guard magnitude < 65520 else { return sign | 0x7C00 }
    guard magnitude >= 0x1p-14 else {
      return sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven))
    }
    let exponent = Int(magnitude.exponent)
    let significand = (magnitude.significand * 1024).rounded(.toNearestOrEven)
    return sign | UInt16((exponent + 14) << 10) + UInt16(significand)
  }

  package static func value(_ bits: UInt16) -> Float {
    let sign: Float = bits & 0x8000 == 0 ? 1 : -1
    let fraction = Float(bits & 0x3FF)
    switch bits >> 10 & 31 {
    case 0: return sign * fraction * 0x1p-24
    case 31: return fraction == 0 ? sign * .infinity : .nan
    case let exponent:
      return sign * Float(sign: .plus, exponent: Int(exponent) - 25, significand: 1024 + fraction)
    }
  }
}
