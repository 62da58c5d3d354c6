import Compute
import Glibc
import Inference

/// A U-Net on feature maps that foretells noise minus map, told time and text.
///
/// Source: the U-Net of Ho et al., "Denoising diffusion probabilistic models", arXiv:2006.11239, with blocks after Liu et al.,
/// "A ConvNet for the 2020s", arXiv:2201.03545, modulated as in Peebles and Xie, arXiv:2212.09748; what it foretells is the
/// velocity of Liu et al., "Flow straight and fast", arXiv:2209.03003.
package final class MapDenoiser: PictureDenoiser {
  package let side: Int
  package let latent: Int
  package let byteCount: Int
  package let encoderShare: Double
  package let takesGuidance: Bool
  let compute: MapCompute
  let condition: TimeCondition
  private let mean: Buffer
  private let spread: Buffer
  private let enter: Convolution
  /// `[side, side, width]`.
  private let position: Buffer
  private let downFine: [TimedBlock]
  private let down: Convolution
  private let downCoarse: [TimedBlock]
  private let middle: [TimedBlock]
  private let joinCoarse: Convolution
  private let upCoarse: [TimedBlock]
  private let up: TransposedConvolution
  private let joinFine: Convolution
  private let upFine: [TimedBlock]
  private let norm: MapNorm
  private let leave: Convolution

  /// - Parameter prefix: of the tensors, such as `denoiser`.
  /// - Throws: `modelFile`.
  package init(
    _ file: any WeightFile, prefix: String, on compute: MapCompute
  ) throws(InferenceError) {
    let weights = PictureWeights(file, prefix)
    self.compute = compute
    let (side, latent) = (
      try weights.integer("side", 2...64), try weights.integer("latent", 1...256)
    )
    let widths = try weights.integers("widths", 8...2048, atMost: 2)
    let depths = try weights.integers("depths", 1...16, atMost: 5)
    let heads = try weights.integer("heads", 1...32)
    let size = try weights.integer("block_size", 1...9)
    let grow = try weights.integer("grow", 1...8)
    let told = try weights.integer("told", 8...2048)
    guard widths.count == 2, depths.count == 5, side % 2 == 0, size % 2 == 1,
      widths.allSatisfy({ $0 % heads == 0 })
    else {
      throw InferenceError(
        .modelFile,
        "\(prefix): widths \(widths), depths \(depths), side \(side), block size \(size) and \(heads) heads do not go together"
      )
    }
    func row(_ name: String, _ width: Int, _ count: Int) throws(InferenceError) -> [TimedBlock] {
      var blocks: [TimedBlock] = []
      for index in 0..<count {
        blocks.append(
          try TimedBlock(
            weights.under("\(name).\(index)"), width: width, heads: heads, size: size, grow: grow,
            told: told))
      }
      return blocks
    }
    let (fine, coarse) = (widths[0], widths[1])
    self.side = side
    self.latent = latent
    condition = try TimeCondition(weights, told: told)
    takesGuidance = condition.guidance != nil
    mean = try weights.floats("mean", columns: latent)
    spread = try weights.floats("spread", columns: latent)
    enter = try weights.convolution("enter", from: latent, to: fine, size: 3)
    position = try weights.floats("position", rows: side * side, columns: fine)
    downFine = try row("down_fine", fine, depths[0])
    down = try weights.convolution("down", from: fine, to: coarse, size: 2, stride: 2)
    downCoarse = try row("down_coarse", coarse, depths[1])
    middle = try row("middle", coarse, depths[2])
    joinCoarse = try weights.convolution("join_coarse", from: 2 * coarse, to: coarse, size: 1)
    upCoarse = try row("up_coarse", coarse, depths[3])
    up = try weights.transposed("up", from: coarse, to: fine)
    joinFine = try weights.convolution("join_fine", from: 2 * fine, to: fine, size: 1)
    upFine = try row("up_fine", fine, depths[4])
    norm = try weights.norm("norm", fine)
    leave = try weights.convolution("leave", from: fine, to: latent, size: 3)
    byteCount =
      [enter, down, joinCoarse, joinFine, leave].reduce(up.weights.byteCount) {
        $0 + $1.weights.byteCount
      }
      + (downFine + downCoarse + middle + upCoarse + upFine).reduce(0) { $0 + $1.byteCount }
    let (large, small) = (side * side, side * side / 4)
    func cost(_ blocks: [TimedBlock], _ places: Int) -> Int {
      blocks.reduce(0) { $0 + $1.products } * places
    }
    let first =
      cost(downFine, large) + cost(downCoarse + middle, small)
      + (enter.products + down.products / 4) * large
    let second =
      cost(upFine, large) + cost(upCoarse, small) + (joinCoarse.products + up.products) * small
      + (joinFine.products + leave.products) * large
    encoderShare = Double(first) / Double(first + second)
  }

  package func encode(_ maps: Buffer, _ rows: [DenoiserRow]) -> any DenoiserFeatures {
    compute.clock.start()
    let told = condition(rows, on: compute)
    let x = compute.map(pictures: rows.count, height: side, width: side, channels: latent)
    x.values.copy(from: maps, 0..<x.count, to: 0)
    let fine = enter(x, on: compute)
    let width = fine.channels
    for place in 0..<fine.places {
      compute.kernels.add(
        fine.values, at: place * width, position, at: place % fine.area * width, count: width)
    }
    compute.clock.mark(.embedding)
    for block in downFine { block.add(to: fine, told: told, on: compute) }
    let coarse = down(fine, on: compute)
    for block in downCoarse { block.add(to: coarse, told: told, on: compute) }
    let deep = coarse.copies(1, on: compute)
    for block in middle { block.add(to: deep, told: told, on: compute) }
    return Features(denoiser: self, fine: fine, coarse: coarse, deep: deep)
  }

  /// What the encoder found in some maps.
  private final class Features: DenoiserFeatures {
    private let denoiser: MapDenoiser
    private let fine: FeatureMap
    private let coarse: FeatureMap
    private let deep: FeatureMap

    init(denoiser: MapDenoiser, fine: FeatureMap, coarse: FeatureMap, deep: FeatureMap) {
      self.denoiser = denoiser
      self.fine = fine
      self.coarse = coarse
      self.deep = deep
    }

    var byteCount: Int { 4 * (fine.count + coarse.count + deep.count) }

    func decode(_ rows: [DenoiserRow]) -> Buffer {
      let times = rows.count / fine.pictures
      precondition(times * fine.pictures == rows.count)
      return denoiser.decode(fine: fine, coarse: coarse, deep: deep, times: times, rows)
    }
  }

  private func decode(
    fine: FeatureMap, coarse: FeatureMap, deep: FeatureMap, times: Int, _ rows: [DenoiserRow]
  ) -> Buffer {
    compute.clock.start()
    let told = condition(rows, on: compute)
    let x = joinCoarse(deep.beside(coarse, copies: times, on: compute), on: compute)
    for block in upCoarse { block.add(to: x, told: told, on: compute) }
    let y = joinFine(up(x, on: compute).beside(fine, copies: times, on: compute), on: compute)
    for block in upFine { block.add(to: y, told: told, on: compute) }
    norm.apply(to: y, on: compute)
    compute.pieces(of: y.places, most: 16) { [kernels = compute.kernels] places, _ in
      kernels.silu(
        y.values, at: places.lowerBound * y.channels, count: places.count * y.channels,
        ones: compute.ones)
    }
    let velocity = leave(y, on: compute)
    let result = Buffer(count: velocity.count)
    result.copy(from: velocity.values, 0..<velocity.count, to: 0)
    return result
  }

  package func restored(_ maps: Buffer) -> Buffer {
    let result = Buffer(count: maps.count)
    for index in 0..<maps.count {
      result[index] = maps[index] * spread[index % latent] + mean[index % latent]
    }
    return result
  }
}

