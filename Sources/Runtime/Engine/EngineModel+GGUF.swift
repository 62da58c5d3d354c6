import Compute
import Inference
import Models

extension EngineModel {
  /// Opens a GGUF file with its network and tokenizer.
  ///
  /// - Throws: `modelFile`, `unsupportedModel`.
  package static let fromGGUF: EngineModelLoader = { path, contextLength throws(InferenceError) in
    let loaded = try ModelLoader.load(path: path, contextLength: contextLength)
    let network = loaded.model
    var model = EngineModel(
      model: network, tokenizer: try TokenizerLoader.load(from: loaded.gguf), template: nil,
      file: loaded.gguf.file,
      summary: ModelSummary(
        name: loaded.name, path: path, architecture: loaded.gguf.architecture ?? "unknown",
        format: loaded.format, parameters: loaded.parameters,
        fileBytes: loaded.gguf.file.byteCount, shape: network.shape,
        contextLength: network.contextLength, template: nil, templateNote: nil,
        instructionSet: "", threads: 0, loadSeconds: 0))
    model.scratchBytes = { network.scratchByteCount }
    return model
  }
}
