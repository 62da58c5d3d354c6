import Compute
import Inference
import Models

extension EngineModel {
  /// Opens a GGUF file with its network, tokenizer and chat template.
  ///
  /// - Throws: `modelFile`, `unsupportedModel`.
  package static let fromGGUF: EngineModelLoader = { path, contextLength throws(InferenceError) in
    let loaded = try ModelLoader.load(path: path, contextLength: contextLength)
    let network = loaded.model
    let tokenizer = try TokenizerLoader.load(from: loaded.gguf)
    let recognition = ChatTemplate.recognize(in: loaded.gguf, tokenizer: tokenizer)
    let note: String? =
      switch recognition {
      case .known: nil
      case .missing: "the file has no chat template"
      case .unknown(let reason): reason
      }
    var model = EngineModel(
      model: network, tokenizer: tokenizer, template: nil, file: loaded.gguf.file,
      summary: ModelSummary(
        name: ModelSummary.name(ofFile: path, format: loaded.format) ?? loaded.name, path: path,
        architecture: loaded.gguf.architecture ?? "unknown",
        format: loaded.format, parameters: loaded.parameters,
        fileBytes: loaded.gguf.file.byteCount, shape: network.shape,
        contextLength: network.contextLength, template: recognition.template?.family.rawValue,
        templateNote: note, instructionSet: "", threads: 0, loadSeconds: 0))
    if let template = recognition.template { model.template = { template.pieces(of: $0) } }
    model.scratchBytes = { network.scratchByteCount }
    model.streamed = { (options: StreamingOptions) throws(InferenceError) in
      try loaded.streamed(options)
    }
    return model
  }
}

extension ChatTemplate {
  /// The prompt that asks for an answer or, where the last turn is one, for the rest of it.
  fileprivate func pieces(of turns: [ChatTurn]) -> [PromptPiece] {
    let messages = turns.map { turn in
      let role: TemplateRole =
        switch turn.role {
        case .system: .system
        case .user: .user
        case .assistant: .assistant
        }
      return TemplateMessage(role, turn.text)
    }
    return render(messages, ending: turns.last?.role == .assistant ? .openMessage : .answer)
  }
}
