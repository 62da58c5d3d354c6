import ArgumentParser
import Compute
import Foundation
import Inference
import Models

/// How well a model predicts a text.
struct MeasurePerplexity: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "perplexity",
    abstract: "Measure how well a model predicts a text file.",
    usage: "paceline perplexity [--model <model>] [<options>] <file>",
    discussion: """
      The text is cut into chunks, and the second half of each chunk is scored,
      as llama.cpp does.
      """)

  @OptionGroup var options: ModelOptions

  @Option(parsing: .unconditional, help: ArgumentHelp("Tokens of a chunk.", valueName: "n"))
  var context = 512

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Chunks to score; default: all of the text.", valueName: "n"))
  var chunks: Int?

  @Argument(help: "A text file in UTF-8.", completion: .file())
  var file: String

  func validate() throws {
    guard context >= 4, context <= 1 << 20, (chunks ?? 1) >= 1 else {
      throw ValidationError("perplexity needs a context of at least 4 and at least one chunk")
    }
  }

  func run() throws {
    let data = try InputFile.contents(of: file)
    let interruption = Interruption()
    // A part of the measurement is no result: C-c ends the program at once.
    interruption.onInterrupt(nil)
    let loaded = try ModelLoader.load(path: options.path(), contextLength: context)
    guard context <= loaded.model.shape.contextLength else {
      throw InferenceError(
        .invalidRequest, "this model has \(loaded.model.shape.contextLength) positions")
    }
    let tokenizer = try TokenizerLoader.load(from: loaded.gguf)
    // One line end at the end of a file belongs to the file, not to the text.
    let text = String(decoding: data.last == 0x0A ? data.dropLast() : data, as: UTF8.self)
    let bos = tokenizer.addsBOS ? tokenizer.bos : nil
    let tokens = (bos.map { [$0] } ?? []) + tokenizer.encode(text, parsesSpecial: false)
    let limit = min(chunks ?? .max, tokens.count / context)
    let pool = WorkerPool(count: options.threads)
    defer { pool.shutDown() }
    var line = ProgressLine()
    let value: Double
    do throws(InferenceError) {
      value = try Perplexity(contextLength: context, bos: bos).measure(
        tokens, model: loaded.model, on: pool, chunkLimit: limit
      ) { done, soFar in
        line.show("chunk \(done) of \(limit): \(fixed(soFar, 4))")
      }
    } catch {
      line.clear()
      throw error
    }
    line.clear()
    try Console.print("perplexity: \(fixed(value, 4))")
  }
}
