import Compute
import Inference

/// A U-Net on feature maps that foretells noise minus map, told time and text.
///
/// Source: the U-Net of Ho et al., "Denoising diffusion probabilistic models", arXiv:2006.11239, with blocks after Liu et al.,
/// "A ConvNet for the 2020s", arXiv:2201.03545, modulated as in Peebles and Xie, arXiv:2212.09748; what it foretells is the
/// velocity of Liu et al., "Flow straight and fast", arXiv:2209.03003. Beside the noisy map it sees a sketch: what a small
/// network of ours makes of the words alone.
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
  private let sketch: WordSketch
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
    sketch = try WordSketch(weights, outputs: side * side * latent)
    enter = try weights.convolution("enter", from: 2 * latent, to: fine, size: 3)
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
      [enter, down, joinCoarse, joinFine, leave].reduce(up.weights.byteCount + sketch.byteCount) {
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
    let sketches = sketch(rows.map(\.text), on: compute)
    let fine = enter(beside(sketches, maps, pictures: rows.count), on: compute)
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

  /// Maps and what is sketched of them, side by side.
  private func beside(_ sketches: Buffer, _ maps: Buffer, pictures: Int) -> FeatureMap {
    let x = compute.map(pictures: pictures, height: side, width: side, channels: 2 * latent)
    for place in 0..<x.places {
      let (own, target) = (place * latent, place * x.channels)
      x.values.copy(from: maps, own..<own + latent, to: target)
      x.values.copy(from: sketches, own..<own + latent, to: target + latent)
    }
    return x
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
