import Compute

/// The tensors of a transformer, each a view of the mapped file.
package struct NetworkWeights: Sendable {
  package var embedding: Tensor
  package var outputNorm: Tensor
  /// The embedding itself where the file has no separate head.
  package var head: Tensor
  package var rotaryFactors: [Float]?
  package var layers: [LayerWeights]
}

/// The tensors of one layer.
package struct LayerWeights: Sendable {
  package var attentionNorm: Tensor
  package var queries: Tensor
  package var keys: Tensor
  package var values: Tensor
  package var queryBias: Tensor?
  package var keyBias: Tensor?
  package var valueBias: Tensor?
  package var queryNorm: Tensor?
  package var keyNorm: Tensor?
  package var attentionOutput: Tensor
  package var attentionOutputNorm: Tensor?
  package var feedForwardNorm: Tensor
  package var gate: Tensor
  package var up: Tensor
  package var down: Tensor
  package var feedForwardOutputNorm: Tensor?

  /// The matrices, for byte counts and activation forms.
  package var matrices: [Tensor] {
    [queries, keys, values, attentionOutput, gate, up, down]
  }
}
