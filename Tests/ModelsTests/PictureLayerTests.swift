import Compute
import Inference
import Models
import TestSupport
import Testing

/// The layers of picture networks against plain loops over their definitions.
@Suite struct PictureLayerTests {
  /// Pictures, height, width, channels, outputs.
  struct Shape: CustomTestStringConvertible {
    var pictures: Int
    var height: Int
    var width: Int
    var channels: Int
    var outputs: Int

    var testDescription: String { "\(pictures) x \(height) x \(width), \(channels) to \(outputs)" }
  }

  static let shapes = [
    Shape(pictures: 1, height: 1, width: 1, channels: 1, outputs: 1),
    Shape(pictures: 2, height: 3, width: 5, channels: 4, outputs: 7),
    Shape(pictures: 1, height: 8, width: 8, channels: 16, outputs: 33),
    Shape(pictures: 3, height: 6, width: 4, channels: 5, outputs: 40),
  ]

  private func withCompute(_ body: (MapCompute) throws -> Void) rethrows {
    let pool = WorkerPool(count: 2)
    defer { pool.shutDown() }
    try body(MapCompute(pool: pool))
  }

  private func map(
    _ shape: Shape, _ compute: MapCompute, _ random: inout SplitMix64
  ) -> FeatureMap {
    let map = compute.map(
      pictures: shape.pictures, height: shape.height, width: shape.width,
      channels: shape.channels)
    for index in 0..<map.count { map.values[index] = Float.random(in: -1...1, using: &random) }
    return map
  }

