import Compute

/// What a caption says, as picture models are told: 384 numbers of length one.
package struct TextVector: Sendable, Equatable {
  package let values: [Float]

  package static let count = 384

  /// - Returns: nil where there are not as many numbers, or not all are finite.
  package init?(_ values: [Float]) {
    guard values.count == Self.count, values.allSatisfy(\.isFinite) else { return nil }
    self.values = values
  }

  /// The direction between some vectors.
  package static func mean(_ vectors: [TextVector]) -> TextVector? {
    guard !vectors.isEmpty else { return nil }
    var sum = [Float](repeating: 0, count: count)
    for vector in vectors {
      for index in sum.indices { sum[index] += vector.values[index] }
    }
    let length = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return TextVector(sum.map { $0 / max(length, 1e-12) })
  }
}

/// A network that pictures are painted or judged with.
package protocol PictureNetwork: AnyObject {
  /// Bytes of weights.
  var byteCount: Int { get }
}

/// Turns tokens of all scales into a picture.
///
/// Source: Tian et al., "Visual autoregressive modeling", arXiv:2404.02905. Maps are `[pictures, side, side, latent]`.
package protocol PictureTokenizer: PictureNetwork {
  /// Sides of the token maps, ascending.
  var scales: [Int] { get }
  /// Tokens that there are.
  var codes: Int { get }
  /// Numbers of a place of a map.
  var latent: Int { get }

  func emptyMap(pictures: Int) -> Buffer
  /// Adds what a scale's tokens `[pictures, p * p]` say.
  func add(_ tokens: [Int], scale: Int, to total: Buffer)
  /// A map at a scale's size, `[pictures, p * p, latent]`: what the tokens of that scale are told.
  func smaller(_ total: Buffer, pictures: Int, scale: Int) -> [Float]
  /// What a token stands for, `[latent]`.
  func vector(of token: Int) -> [Float]
  /// Pixels of a picture's side.
  ///
  /// - Parameter scale: the last one whose tokens were added.
  func pictureSide(after scale: Int) -> Int
  /// The pictures of a map.
  ///
  /// - Parameter scale: the last one whose tokens were added.
  func paint(_ total: Buffer, pictures: Int, after scale: Int) -> [Picture]
}

/// Foretells the tokens of pictures.
package protocol PictureTransformer: PictureNetwork {
  var codes: Int { get }
  /// The workers that it computes with.
  var pool: WorkerPool { get }
  /// Sides of the token maps that it was trained on.
  var scales: [Int] { get }
  /// Begins a sequence of tokens for each text; nil stands for no caption.
  func begin(_ texts: [TextVector?]) -> any PictureSequences
}

/// Sequences of a picture's tokens while they grow, all by the same count.
package protocol PictureSequences: AnyObject {
  /// Tokens of each sequence so far.
  var count: Int { get }
  /// Bytes of the cache.
  var byteCount: Int { get }
  /// Logits `[sequences, rows, codes]` of the next tokens, until the next pass.
  ///
  /// - Parameter told: `[sequences, rows, latent]`; empty for the very first token, which is told the text alone.
  func logits(told: [Float], rows: Int) -> Buffer
}
