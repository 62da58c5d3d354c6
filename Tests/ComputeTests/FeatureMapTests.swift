import CKernels
import Compute
import Testing

/// Kernels of feature maps: the bits of the scalar version on every instruction set, and the scalar version's meaning.
@Suite struct FeatureMapTests {
  /// Rows, depth, outputs: below, at and above what a tile holds.
  static let shapes: [(Int, Int, Int)] = [
    (1, 1, 1), (1, 7, 33), (2, 64, 32), (3, 16, 31), (4, 5, 64), (5, 33, 17), (8, 48, 96),
    (9, 20, 65), (17, 144, 40),
  ]

  @Test(arguments: shapes) func denseProductsComputeTheScalarBits(shape: (Int, Int, Int)) {
    let (rows, depth, outputs) = shape
    var random = SampleGenerator(seed: 5)
    let matrix = random.floats(outputs * depth)
    let bias = random.floats(outputs)
    let weights = DenseWeights(
      Tensor(values: matrix, rows: outputs, columns: depth),
      bias: Tensor(values: bias, rows: 1, columns: outputs))
    let x = buffer(random.floats(rows * depth))
    let before = random.floats(rows * outputs)
    for adding in [false, true] {
      let expected = (0..<rows * outputs).map { place in
        let (row, output) = (place / outputs, place % outputs)
        var sum = bias[output]
        for k in 0..<depth { sum.addProduct(x[row * depth + k], matrix[output * depth + k]) }
        return adding ? before[place] + sum : sum
      }
      for kernels in Kernels.available {
        let y = buffer(before)
        kernels.dense(
          FloatRows(x, stride: depth), count: rows, by: weights,
          into: FloatRows(y, stride: outputs), adding: adding)
        #expect(y.array(0..<rows * outputs) == expected, "\(kernels.name) \(shape) \(adding)")
      }
    }
  }

  @Test func aShareOfTheOutputsIsThatOfTheWhole() {
    var random = SampleGenerator(seed: 6)
    let weights = DenseWeights(Tensor(values: random.floats(100 * 24), rows: 100, columns: 24))
    let x = buffer(random.floats(5 * 24))
    for kernels in Kernels.available {
      let whole = Buffer(count: 500)
      let parts = Buffer(count: 500)
      kernels.dense(
        FloatRows(x, stride: 24), count: 5, by: weights, into: FloatRows(whole, stride: 100))
      for outputs in [0..<32, 32..<96, 96..<100] {
        for row in 0..<5 {
          kernels.dense(
            FloatRows(x, stride: 24).dropping(row), count: 1, by: weights, outputs: outputs,
            into: FloatRows(parts, stride: 100).dropping(row))
        }
      }
      #expect(parts.array(0..<500) == whole.array(0..<500))
    }
  }

  /// Blocks of 32 in 8 bits: near the floats, the same bits on every instruction set, in one piece or row by row.
  @Test(arguments: [(3, 64, 40), (20, 96, 33), (5, 33, 17)])
  func productsInIntegersAreNearThoseOfFloats(shape: (Int, Int, Int)) {
    let (rows, depth, outputs) = shape
    var random = SampleGenerator(seed: 8)
    let weights = DenseWeights(
      Tensor(values: random.floats(outputs * depth), rows: outputs, columns: depth),
      bias: Tensor(values: random.floats(outputs), rows: 1, columns: outputs))
    let x = buffer(random.floats(rows * depth))
    let before = random.floats(rows * outputs)
    for adding in [false, true] {
      var first: [Float]?
      for kernels in Kernels.available {
        let (exact, whole, single) = (buffer(before), buffer(before), buffer(before))
        let input = FloatRows(x, stride: depth)
        kernels.dense(
          input, count: rows, by: weights, into: FloatRows(exact, stride: outputs), adding: adding)
        kernels.dense(
          input, count: rows, by: weights, into: FloatRows(whole, stride: outputs), adding: adding,
          inIntegers: true)
        for row in 0..<rows {
          kernels.dense(
            input.dropping(row), count: 1, by: weights,
            into: FloatRows(single, stride: outputs).dropping(row), adding: adding,
            inIntegers: true)
        }
        let (floats, integers) = (
          exact.array(0..<rows * outputs), whole.array(0..<rows * outputs)
        )
        #expect(single.array(0..<rows * outputs) == integers)
        #expect(integers == first ?? integers, "\(kernels.name)")
        first = integers
        if depth % 32 == 0 {
          let error = zip(floats, integers).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
          let size = floats.reduce(0) { $0 + $1 * $1 }
          #expect(error > 0 && error < 1e-3 * size, "\(kernels.name)")
        } else {
          #expect(integers == floats, "rows of no whole number of blocks stay floats")
        }
      }
    }
  }

