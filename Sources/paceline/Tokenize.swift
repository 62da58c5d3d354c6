import ArgumentParser
import Inference
import Models

/// Token ids of a text.
struct Tokenize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the token ids of the text on standard input, as a JSON array.")

  @OptionGroup var options: ModelOptions

  @Flag(help: "Read the text of special tokens such as <|im_end|> as those tokens.")
  var special = false

  @Flag(help: "Put the beginning-of-text token first.")
  var bos = false

  func run() throws {
    let tokenizer = try TokenizerLoader.load(from: GGUF(path: options.path()))
    var ids: [TokenID] = []
    if bos {
      guard let token = tokenizer.bos else {
        throw InferenceError(.invalidRequest, "this model has no beginning-of-text token")
      }
      ids.append(token)
    }
    let text = String(decoding: Console.readAll(), as: UTF8.self)
    ids += tokenizer.encode(text, parsesSpecial: special)
    try Console.print("[" + ids.map { "\($0)" }.joined(separator: ", ") + "]")
  }
}
