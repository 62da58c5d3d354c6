import Compute

/// Foretells noise minus map: the velocity from a picture's feature map to noise.
///
/// Source: Liu et al., "Flow straight and fast", arXiv:2209.03003. Maps are `[pictures, side, side, latent]`, brought to mean
/// 0 and spread 1; time runs from 0, the map, to 1, noise.
package protocol PictureDenoiser: PictureNetwork {
  /// Places of a side of a map.
  var side: Int { get }
  /// Numbers of a place of a map.
  var latent: Int { get }
  /// The encoder's share of a pass's multiplications.
  var encoderShare: Double { get }
  /// Whether it was trained to follow a strength of guidance in one pass.
  var takesGuidance: Bool { get }
  /// The first half of a pass.
  ///
  /// - Parameter rows: one for each map.
  func encode(_ maps: Buffer, _ rows: [DenoiserRow]) -> any DenoiserFeatures
  /// Maps as the tokenizer's decoder takes them.
  func restored(_ maps: Buffer) -> Buffer
}

/// What a denoiser is told of a map.
package struct DenoiserRow: Sendable, Equatable {
  package var time: Float
  /// nil stands for no caption.
  package var text: TextVector?
  /// For denoisers that take guidance in.
  package var guidance: Float = 1

  package init(time: Float, text: TextVector?, guidance: Float = 1) {
    self.time = time
    self.text = text
    self.guidance = guidance
  }
}

/// What the encoder of a denoiser found in some maps: enough to decode with, at any time.
package protocol DenoiserFeatures: AnyObject {
  var byteCount: Int { get }
  /// The second half of a pass: velocities `[rows, side, side, latent]`.
  ///
  /// - Parameter rows: one or more for each map, all maps at the first time, then all at the next.
  func decode(_ rows: [DenoiserRow]) -> Buffer
}