/// What time, text and a strength of guidance tell every block.
struct TimeCondition {
  let told: Int
  /// Frequencies of sines and cosines.
  private let rates: [Float]
  private let first: DenseWeights
  private let second: DenseWeights
  private let text: DenseWeights
  private let nothing: [Float]
  let guidance: DenseWeights?

  init(_ weights: PictureWeights, told: Int) throws(InferenceError) {
    self.told = told
    let count = try weights.integer("rates", 1...1024)
    rates = try weights.floats("rates", columns: count).array(0..<count)
    first = try weights.dense("time.0", outputs: told, depth: 2 * count)
    second = try weights.dense("time.1", outputs: told, depth: told)
    text = try weights.dense("text", outputs: told, depth: TextVector.count)
    nothing = try weights.floats("nothing", columns: TextVector.count).array(0..<TextVector.count)
    guidance =
      try weights.integer("guided", 0...1) == 1
      ? weights.dense("guidance", outputs: told, depth: 2 * count) : nil
  }

  /// `[rows, told]`, after its activation.
  func callAsFunction(_ rows: [DenoiserRow], on compute: MapCompute) -> FloatRows {
    let waves = self.waves(rows.map(\.time))
    let inner = product(waves, rows.count, by: first, on: compute)
    compute.kernels.silu(inner, at: 0, count: rows.count * told, ones: compute.ones)
    let result = product(inner, rows.count, by: second, on: compute)
    let words = Buffer(count: rows.count * TextVector.count)
    for (row, one) in rows.enumerated() {
      words.replace(at: row * TextVector.count, with: one.text?.values ?? nothing)
    }
    add(words, rows.count, by: text, to: result, on: compute)
    if let guidance {
      add(
        self.waves(rows.map { ($0.guidance - 1) / 10 }), rows.count, by: guidance, to: result,
        on: compute)
    }
    compute.kernels.silu(result, at: 0, count: rows.count * told, ones: compute.ones)
    return FloatRows(result, stride: told)
  }

