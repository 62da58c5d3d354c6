import Inference

/// What tells the transformer architectures apart, as read from a model file.
package struct NetworkConfiguration: Sendable, Equatable {
  package enum Activation: Sendable { case silu, gelu }

  package var architecture: String
  package var shape: ModelShape
  package var normEpsilon: Float
  package var activation: Activation
  /// Pairs of neighbours rather than halves are rotated.
  package var interleavedRotary: Bool
  package var rotaryDimension: Int
  package var rotaryBase: Float
  /// Positions of the global layers are multiplied by it.
  package var rotaryScale: Float
  /// Rotary base of the layers with a window.
  package var localRotaryBase: Float
  /// Positions that a windowed layer sees; nil where all layers see everything.
  package var window: Int?
  /// One layer in so many sees everything; 1 where all do.
  package var windowPattern: Int
  /// Multiplies the embedding.
  package var embeddingScale: Float
  package var attentionScale: Float
  /// Queries and keys are normed per head.
  package var normsQueriesAndKeys: Bool
  /// A norm follows the attention and feed-forward outputs.
  package var normsOutputs: Bool
  package var finalSoftcap: Float

  /// Whether layer `index` attends only to its window.
  package func isWindowed(layer index: Int) -> Bool {
    window != nil && (index + 1) % windowPattern != 0
  }
}
