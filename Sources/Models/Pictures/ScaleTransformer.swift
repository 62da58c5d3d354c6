import Compute
import Glibc
import Inference

/// Foretells the tokens of a picture, all of a scale at once, or one after the other.
///
/// Source: Tian et al., "Visual autoregressive modeling", arXiv:2404.02905, section 3.2; the text modulates every layer as in
/// Peebles and Xie, "Scalable diffusion models with transformers", arXiv:2212.09748, with one table for each layer beside
/// a shared product (PixArt-alpha, arXiv:2310.00426).
package final class ScaleTransformer: PictureTransformer {
  package let codes: Int
  package private(set) var scales: [Int]
  let width: Int
  let heads: Int
  let latent: Int
  /// Tokens of a picture.
  private(set) var length: Int
  let compute: MapCompute
  package var pool: WorkerPool { compute.pool }
  let text: DenseWeights
  /// The vector that stands for no caption.
  let nothing: [Float]
  let enter: DenseWeights
  /// `[length, width]`: position and level of each token together.
  private(set) var places: Buffer
  /// A grid that the places of any scale are means of, `[side * side, width]`; nil where scales cannot be chosen.
  private let grid: (side: Int, values: Buffer)?
  /// What words alone say of a picture, where the network was trained to be told it.
  let sketch: ScaleSketch?
  let modulation: DenseWeights
  let layers: [Layer]
  let last: DenseWeights
  let head: DenseWeights
  package let byteCount: Int

  var headDimension: Int { width / heads }

  struct Layer {
    let qkv: DenseWeights
    /// How sharp each head's attention is: what unit queries are multiplied by.
    let sharpness: [Float]
    let out: DenseWeights
    let wide: DenseWeights
    let narrow: DenseWeights
    /// `[6, width]`.
    let table: Buffer
  }

  /// - Parameters:
  ///   - prefix: of the tensors, such as `scales`.
  ///   - isFlexible: whether places come from a grid, so that scales can be chosen.
  /// - Throws: `modelFile`.
  package init(
    _ file: any WeightFile, prefix: String, isFlexible: Bool = false, on compute: MapCompute
  ) throws(InferenceError) {
    let weights = PictureWeights(file, prefix)
    self.compute = compute
    let width = try weights.integer("width", 32...2048)
    heads = try weights.integer("heads", 1...32)
    let codes = try weights.integer("codes", 2...1 << 16)
    latent = try weights.integer("latent", 1...256)
    let scales = try weights.integers("scales", 1...32, atMost: 16)
    guard width % heads == 0, scales[0] == 1 else {
      throw InferenceError(.modelFile, "\(prefix): \(heads) heads in \(width), scales \(scales)")
    }
    self.scales = scales
    self.width = width
    self.codes = codes
    length = scales.reduce(0) { $0 + $1 * $1 }
    text = try weights.dense("text", outputs: width, depth: TextVector.count)
    nothing = try weights.floats("nothing", columns: TextVector.count).array(0..<TextVector.count)
    enter = try weights.dense("enter", outputs: width, depth: latent)
    if isFlexible {
      let side = try weights.integer("grid", 1...64)
      let values = try weights.floats("position", rows: side * side, columns: width)
      grid = (side, values)
      sketch = try ScaleSketch(weights, latent: latent, width: width)
      places = Self.places(scales, from: values, side: side, width: width)
    } else {
      grid = nil
      sketch = nil
      places = try Self.places(weights, scales, width: width)
    }
    modulation = try weights.dense("modulation", outputs: 6 * width, depth: width)
    var layers: [Layer] = []
    for index in 0..<(try weights.integer("layers", 1...64)) {
      layers.append(try Self.layer(weights.under("\(index)"), width: width, heads: heads))
    }
    self.layers = layers
    last = try weights.dense("last", outputs: 2 * width, depth: width)
    head = try weights.dense("head", outputs: codes, depth: width)
    byteCount =
      [text, enter, modulation, last, head].reduce(
        places.byteCount + (sketch?.byteCount ?? 0)
      ) { $0 + $1.byteCount }
      + layers.reduce(0) { sum, layer in
        [layer.qkv, layer.out, layer.wide, layer.narrow].reduce(sum) { $0 + $1.byteCount }
      }
  }

  /// Each token's own position, and its level.
  private static func places(
    _ weights: PictureWeights, _ scales: [Int], width: Int
  ) throws(InferenceError) -> Buffer {
    let lengths = scales.map { $0 * $0 }
    let places = try weights.floats("position", rows: lengths.reduce(0, +), columns: width)
    let levels = try weights.floats("level", rows: scales.count, columns: width)
    var token = 0
    for (level, count) in lengths.enumerated() {
      for _ in 0..<count {
        Kernels.shared.add(places, at: token * width, levels, at: level * width, count: width)
        token += 1
      }
    }
    return places
  }

  /// The means of a grid at each scale.
  private static func places(
    _ scales: [Int], from grid: Buffer, side: Int, width: Int
  ) -> Buffer {
    let places = Buffer(count: scales.reduce(0) { $0 + $1 * $1 } * width)
    var start = 0
    for scale in scales {
      let means = Resizing.mean(of: grid, at: 0, side: side, channels: width, to: scale)
      places.replace(at: start, with: means)
      start += means.count
    }
    return places
  }

  private init(_ other: ScaleTransformer, scales: [Int], places: Buffer) {
    (self.scales, self.places) = (scales, places)
    length = scales.reduce(0) { $0 + $1 * $1 }
    (codes, width, heads, latent) = (other.codes, other.width, other.heads, other.latent)
    (compute, text, nothing, enter) = (other.compute, other.text, other.nothing, other.enter)
    (modulation, layers, last) = (other.modulation, other.layers, other.last)
    (head, byteCount, grid, sketch) = (other.head, other.byteCount, other.grid, other.sketch)
  }

  /// The same weights for other scales.
  ///
  /// - Throws: `invalidRequest` where they were trained for the scales they have.
  package func with(scales: [Int]) throws(InferenceError) -> ScaleTransformer {
    guard let grid, scales.first == 1, scales.allSatisfy({ (1...grid.side).contains($0) }) else {
      throw InferenceError(.invalidRequest, "these weights cannot paint the scales \(scales)")
    }
    return ScaleTransformer(
      self, scales: scales,
      places: Self.places(scales, from: grid.values, side: grid.side, width: width))
  }

  private static func layer(
    _ weights: PictureWeights, width: Int, heads: Int
  ) throws(InferenceError) -> Layer {
    let temperature = try weights.floats("temperature", columns: heads)
    return Layer(
      qkv: try weights.dense("qkv", outputs: 3 * width, depth: width),
      sharpness: (0..<heads).map { exp(min(temperature[$0], log(100))) },
      out: try weights.dense("out", outputs: width, depth: width),
      wide: try weights.dense("wide", outputs: 4 * width, depth: width),
      narrow: try weights.dense("narrow", outputs: width, depth: 4 * width),
      table: try weights.floats("table", rows: 6, columns: width))
  }

  package func begin(_ texts: [TextVector?]) -> any PictureSequences {
    ScaleSequences(model: self, texts: texts)
  }
}