  @Test func aProductWithAPlainMatrixReadsItsRows() {
    var random = SampleGenerator(seed: 7)
    let (rows, depth, outputs, stride) = (6, 19, 45, 50)
    let x = buffer(random.floats(rows * depth))
    let matrix = buffer(random.floats(depth * stride))
    let expected = (0..<rows * outputs).map { place in
      var sum: Float = 0
      for k in 0..<depth {
        sum.addProduct(x[place / outputs * depth + k], matrix[k * stride + place % outputs])
      }
      return sum
    }
    for kernels in Kernels.available {
      let y = Buffer(count: rows * outputs)
      kernels.product(
        FloatRows(x, stride: depth), count: rows, depth: depth,
        by: FloatRows(matrix, stride: stride), outputs: outputs,
        into: FloatRows(y, stride: outputs))
      #expect(y.array(0..<rows * outputs) == expected, "\(kernels.name)")
    }
  }

  @Test(arguments: [(1, 1, 1, 1), (3, 4, 5, 3), (6, 5, 40, 5), (8, 8, 33, 7)])
  func depthwiseConvolutionsComputeTheScalarBits(shape: (Int, Int, Int, Int)) {
    let (height, width, channels, size) = shape
    var random = SampleGenerator(seed: 8)
    let x = buffer(random.floats(height * width * channels))
    let weights = buffer(random.floats(size * size * channels))
    let bias = buffer(random.floats(channels))
    let expected = (0..<x.count).map { place in
      let channel = place % channels
      let (line, column) = (place / channels / width, place / channels % width)
      var sum = bias[channel]
      for i in 0..<size {
        for j in 0..<size {
          let (row, other) = (line + i - size / 2, column + j - size / 2)
          guard (0..<height).contains(row), (0..<width).contains(other) else { continue }
          sum.addProduct(
            x[(row * width + other) * channels + channel],
            weights[(i * size + j) * channels + channel])
        }
      }
      return sum
    }
    for kernels in Kernels.available {
      let y = Buffer(count: x.count)
      for row in 0..<height {
        kernels.convolveDepthwise(
          x, at: 0, height: height, width: width, channels: channels, size: size,
          weights: weights, bias: bias, rows: row..<row + 1, into: y, at: 0)
      }
      #expect(y.array(0..<y.count) == expected, "\(kernels.name)")
    }
  }

  @Test(arguments: ElementwiseTests.counts) func sumsAndNormsComputeTheScalarBits(count: Int) {
    var random = SampleGenerator(seed: 9)
    let x = random.floats(count, in: -3...3)
    let weight = random.floats(count)
    let bias = random.floats(count)
    let scalar = Int32(CK_SCALAR)
    var expected: (Float, Float) = (0, 0)
    ck_sums(scalar, x, Int64(count), &expected.0, &expected.1)
    #expect(abs(expected.0 - x.reduce(0, +)) < 1e-3)
    #expect(abs(expected.1 - x.reduce(0) { $0 + $1 * $1 }) < 1e-2)
    for kernels in Kernels.available {
      var found: (Float, Float) = (0, 0)
      ck_sums(kernels.isa, x, Int64(count), &found.0, &found.1)
      #expect(found == expected, "\(kernels.name)")
      for isPlain in [false, true] {
        var y = [Float](repeating: 0, count: count)
        ck_normalize(
          kernels.isa, x, Int64(count), 0.7, -0.2, isPlain ? nil : weight, isPlain ? nil : bias, &y)
        let wanted = x.indices.map { place in
          let normal = (-0.2 as Float).addingProduct(x[place], 0.7)
          return isPlain ? normal : bias[place].addingProduct(normal, weight[place])
        }
        #expect(y == wanted, "\(kernels.name)")
      }
    }
  }

  private func buffer(_ values: [Float]) -> Buffer {
    let buffer = Buffer(count: values.count)
    buffer.replace(at: 0, with: values)
    return buffer
  }
}
