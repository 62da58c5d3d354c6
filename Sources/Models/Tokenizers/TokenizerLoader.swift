import Compute
import Inference

/// Makes the tokenizer that a model file describes.
package enum TokenizerLoader {
  /// The tokenizer of a file.
  ///
  /// - Throws: `modelFile` where its description is missing or inconsistent; `unsupportedModel`, with the name, for a
  ///   tokenizer or pre-tokenizer that is not known.
  package static func load(from gguf: GGUF) throws(InferenceError) -> any Tokenizer {
    let tokenizer = try tokenizer(of: gguf)
    if let rows = gguf.info("token_embd.weight")?.rows, tokenizer.vocabularySize > rows {
      throw InferenceError(
        .modelFile,
        "\(gguf.file.path): tokenizer.ggml.tokens: \(tokenizer.vocabularySize) tokens, but "
          + "token_embd.weight has \(rows) rows")
    }
    return tokenizer
  }

  private static func tokenizer(of gguf: GGUF) throws(InferenceError) -> any Tokenizer {
    guard let model = gguf.metadata.string("tokenizer.ggml.model") else {
      throw InferenceError(
        .modelFile, "\(gguf.file.path): tokenizer.ggml.model: the file names no tokenizer")
    }
    switch model {
    case "gpt2": return try ByteLevelTokenizer(from: gguf)
    case "llama": return try SentencePieceTokenizer(from: gguf)
    default:
      throw InferenceError(
        .unsupportedModel,
        "\(gguf.file.path): tokenizer.ggml.model: the tokenizer \"\(model)\" is not known "
          + "(gpt2 and llama are)")
    }
  }
}
