import Compute
import Inference

/// The weights of one picture network: tensors and figures of a file under a prefix.
struct PictureWeights {
  let file: any WeightFile
  let prefix: String

  init(_ file: any WeightFile, _ prefix: String) {
    self.file = file
    self.prefix = prefix
  }

  func under(_ name: String) -> PictureWeights { PictureWeights(file, "\(prefix).\(name)") }

  /// A figure of the header that must lie in a range.
  ///
  /// - Throws: `modelFile`.
  func integer(_ key: String, _ range: ClosedRange<Int>) throws(InferenceError) -> Int {
    let value = try file.integer("\(prefix).\(key)")
    guard range.contains(value) else {
      throw InferenceError(.modelFile, "the header's \(prefix).\(key) is \(value)")
    }
    return value
  }

  /// A list of figures that must all lie in a range; not empty.
  func integers(
    _ key: String, _ range: ClosedRange<Int>, atMost count: Int
  ) throws(InferenceError) -> [Int] {
    let values = try file.integers("\(prefix).\(key)")
    guard (1...count).contains(values.count), values.allSatisfy(range.contains) else {
      throw InferenceError(
        .modelFile,
        "the header's \(prefix).\(key) holds \(values.prefix(20).map(String.init).joined(separator: ", "))"
      )
    }
    return values
  }

  /// `NAME.weight` with `NAME.bias`.
  func dense(_ name: String, outputs: Int, depth: Int) throws(InferenceError) -> DenseWeights {
    DenseWeights(
      try file.tensor("\(prefix).\(name).weight", rows: outputs, columns: depth),
      bias: try file.tensor("\(prefix).\(name).bias", rows: 1, columns: outputs))
  }

  /// A matrix as floats, row by row.
  func floats(_ name: String, rows: Int = 1, columns: Int) throws(InferenceError) -> Buffer {
    let tensor = try file.tensor("\(prefix).\(name)", rows: rows, columns: columns)
    let values = Buffer(count: rows * columns)
    for row in 0..<rows {
      Kernels.shared.dequantize(tensor, row: row, into: values, at: row * columns)
    }
    return values
  }

  /// A convolution of `size * size` windows.
  func convolution(
    _ name: String, from channels: Int, to outputs: Int, size: Int, stride: Int = 1
  ) throws(InferenceError) -> Convolution {
    Convolution(
      weights: try dense(name, outputs: outputs, depth: size * size * channels), size: size,
      stride: stride)
  }

  func transposed(
    _ name: String, from channels: Int, to outputs: Int
  ) throws(InferenceError) -> TransposedConvolution {
    // One bias for each channel: the file repeats it for each of the four places.
    TransposedConvolution(weights: try dense(name, outputs: 4 * outputs, depth: channels))
  }

  func norm(_ name: String, _ channels: Int) throws(InferenceError) -> MapNorm {
    MapNorm(
      weight: try floats("\(name).weight", columns: channels),
      bias: try floats("\(name).bias", columns: channels))
  }

  /// - Parameter hasNorm: whether the norm has weights of its own.
  func block(
    _ channels: Int, size: Int, grow: Int, hasNorm: Bool = true
  ) throws(InferenceError) -> ConvolutionBlock {
    let norm = hasNorm ? try self.norm("norm", channels) : nil
    return ConvolutionBlock(
      size: size, depthwise: try floats("depthwise.weight", rows: size * size, columns: channels),
      depthwiseBias: try floats("depthwise.bias", columns: channels),
      norm: norm.map { ($0.weight, $0.bias) },
      wide: try dense("wide", outputs: grow * channels, depth: channels),
      narrow: try dense("narrow", outputs: channels, depth: grow * channels))
  }
}
