import Compute
import Inference

/// What became of the attempt to recognise a template.
package enum ChatTemplateRecognition: Sendable, Equatable {
  case known(ChatTemplate)
  /// The file has no template: a model that only continues text.
  case missing
  /// There is a template, but of no known family; the text says why.
  case unknown(String)

  package var template: ChatTemplate? {
    if case .known(let template) = self { template } else { nil }
  }
}

extension ChatTemplate {
  /// Recognises the template of a file.
  ///
  /// - Parameter tokenizer: the file's; it says what BOS looks like and whether it is put before every text anyhow.
  package static func recognize(
    in gguf: GGUF, tokenizer: any Tokenizer
  ) -> ChatTemplateRecognition {
    let spelling = { (token: TokenID?) -> String in
      guard let token else { return "" }
      return String(decoding: tokenizer.bytes(of: token, special: true), as: UTF8.self)
    }
    let eos = gguf.metadata.integer("tokenizer.ggml.eos_token_id").flatMap { TokenID(exactly: $0) }
    return recognize(
      gguf.metadata.string("tokenizer.chat_template"), bos: spelling(tokenizer.bos),
      eos: spelling(eos), writesBOS: !tokenizer.addsBOS)
  }

  /// Recognises a template by the strings in it.
  ///
  /// - Parameters:
  ///   - bos: the text of the token that begins a text.
  ///   - eos: the text of the token that ends one.
  ///   - writesBOS: whether the prompt is to begin with BOS where the template says so; false where the tokenizer does
  ///     it.
  package static func recognize(
    _ text: String?, bos: String, eos: String, writesBOS: Bool = true
  ) -> ChatTemplateRecognition {
    guard let text, !text.isEmpty else { return .missing }
    let source = TemplateSource(text, bos: bos, eos: eos)
    if let word = source.unsupportedWord {
      return .unknown("the chat template uses \"\(word)\", which is not supported")
    }
    guard var template = source.template() else {
      return .unknown("the chat template is of no known family")
    }
    if source.contains("bos_token"), template.family != .llama2 { template.start = bos }
    if !writesBOS { template.omittedStart = bos }
    return .known(template)
  }
}
