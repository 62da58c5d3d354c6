import Compute

/// Turns rows of tokens into logits.
package protocol LanguageModel: AnyObject, Sendable {
  var shape: ModelShape { get }
  /// Bytes of weights that one generated token reads.
  var weightByteCount: Int { get }
  /// What ties tokens to hidden states; nil where it is not at hand.
  var vocabularyWeights: VocabularyWeights? { get }
  /// A cache for one sequence of at most `capacity` positions.
  func makeCache(capacity: Int) throws(InferenceError) -> any KVCache
  /// Computes the batch. The new rows stay provisional in their caches until `commit`.
  ///
  /// - Throws: `contextFull` where a cache has no room, `cancelled` where the batch's flag was raised; caches then hold
  ///   just what was committed before.
  func forward(_ batch: TokenBatch, caches: [any KVCache], on pool: WorkerPool, clock: PhaseClock)
    throws(InferenceError) -> ForwardPass
}

extension LanguageModel {
  package var vocabularyWeights: VocabularyWeights? { nil }
}

/// What ties tokens to hidden states, for drafters that work on a model's own states.
package struct VocabularyWeights: Sendable {
  /// `[vocabulary, width]`.
  package var embedding: Tensor
  /// What rows of the embedding are multiplied by.
  package var embeddingScale: Float
  /// Weights of the norm before the head; F32.
  package var outputNorm: Tensor
  package var normEpsilon: Float
  /// `[vocabulary, width]`: normed hidden states to logits.
  package var head: Tensor

  package init(
    embedding: Tensor, embeddingScale: Float = 1, outputNorm: Tensor, normEpsilon: Float,
    head: Tensor
  ) {
    self.embedding = embedding
    self.embeddingScale = embeddingScale
    self.outputNorm = outputNorm
    self.normEpsilon = normEpsilon
    self.head = head
  }
}
