import CKernels
import Compute

/// Seeded random numbers (SplitMix64): the same samples on every run and machine.
struct SampleGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
    (0..<count).map { _ in Float.random(in: range, using: &self) }
  }
}

/// How the blocks of a sample look.
enum SampleStyle: CaseIterable {
  /// Random integers, moderate scales.
  case typical
  /// Random integers, scales that are zero, subnormal, the greatest halves, of either sign.
  case extremeScales
  /// All bits of the integers and sub-scales clear.
  case allZero
  /// All bits of the integers and sub-scales set.
  case allMaximal
}

extension ElementType {
  /// Byte offsets of the half-precision numbers in a block.
  var scaleOffsets: [Int] {
    switch self {
    case .f32, .f16, .bf16: []
    case .q4_0, .q5_0, .q8_0: [0]
    case .q4_1, .q5_1, .q4_K, .q5_K: [0, 2]
    case .q2_K: [80, 82]
    case .q3_K: [108]
    case .q6_K: [208]
    }
  }

  static let quantized = allCases.filter { $0.activationForm != .float }
}

/// A matrix of random weights, as bytes.
struct SampleMatrix {
  let type: ElementType
  let rows: Int
  let columns: Int
  var bytes: [UInt8]

  init(
    _ type: ElementType, rows: Int, columns: Int, style: SampleStyle = .typical,
    using random: inout SampleGenerator
  ) {
    self.type = type
    self.rows = rows
    self.columns = columns
    let count = rows * (type.rowByteCount(columns: columns) ?? 0)
    switch style {
    case .typical, .extremeScales:
      bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    case .allZero: bytes = [UInt8](repeating: 0, count: count)
    case .allMaximal: bytes = [UInt8](repeating: 255, count: count)
    }
    for block in stride(from: 0, to: count, by: type.blockByteCount) {
      setNumbers(block, style: style, using: &random)
    }
  }

  private mutating func setNumbers(
    _ block: Int, style: SampleStyle, using random: inout SampleGenerator
  ) {
    let extremes: [UInt16] = [0, 0x8000, 1, 0x83ff, 0x7bff, 0xfbff, 0x0400, 0x3c00]
    func half() -> UInt16 {
      if style == .extremeScales { return extremes.randomElement(using: &random) ?? 0 }
      return Float16(Float.random(in: -0.05...0.05, using: &random)).bitPattern
    }
    switch type {
    case .f32: set(block, Float.random(in: -1...1, using: &random).bitPattern, bytes: 4)
    case .bf16: set(block, Float.random(in: -1...1, using: &random).bitPattern >> 16, bytes: 2)
    case .f16: set(block, UInt32(half()), bytes: 2)
    default: for offset in type.scaleOffsets { set(block + offset, UInt32(half()), bytes: 2) }
    }
  }

  private mutating func set(_ place: Int, _ bits: UInt32, bytes count: Int) {
    for byte in 0..<count { bytes[place + byte] = UInt8(truncatingIfNeeded: bits >> (8 * byte)) }
  }

  /// One row as floats.
  func row(_ index: Int) -> [Float] {
    let rowBytes = type.rowByteCount(columns: columns) ?? 0
    var output = [Float](repeating: .nan, count: columns)
    // swift-format-ignore: NeverForceUnwrap
    bytes.withUnsafeBytes {
      ck_dequantize(
        Int32(CK_SCALAR), Int32(type.rawValue), $0.baseAddress! + index * rowBytes, Int64(columns),
        &output)
    }
    return output
  }
}

/// Activation rows with every quantised form that their column count allows.
struct SampleRows {
  let tokens: Int
  let columns: Int
  let floats: [Float]
  var q32: [Int8] = []
  var d32: [Float] = []
  var s32: [Int32] = []
  var m32: [Float] = []
  var q256: [Int8] = []
  var d256: [Float] = []
  var s256: [Int16] = []

  init(_ floats: [Float], columns: Int, kernels: Kernels = Kernels.available[0]) {
    self.columns = columns
    self.floats = floats
    tokens = floats.count / columns
    q32 = [Int8](repeating: 99, count: floats.count)
    d32 = [Float](repeating: 99, count: floats.count / 32 + 1)
    s32 = [Int32](repeating: 99, count: floats.count / 32 + 1)
    m32 = d32
    q256 = q32
    d256 = [Float](repeating: 99, count: floats.count / 256 + 1)
    s256 = [Int16](repeating: 99, count: floats.count / 16 + 1)
    if columns % 32 == 0 {
      ck_quantize32(kernels.isa, floats, Int64(floats.count), &q32, &d32, &s32, &m32)
    }
    if columns % 256 == 0 {
      ck_quantize256(kernels.isa, floats, Int64(floats.count), &q256, &d256, &s256)
    }
  }

  /// Rows `range` alone.
  func slice(_ range: Range<Int>) -> SampleRows {
    SampleRows(
      Array(floats[range.lowerBound * columns..<range.upperBound * columns]), columns: columns)
  }
}

private func multiply(
  _ weight: SampleMatrix, rows: Range<Int>, by view: UnsafePointer<ck_rows>, tokens: Int,
  into output: UnsafeMutablePointer<Float>, _ kernels: Kernels
) {
  weight.bytes.withUnsafeBytes { bytes in
    var product = ck_product()
    product.type = Int32(weight.type.rawValue)
    product.weight = bytes.baseAddress
    product.row_begin = Int64(rows.lowerBound)
    product.row_end = Int64(rows.upperBound)
    product.x = view
    product.tokens = Int64(tokens)
    product.output = output
    product.stride = Int64(weight.rows)
    // What comes next is only asked for; the start of the matrix is as good as any.
    product.next = bytes.baseAddress
    product.next_bytes = Int64(bytes.count)
    ck_matmul(kernels.isa, &product)
  }
}

/// All rows of `weight` by all rows of `x`, `[tokens, rows]`.
///
/// What lies outside `rows` stays 0.
func product(
  _ weight: SampleMatrix, _ x: SampleRows, rows: Range<Int>? = nil, kernels: Kernels
) -> [Float] {
  let range = rows ?? 0..<weight.rows
  var output = [Float](repeating: 0, count: x.tokens * weight.rows)
  x.q32.withUnsafeBufferPointer { q32 in
    x.q256.withUnsafeBufferPointer { q256 in
      x.floats.withUnsafeBufferPointer { floats in
        x.d32.withUnsafeBufferPointer { d32 in
          x.s32.withUnsafeBufferPointer { s32 in
            x.m32.withUnsafeBufferPointer { m32 in
              x.d256.withUnsafeBufferPointer { d256 in
                x.s256.withUnsafeBufferPointer { s256 in
                  var view = ck_rows(
                    columns: Int64(x.columns), f: floats.baseAddress, q32: q32.baseAddress,
                    d32: d32.baseAddress, s32: s32.baseAddress, m32: m32.baseAddress,
                    q256: q256.baseAddress, d256: d256.baseAddress, s256: s256.baseAddress)
                  multiply(weight, rows: range, by: &view, tokens: x.tokens, into: &output, kernels)
                }
              }
            }
          }
        }
      }
    }
  }
  return output
}

extension [Float] {
  /// Bits, so that comparisons tell 0 from -0 and find equal NaN.
  var bits: [UInt32] { map(\.bitPattern) }
}
