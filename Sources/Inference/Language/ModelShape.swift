/// The figures of a model that caches, plans and panes need to know.
package struct ModelShape: Sendable, Equatable {
  package var layers: Int
  /// Width of the hidden state.
  package var width: Int
  package var heads: Int
  package var kvHeads: Int
  package var headDimension: Int
  package var feedForward: Int
  package var vocabulary: Int
  /// Positions the model was trained for.
  package var contextLength: Int

  package init(
    layers: Int, width: Int, heads: Int, kvHeads: Int, headDimension: Int, feedForward: Int,
    vocabulary: Int, contextLength: Int
  ) {
    self.layers = layers
    self.width = width
    self.heads = heads
    self.kvHeads = kvHeads
    self.headDimension = headDimension
    self.feedForward = feedForward
    self.vocabulary = vocabulary
    self.contextLength = contextLength
  }

  /// Width of one row of queries.
  package var queryWidth: Int { heads * headDimension }
  /// Width of one row of keys, or of values.
  package var kvWidth: Int { kvHeads * headDimension }
}
