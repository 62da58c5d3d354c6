import Compute
import Inference

/// A convolution with square windows, zeros beyond the edges; `size` 1 is a product of each place by itself.
///
/// Weights are `[outputs, size * size * channels]`, the channels of one tap side by side.
package struct Convolution {
  let weights: DenseWeights
  let size: Int
  let stride: Int

  package init(weights: DenseWeights, size: Int, stride: Int = 1) {
    self.weights = weights
    self.size = size
    self.stride = stride
  }

  /// Padding that keeps the size at stride 1; none where windows do not overlap.
  private var padding: Int { size > stride ? size / 2 : 0 }

  /// Places along a side of the output, for a side of the input.
  fileprivate func side(_ side: Int) -> Int { (side + 2 * padding - size) / stride + 1 }

  /// Multiplications for each place of the output.
  var products: Int { weights.outputs * weights.depth }

  package func callAsFunction(_ x: FeatureMap, on compute: MapCompute) -> FeatureMap {
    let y = compute.map(
      pictures: x.pictures, height: side(x.height), width: side(x.width),
      channels: weights.outputs)
    run(x, channels: 0..<x.channels, into: y, at: 0, on: compute)
    return y
  }

  /// Convolves some channels of a map; the outputs go to channels from `first` on.
  fileprivate func run(
    _ x: FeatureMap, channels: Range<Int>, into y: FeatureMap, at first: Int,
    on compute: MapCompute
  ) {
    let rows = FloatRows(y.values, at: first, stride: y.channels)
    if size == 1, stride == 1 {
      compute.dense(
        FloatRows(x.values, at: channels.lowerBound, stride: x.channels), count: x.places,
        by: weights, into: rows)
    } else {
      let depth = weights.depth
      let kernels = compute.kernels
      let inIntegers = compute.ready(weights)
      compute.pieces(of: y.places, most: max(1, min(64, MapCompute.scratchCount / depth))) {
        places, scratch in
        for (row, place) in places.enumerated() {
          gather(x, channels, around: place, of: y, into: scratch, at: row * depth)
        }
        kernels.dense(
          FloatRows(scratch, stride: depth), count: places.count, by: weights,
          into: rows.dropping(places.lowerBound), inIntegers: inIntegers)
      }
    }
    compute.clock.mark(.convolution, operations: 2 * y.places * weights.depth * weights.outputs)
  }

  /// The window that `place` of the output `y` looks through.
  private func gather(
    _ x: FeatureMap, _ channels: Range<Int>, around place: Int, of y: FeatureMap,
    into scratch: Buffer, at offset: Int
  ) {
    let picture = place / y.area
    let top = place / y.width % y.height * stride - padding
    let left = place % y.width * stride - padding
    for i in 0..<size {
      for j in 0..<size {
        let target = offset + (i * size + j) * channels.count
        let (row, column) = (top + i, left + j)
        if row >= 0, row < x.height, column >= 0, column < x.width {
          let place = (picture * x.height + row) * x.width + column
          let source = place * x.channels + channels.lowerBound
          scratch.copy(from: x.values, source..<source + channels.count, to: target)
        } else {
          scratch.fill(target..<target + channels.count, with: 0)
        }
      }
    }
  }
}

/// A convolution whose channels are in groups that do not mix, each with outputs of its own.
package struct GroupedConvolution {
  /// As many channels and outputs each, in the map's order; all of one size and stride.
  let groups: [Convolution]

  package init(_ groups: [Convolution]) {
    precondition(!groups.isEmpty)
    self.groups = groups
  }

  package func callAsFunction(_ x: FeatureMap, on compute: MapCompute) -> FeatureMap {
    precondition(x.channels % groups.count == 0)
    let (channels, outputs) = (x.channels / groups.count, groups[0].weights.outputs)
    let side = groups[0].side
    let y = compute.map(
      pictures: x.pictures, height: side(x.height), width: side(x.width),
      channels: groups.count * outputs)
    for (index, group) in groups.enumerated() {
      group.run(
        x, channels: index * channels..<(index + 1) * channels, into: y, at: index * outputs,
        on: compute)
    }
    return y
  }
}

/// A transposed convolution of 2 x 2 windows that do not overlap: each place becomes four.
///
/// Weights are `[4 * outputs, channels]`, the outputs of one of the four side by side.
package struct TransposedConvolution {
  let weights: DenseWeights

  package init(weights: DenseWeights) { self.weights = weights }

  /// Multiplications for each place of the input.
  var products: Int { weights.outputs * weights.depth }

  package func callAsFunction(_ x: FeatureMap, on compute: MapCompute) -> FeatureMap {
    let outputs = weights.outputs / 4
    let y = compute.map(
      pictures: x.pictures, height: 2 * x.height, width: 2 * x.width, channels: outputs)
    let kernels = compute.kernels
    let inIntegers = compute.ready(weights)
    let room = MapCompute.scratchCount / weights.outputs
    compute.pieces(of: x.places, most: max(1, min(64, room))) { places, scratch in
      kernels.dense(
        x.rows.dropping(places.lowerBound), count: places.count, by: weights,
        into: FloatRows(scratch, stride: weights.outputs), inIntegers: inIntegers)
      for (row, place) in places.enumerated() {
        let line = place / x.width * 2
        let column = place % x.width * 2
        for quarter in 0..<4 {
          let target = ((line + quarter / 2) * y.width + column + quarter % 2) * outputs
          let source = row * weights.outputs + quarter * outputs
          y.values.copy(from: scratch, source..<source + outputs, to: target)
        }
      }
    }
    compute.clock.mark(.convolution, operations: 2 * x.places * weights.depth * weights.outputs)
    return y
  }
}