  private func numbers(_ count: Int, _ random: inout SplitMix64) -> [Float] {
    (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
  }

  @Test(arguments: shapes, [(1, 1), (3, 1), (5, 1), (2, 2)])
  func convolutionsAreTheirDefinition(_ shape: Shape, _ window: (size: Int, stride: Int)) {
    guard window.stride == 1 || shape.height % 2 == 0 else { return }
    var random = SplitMix64(seed: 3)
    let (size, padding) = (window.size, window.stride == 1 ? window.size / 2 : 0)
    let weights = numbers(shape.outputs * size * size * shape.channels, &random)
    let bias = numbers(shape.outputs, &random)
    withCompute { compute in
      let x = map(shape, compute, &random)
      let depth = size * size * shape.channels
      let convolution = Convolution(
        weights: DenseWeights(
          Tensor(values: weights, rows: shape.outputs, columns: depth),
          bias: Tensor(values: bias, rows: 1, columns: shape.outputs)),
        size: size, stride: window.stride)
      let y = convolution(x, on: compute)
      #expect(y.height == shape.height / window.stride)
      var worst: Float = 0
      for place in 0..<y.places {
        let picture = place / y.area
        let (line, column) = (place % y.area / y.width, place % y.width)
        for output in 0..<shape.outputs {
          var sum = bias[output]
          for i in 0..<size {
            for j in 0..<size {
              let row = line * window.stride + i - padding
              let other = column * window.stride + j - padding
              guard (0..<x.height).contains(row), (0..<x.width).contains(other) else { continue }
              for channel in 0..<shape.channels {
                let source = ((picture * x.height + row) * x.width + other) * shape.channels
                sum +=
                  x.values[source + channel]
                  * weights[output * depth + (i * size + j) * shape.channels + channel]
              }
            }
          }
          worst = max(worst, abs(sum - y.values[place * shape.outputs + output]))
        }
      }
      #expect(worst < 1e-4)
    }
  }

  /// Groups, channels and outputs of each, size of the window, stride.
  @Test(arguments: [
    (1, 5, 7, 3, 1), (2, 4, 3, 3, 1), (3, 1, 2, 5, 1), (4, 8, 33, 1, 1), (2, 6, 40, 2, 2),
    (6, 1, 1, 3, 1),
  ])
  func groupsOfAConvolutionDoNotMix(_ shape: (Int, Int, Int, Int, Int)) {
    let (groups, channels, outputs, size, stride) = shape
    var random = SplitMix64(seed: 9)
    let pool = WorkerPool(count: 2)
    defer { pool.shutDown() }
    let depth = size * size * channels
    let weights = (0..<groups).map { _ in numbers(outputs * depth, &random) }
    let bias = (0..<groups).map { _ in numbers(outputs, &random) }
    let values = numbers(2 * 6 * 4 * groups * channels, &random)
    for kernels in Kernels.available {
      let compute = MapCompute(pool: pool, kernels: kernels)
      let x = compute.map(pictures: 2, height: 6, width: 4, channels: groups * channels)
      x.values.replace(at: 0, with: values)
      let y = GroupedConvolution(
        (0..<groups).map { group in
          Convolution(
            weights: DenseWeights(
              Tensor(values: weights[group], rows: outputs, columns: depth),
              bias: Tensor(values: bias[group], rows: 1, columns: outputs)),
            size: size, stride: stride)
        })(x, on: compute)
      #expect(y.height == 6 / stride && y.width == 4 / stride)
      // Inputs in ascending order, each added with one rounding: the very bits.
      for index in 0..<y.count {
        let (place, group) = (index / y.channels, index % y.channels / outputs)
        let output = index % outputs
        var sum = bias[group][output]
        for k in 0..<depth {
          let tap = k / channels
          let line = place % y.area / y.width * stride + tap / size - (stride == 1 ? size / 2 : 0)
          let column = place % y.width * stride + tap % size - (stride == 1 ? size / 2 : 0)
          guard (0..<x.height).contains(line), (0..<x.width).contains(column) else { continue }
          let source = (place / y.area * x.height + line) * x.width + column
          sum.addProduct(
            values[source * x.channels + group * channels + k % channels],
            weights[group][output * depth + k])
        }
        #expect(y.values[index] == sum, "\(kernels.name), place \(place), output \(output)")
      }
    }
  }

  @Test(arguments: shapes) func transposedConvolutionsScatterEachPlace(_ shape: Shape) {
    var random = SplitMix64(seed: 4)
    let weights = numbers(4 * shape.outputs * shape.channels, &random)
    withCompute { compute in
      let x = map(shape, compute, &random)
      let y = TransposedConvolution(
        weights: DenseWeights(
          Tensor(values: weights, rows: 4 * shape.outputs, columns: shape.channels)))(
          x, on: compute)
      #expect(y.height == 2 * x.height && y.width == 2 * x.width)
      var worst: Float = 0
      for place in 0..<y.places {
        let picture = place / y.area
        let (line, column) = (place % y.area / y.width, place % y.width)
        let source = (picture * x.area + line / 2 * x.width + column / 2) * shape.channels
        for output in 0..<shape.outputs {
          let row = ((line % 2 * 2 + column % 2) * shape.outputs + output) * shape.channels
          let sum = (0..<shape.channels).reduce(Float(0)) {
            $0 + x.values[source + $1] * weights[row + $1]
          }
          worst = max(worst, abs(sum - y.values[place * shape.outputs + output]))
        }
      }
      #expect(worst < 1e-4)
    }
  }

  @Test(arguments: shapes) func normsBringEachPictureToItsWeightAndBias(_ shape: Shape) {
    guard shape.height > 1 else { return }
    var random = SplitMix64(seed: 5)
    withCompute { compute in
      let x = map(shape, compute, &random)
      let before = x.values.array(0..<x.count)
      let (weight, bias) = (Buffer(count: shape.channels), Buffer(count: shape.channels))
      weight.replace(at: 0, with: numbers(shape.channels, &random))
      bias.replace(at: 0, with: numbers(shape.channels, &random))
      MapNorm(weight: weight, bias: bias).apply(to: x, on: compute)
      for picture in 0..<shape.pictures {
        let values = before[x.range(of: picture)].map(Double.init)
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        for (offset, value) in values.enumerated() {
          let channel = offset % shape.channels
          let wanted =
            (value - mean) / (variance + 1e-6).squareRoot() * Double(weight[channel])
            + Double(bias[channel])
          let found = Double(x.values[x.range(of: picture).lowerBound + offset])
          #expect(abs(found - wanted) < 1e-4)
        }
      }
    }
  }

  @Test func packingAndUnpackingAreEachOthersReverse() {
    var random = SplitMix64(seed: 6)
    withCompute { compute in
      let x = map(
        Shape(pictures: 2, height: 3, width: 2, channels: 12, outputs: 0), compute, &random)
      let y = x.unpacked(2, on: compute)
      #expect(y.height == 6 && y.channels == 3)
      // Channel 2 * 4 + 1 * 2 + 0 of a place goes to its second row, first column, third channel.
      #expect(y.values[(1 * y.width + 0) * 3 + 2] == x.values[10])
      #expect(y.packed(2, on: compute).values.array(0..<x.count) == x.values.array(0..<x.count))
    }
  }

  @Test func resizingKeepsWhatIsEven() {
    for (from, to) in [(1, 8), (2, 8), (3, 8), (6, 8), (8, 8)] {
      for weights in Resizing.cubic(from: from, to: to) {
        #expect(abs(weights.reduce(0, +) - 1) < 1e-5, "\(from) to \(to)")
      }
    }
    let map = Buffer(count: 64)
    for index in 0..<64 { map[index] = Float(index) }
    #expect(Resizing.mean(of: map, at: 0, side: 8, channels: 1, to: 1) == [31.5])
    #expect(Resizing.mean(of: map, at: 0, side: 8, channels: 1, to: 8) == (0..<64).map(Float.init))
    // Windows of an uneven division overlap: the first of three covers three of eight.
    #expect(Resizing.mean(of: map, at: 0, side: 8, channels: 1, to: 3)[0] == 9)
  }

  @Test func memoryOfMapsIsUsedAgain() {
    withCompute { compute in
      for _ in 0..<50 {
        let a = compute.map(pictures: 1, height: 16, width: 16, channels: 32)
        let b = compute.map(like: a)
        #expect(a.values !== b.values)
      }
      #expect(compute.arena.peakByteCount <= 2 * 16 * 16 * 32 * 4 * 5 / 4)
    }
  }
}
