import ArgumentParser
import Foundation
import Inference
import Runtime

/// One answer on standard output, for pipes and scripts.
struct Ask: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Answer one prompt on standard output.",
    usage: "paceline ask [<prompt>] [<options>]",
    discussion: """
      The prompt is the argument, standard input where that is no terminal, or
      both with an empty line between. Standard output gets the answer only.
      """)

  @Argument(help: "The prompt; - or nothing reads it from standard input.")
  var prompt: String?

  @OptionGroup var options: ModelOptions
  @OptionGroup var sampling: SamplingOptions
  @OptionGroup var methods: MethodOptions

  @Option(
    name: [.customShort("n"), .long], parsing: .unconditional,
    help: ArgumentHelp("Tokens at most.", valueName: "n"))
  var maxTokens = 1024

  @Option(parsing: .unconditional, help: ArgumentHelp("Positions of the context.", valueName: "n"))
  var context: Int?

  @Option(help: ArgumentHelp("A system prompt.", valueName: "text"))
  var system: String?

  @Option(
    help: ArgumentHelp("Text that ends the answer; may be given many times.", valueName: "text"))
  var stop: [String] = []

  @Flag(help: "Send the prompt as it is, without the model's chat template.")
  var raw = false

  @Flag(help: "With --raw: read special tokens such as <|im_end|> as those.")
  var special = false

  @Flag(help: "Print one JSON object with text, tokens, timings and settings.")
  var json = false

  func validate() throws {
    guard maxTokens >= 1 else { throw ValidationError("--max-tokens takes a number from 1") }
    if let context, context < 1 { throw ValidationError("--context takes a number from 1") }
    if special, !raw { throw ValidationError("--special goes with --raw") }
    if raw, system != nil { throw ValidationError("--system has no place in a --raw prompt") }
  }

  func run() async throws {
    let settings = try sampling.settings()
    let methods = try methods.selection()
    let path = try options.path()
    let source = try self.source(of: promptText())
    let interruption = Interruption()
    var line = ProgressLine()
    let engine = Engine.standard(threads: options.threads)
    let summary = try await engine.load(path, contextLength: context) { fraction in
      line.show("loading \(Int(fraction * 100)) %")
    }
    line.clear()
    Engine.noteContext(context, given: summary)
    var request = GenerateRequest(source: source, settings: settings, maximumTokens: maxTokens)
    request.stopStrings = stop
    request.methods = methods
    let job = engine.submit(.generate(request))
    interruption.onInterrupt { job.cancel() }
    var answer = StreamedAnswer(model: summary, streams: !json)
    do {
      for await event in job.events { try answer.take(event, &line) }
    } catch {
      job.cancel()
      throw error
    }
    line.clear()
    try answer.finish()
    if json { try Console.printJSON(answer.report()) }
    if answer.provenance?.finish == .cancelled { throw ExitStatus.interrupted }
  }

  private func promptText() throws -> String {
    var parts: [String] = []
    if let prompt, prompt != "-" { parts.append(prompt) }
    if prompt == nil || prompt == "-" || Console.inputIsPiped {
      if Console.inputIsTerminal { Console.note("reading the prompt; C-d on a new line ends it") }
      let text = String(decoding: Console.readAll(), as: UTF8.self)
      // The line end that a shell's echo adds is no part of what was asked; a raw prompt is left alone.
      parts.append(!raw && text.hasSuffix("\n") ? String(text.dropLast()) : text)
    }
    let text = parts.filter { !$0.isEmpty }.joined(separator: "\n\n")
    guard !text.isEmpty else {
      throw InferenceError(.invalidRequest, "there is no prompt: give one, or pipe one in")
    }
    return text
  }

  private func source(of text: String) -> PromptSource {
    if raw { return .raw(text, parsesSpecial: special) }
    let turns = (system.map { [ChatTurn(role: .system, text: $0)] } ?? [])
    return .chat(turns + [ChatTurn(role: .user, text: text)])
  }
}
