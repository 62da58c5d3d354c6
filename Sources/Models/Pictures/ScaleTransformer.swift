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
  package let scales: [Int]
  let width: Int
  let heads: Int
  let latent: Int
  /// Tokens of a picture.
  let length: Int
  let compute: MapCompute
  let text: DenseWeights
  /// The vector that stands for no caption.
  let nothing: [Float]
  let enter: DenseWeights
  /// `[length, width]`: position and level of each token together.
  let places: Buffer
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

  /// - Parameter prefix: of the tensors, such as `scales`.
  /// - Throws: `modelFile`.
  package init(
    _ file: any WeightFile, prefix: String, on compute: MapCompute
  ) throws(InferenceError) {
    let weights = PictureWeights(file, prefix)
    self.compute = compute
    let width = try weights.integer("width", 32...2048)
    heads = try weights.integer("heads", 1...32)
    let codes = try weights.integer("codes", 2...1 << 16)
    latent = try weights.integer("latent", 1...256)
    scales = try weights.integers("scales", 1...32, atMost: 16)
    guard width % heads == 0, scales[0] == 1 else {
      throw InferenceError(.modelFile, "\(prefix): \(heads) heads in \(width), scales \(scales)")
    }
    self.width = width
    self.codes = codes
    let lengths = scales.map { $0 * $0 }
    length = lengths.reduce(0, +)
    text = try weights.dense("text", outputs: width, depth: TextVector.count)
    nothing = try weights.floats("nothing", columns: TextVector.count).array(0..<TextVector.count)
    enter = try weights.dense("enter", outputs: width, depth: latent)
    let places = try weights.floats("position", rows: length, columns: width)
    let levels = try weights.floats("level", rows: scales.count, columns: width)
    var token = 0
    for (level, count) in lengths.enumerated() {
      for _ in 0..<count {
        Kernels.shared.add(places, at: token * width, levels, at: level * width, count: width)
        token += 1
      }
    }
    self.places = places
    modulation = try weights.dense("modulation", outputs: 6 * width, depth: width)
    var layers: [Layer] = []
    for index in 0..<(try weights.integer("layers", 1...64)) {
      layers.append(try Self.layer(weights.under("\(index)"), width: width, heads: heads))
    }
    self.layers = layers
    last = try weights.dense("last", outputs: 2 * width, depth: width)
    head = try weights.dense("head", outputs: codes, depth: width)
    byteCount =
      [text, enter, modulation, last, head].reduce(places.byteCount) { $0 + $1.byteCount }
      + layers.reduce(0) { sum, layer in
        [layer.qkv, layer.out, layer.wide, layer.narrow].reduce(sum) { $0 + $1.byteCount }
      }
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
