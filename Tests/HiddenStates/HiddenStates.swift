import Compute
import Foundation
import Inference
import Models

/// Writes what drafters and judges are trained on: tokens of a model's own answers with its hidden states.
///
/// See assets/training for what is made of it.
@main enum HiddenStates {
  static let usage = """
    usage: hidden-states answers MODEL FOLDER [--tokens N] [--batch N] [--seed N] [--threads N]
           hidden-states mismatches TARGET DRAFT FOLDER [--labels N] [--batch N] [--seed N] [--threads N]
           hidden-states questions FILE [--labels N] [--seed N]
    """

  static func main() {
    do {
      var words = Array(CommandLine.arguments.dropFirst())
      let options = try Options(&words)
      switch words.first {
      case "answers" where words.count == 3:
        try Answers(model: words[1], folder: words[2], options: options).run()
      case "mismatches" where words.count == 4:
        try Mismatches(target: words[1], draft: words[2], folder: words[3], options: options).run()
      case "questions" where words.count == 2:
        try Item.write(options.labels, seed: options.seed, to: words[1])
      default: throw Failure(usage)
      }
    } catch {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      exit(64)
    }
  }
}

/// The numbers of a command line.
struct Options {
  var tokens = 300_000
  var labels = 1500
  var batch = 32
  var seed: UInt64 = 1
  var threads = 1

  /// Takes the options out of the words.
  init(_ words: inout [String]) throws {
    while let place = words.firstIndex(where: { $0.hasPrefix("--") }) {
      guard place + 1 < words.count, let value = Int(words[place + 1]), value > 0 else {
        throw Failure(HiddenStates.usage)
      }
      switch words[place] {
      case "--tokens": tokens = value
      case "--labels": labels = value
      case "--batch": batch = value
      case "--seed": seed = UInt64(value)
      case "--threads": threads = value
      default: throw Failure(HiddenStates.usage)
      }
      words.removeSubrange(place...place + 1)
    }
  }
}

/// A model with what its prompts need.
struct Speaker {
  let loaded: LoadedModel
  let tokenizer: any Tokenizer
  let template: ChatTemplate

  init(_ path: String) throws {
    loaded = try ModelLoader.load(path: path, contextLength: 1024)
    tokenizer = try TokenizerLoader.load(from: loaded.gguf)
    guard
      let template = ChatTemplate.recognize(in: loaded.gguf, tokenizer: tokenizer).template
    else { throw Failure("\(path): no chat template") }
    self.template = template
  }

  /// The prompt that asks for an answer to `question`.
  func prompt(_ question: String) -> [TokenID] {
    tokenizer.encode(template.render([TemplateMessage(.user, question)]))
  }

  /// A prompt that breaks off within the user's turn, so that the model goes on with the question itself.
  func openQuestion(_ beginning: String) -> [TokenID] {
    let mark = "\u{1}"
    let pieces = template.render([TemplateMessage(.user, mark)])
    let before = pieces.prefix { $0.text != mark }
    return tokenizer.encode(Array(before) + [PromptPiece(beginning, parsesSpecial: false)])
  }
}