  /// Sines and cosines of numbers (Vaswani et al., arXiv:1706.03762, section 3.5).
  private func waves(_ numbers: [Float]) -> Buffer {
    let count = rates.count
    let result = Buffer(count: 2 * count * numbers.count)
    for (row, number) in numbers.enumerated() {
      let thousands: Float = 1000 * number
      for index in 0..<count {
        let angle = thousands * rates[index]
        result[row * 2 * count + index] = sin(angle)
        result[row * 2 * count + count + index] = cos(angle)
      }
    }
    return result
  }

  private func product(
    _ x: Buffer, _ rows: Int, by weights: DenseWeights, on compute: MapCompute
  ) -> Buffer {
    let result = Buffer(count: rows * weights.outputs)
    compute.dense(
      FloatRows(x, stride: weights.depth), count: rows, by: weights,
      into: FloatRows(result, stride: weights.outputs))
    return result
  }

  private func add(
    _ x: Buffer, _ rows: Int, by weights: DenseWeights, to result: Buffer, on compute: MapCompute
  ) {
    let part = product(x, rows, by: weights, on: compute)
    compute.kernels.add(result, at: 0, part, at: 0, count: rows * told)
  }
}

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

extension FeatureMap {
  /// All maps `count` times over.
  func copies(_ times: Int, on compute: MapCompute) -> FeatureMap {
    let y = compute.map(
      pictures: times * pictures, height: height, width: width, channels: channels)
    for time in 0..<times { y.values.copy(from: values, 0..<count, to: time * count) }
    return y
  }

  /// The channels of this map and of another, side by side; both are repeated until there are `copies` times the
  /// other's pictures.
  func beside(_ other: FeatureMap, copies: Int, on compute: MapCompute) -> FeatureMap {
    let y = compute.map(
      pictures: copies * other.pictures, height: height, width: width,
      channels: channels + other.channels)
    for place in 0..<y.places {
      let (own, second) = (place % places * channels, place % other.places * other.channels)
      let target = place * y.channels
      y.values.copy(from: values, own..<own + channels, to: target)
      y.values.copy(from: other.values, second..<second + other.channels, to: target + channels)
    }
    return y
  }
}
