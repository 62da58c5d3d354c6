import Compute
import Inference

/// Weights of our own, trained for one model and kept as a GGUF file.
package struct GGUFWeightFile: WeightFile {
  private let gguf: GGUF
  private let path: String

  /// - Throws: `modelFile` where the file is missing or no GGUF.
  package init(path: String) throws(InferenceError) {
    self.path = path
    gguf = try GGUF(path: path)
  }

  package var byteCount: Int { gguf.file.byteCount }

  package func tensor(_ name: String, rows: Int, columns: Int) throws(InferenceError) -> Tensor {
    try gguf.require(name, rows: rows, columns: columns)
  }

  package func integer(_ key: String) throws(InferenceError) -> Int {
    guard let value = gguf.metadata.integer(key) else { throw missing(key) }
    return value
  }

  package func integers(_ key: String) throws(InferenceError) -> [Int] {
    guard let values = gguf.metadata.integers(key) else { throw missing(key) }
    return values.indices.map { values[$0] }
  }

  private func missing(_ key: String) -> InferenceError {
    InferenceError(.modelFile, "\(path): the header has no whole number called \(key)")
  }
}
