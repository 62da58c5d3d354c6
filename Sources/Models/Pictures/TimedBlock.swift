import Compute
import Inference

/// A block of convolutions whose norm time and text shift and scale, then attention among places.
struct TimedBlock {
  private let block: ConvolutionBlock
  /// The norm's weights, then its biases: `[2 * width, told]`.
  private let modulation: DenseWeights
  private let attention: PlaceAttention

  init(
    _ weights: PictureWeights, width: Int, heads: Int, size: Int, grow: Int, told: Int
  ) throws(InferenceError) {
    block = try weights.block(width, size: size, grow: grow, hasNorm: false)
    modulation = try weights.dense("modulation", outputs: 2 * width, depth: told)
    attention = try PlaceAttention(weights.under("attention"), width: width, heads: heads)
  }

  var byteCount: Int {
    block.wide.byteCount + block.narrow.byteCount + modulation.byteCount + attention.byteCount
  }

  /// Multiplications for each place.
  var products: Int { 2 * block.wide.outputs * block.wide.depth + attention.products }

  func add(to x: FeatureMap, told: FloatRows, on compute: MapCompute) {
    let norms = Buffer(count: x.pictures * modulation.outputs)
    compute.dense(
      told, count: x.pictures, by: modulation, into: FloatRows(norms, stride: modulation.outputs))
    compute.clock.mark(.embedding)
    block.add(to: x, modulation: norms, on: compute)
    attention.add(to: x, on: compute)
  }
}

/// Attention among all places of a map, beside the input.
struct PlaceAttention {
  private let heads: Int
  private let norm: MapNorm
  private let qkv: DenseWeights
  private let out: DenseWeights

  init(_ weights: PictureWeights, width: Int, heads: Int) throws(InferenceError) {
    self.heads = heads
    norm = try weights.norm("norm", width)
    qkv = try weights.dense("qkv", outputs: 3 * width, depth: width)
    out = try weights.dense("out", outputs: width, depth: width)
  }

  var byteCount: Int { qkv.byteCount + out.byteCount }
  var products: Int { 4 * out.outputs * out.depth }

  func add(to x: FeatureMap, on compute: MapCompute) {
    let (width, area, dimension) = (x.channels, x.area, x.channels / heads)
    let normal = x.copies(1, on: compute)
    norm.apply(to: normal, on: compute)
    let parts = compute.map(like: x, channels: 3 * width)
    compute.dense(normal.rows, count: x.places, by: qkv, into: parts.rows)
    compute.clock.mark(.projection, operations: 6 * x.places * width * width)
    let (kernels, heads) = (compute.kernels, self.heads)
    let sharpness = 1 / Float(dimension).squareRoot()
    precondition(area * (dimension + area) <= MapCompute.scratchCount)
    compute.pieces(of: x.pictures * heads, most: 1) { pairs, scratch in
      for pair in pairs {
        let start = pair / heads * area * 3 * width + pair % heads * dimension
        // Keys side by side, so that a query meets them all at once.
        for place in 0..<area {
          let key = start + place * 3 * width + width
          for index in 0..<dimension {
            scratch[index * area + place] = parts.values[key + index] * sharpness
          }
        }
        let scores = FloatRows(scratch, at: area * dimension, stride: area)
        kernels.product(
          FloatRows(parts.values, at: start, stride: 3 * width), count: area, depth: dimension,
          by: FloatRows(scratch, stride: area), outputs: area, into: scores)
        for place in 0..<area { kernels.softmax(scratch, at: scores.start(place), count: area) }
        kernels.product(
          scores, count: area, depth: area,
          by: FloatRows(parts.values, at: start + 2 * width, stride: 3 * width),
          outputs: dimension,
          into: FloatRows(
            normal.values, at: pair / heads * area * width + pair % heads * dimension,
            stride: width))
      }
    }
    compute.clock.mark(.attention, operations: 4 * x.places * area * width)
    compute.dense(normal.rows, count: x.places, by: out, into: x.rows, adding: true)
    compute.clock.mark(.projection, operations: 2 * x.places * width * width)
  }
}