/// Depthwise convolution, norm, and two products with GELU between them, beside the input.
///
/// Source: Liu et al., "A ConvNet for the 2020s", arXiv:2201.03545, with a group norm of one group.
struct ConvolutionBlock {
  let size: Int
  /// `[size * size, channels]`.
  let depthwise: Buffer
  let depthwiseBias: Buffer
  /// Of the norm: nil where time and text give them.
  let norm: (weight: Buffer, bias: Buffer)?
  let wide: DenseWeights
  let narrow: DenseWeights

  static let epsilon: Float = 1e-6

  /// Adds what the block computes to `x`.
  ///
  /// - Parameter modulation: weights and biases of the norm, `[2, channels]` for each picture; nil takes the block's own.
  func add(to x: FeatureMap, modulation: Buffer? = nil, on compute: MapCompute) {
    let kernels = compute.kernels
    let channels = x.channels
    let inner = compute.map(like: x)
    compute.pieces(of: x.pictures * x.height, most: 4) { lines, _ in
      for line in lines {
        let start = x.range(of: line / x.height).lowerBound
        let row = line % x.height
        kernels.convolveDepthwise(
          x.values, at: start, height: x.height, width: x.width, channels: channels, size: size,
          weights: depthwise, bias: depthwiseBias, rows: row..<row + 1, into: inner.values,
          at: start)
      }
    }
    compute.clock.mark(.convolution, operations: 2 * x.count * size * size)
    let moments = compute.moments(of: inner, epsilon: Self.epsilon)
    compute.clock.mark(.norm)
    let room = MapCompute.scratchCount / wide.outputs
    let (widens, narrows) = (compute.ready(wide), compute.ready(narrow))
    compute.pieces(of: x.places, least: 16, most: max(1, min(48, room))) { places, scratch in
      for place in places {
        let picture = place / x.area
        let offset = place * channels
        let moment = moments[picture]
        let weight = modulation.map { ($0, picture * 2 * channels) } ?? norm.map { ($0.weight, 0) }
        let bias =
          modulation.map { ($0, (picture * 2 + 1) * channels) } ?? norm.map { ($0.bias, 0) }
        kernels.normalize(
          inner.values, at: offset, count: channels, scale: moment.scale, shift: moment.shift,
          weight: weight, bias: bias, into: inner.values, at: offset)
      }
      let hidden = FloatRows(scratch, stride: wide.outputs)
      kernels.dense(
        inner.rows.dropping(places.lowerBound), count: places.count, by: wide, into: hidden,
        inIntegers: widens)
      kernels.gelu(scratch, at: 0, count: places.count * wide.outputs, ones: compute.ones)
      kernels.dense(
        hidden, count: places.count, by: narrow, into: x.rows.dropping(places.lowerBound),
        adding: true, inIntegers: narrows)
    }
    compute.clock.mark(.feedForward, operations: 4 * x.places * channels * wide.outputs)
  }
}

/// A norm of one group with weights of its own.
package struct MapNorm {
  let weight: Buffer
  let bias: Buffer

  package init(weight: Buffer, bias: Buffer) {
    self.weight = weight
    self.bias = bias
  }

  /// Norms in place.
  package func apply(to x: FeatureMap, on compute: MapCompute) {
    let kernels = compute.kernels
    let moments = compute.moments(of: x, epsilon: ConvolutionBlock.epsilon)
    compute.pieces(of: x.places, most: 256) { places, _ in
      for place in places {
        let moment = moments[place / x.area]
        kernels.normalize(
          x.values, at: place * x.channels, count: x.channels, scale: moment.scale,
          shift: moment.shift, weight: (weight, 0), bias: (bias, 0), into: x.values,
          at: place * x.channels)
      }
    }
    compute.clock.mark(.norm)
  }
}

extension FeatureMap {
  /// Each place becomes `factor * factor` places with as much fewer channels, of a tap's channels strided as PyTorch's
  /// pixel shuffle takes them: channel `c * factor * factor + i * factor + j` goes to row i, column j.
  package func unpacked(_ factor: Int, on compute: MapCompute) -> FeatureMap {
    let channels = self.channels / (factor * factor)
    let y = compute.map(
      pictures: pictures, height: height * factor, width: width * factor, channels: channels)
    for place in 0..<places {
      let line = place / width * factor
      let column = place % width * factor
      for tap in 0..<factor * factor {
        let target = ((line + tap / factor) * y.width + column + tap % factor) * channels
        for channel in 0..<channels {
          y.values[target + channel] =
            values[place * self.channels + channel * factor * factor + tap]
        }
      }
    }
    return y
  }

  /// The reverse of `unpacked`.
  package func packed(_ factor: Int, on compute: MapCompute) -> FeatureMap {
    let y = compute.map(
      pictures: pictures, height: height / factor, width: width / factor,
      channels: channels * factor * factor)
    for place in 0..<y.places {
      let line = place / y.width * factor
      let column = place % y.width * factor
      for tap in 0..<factor * factor {
        let source = ((line + tap / factor) * width + column + tap % factor) * channels
        for channel in 0..<channels {
          y.values[place * y.channels + channel * factor * factor + tap] =
            values[source + channel]
        }
      }
    }
    return y
  }
}
