import Inference
import Runtime

/// Follows the events of one answer: streams its text, and keeps what a report needs.
struct StreamedAnswer {
  let model: ModelSummary
  /// Whether text goes to standard output as it comes.
  let streams: Bool
  private(set) var text = ""
  private(set) var tokens: [TokenID] = []
  private(set) var provenance: Provenance?

  init(model: ModelSummary, streams: Bool) {
    self.model = model
    self.streams = streams
  }

  /// - Throws: `OutputError`, or the failure that the job ended with.
  mutating func take(_ event: JobEvent, _ line: inout ProgressLine) throws {
    switch event {
    case .prefill(let done, let total, let seconds):
      guard done < total, done > 0 else { return line.clear() }
      let left = Int((seconds * Double(total - done) / Double(done)).rounded(.up))
      line.show("reading \(done)/\(total) tokens  \(done * 100 / total) %  \(left) s left")
    case .tokens(let chunk):
      line.clear()
      text += chunk.text
      tokens += chunk.records.map(\.sampled.token)
      if streams {
        try Console.write(Console.outputIsTerminal ? PlainText.safe(chunk.text) : chunk.text)
      }
    case .finished(let provenance): self.provenance = provenance
    case .contextFull(let needed, let capacity):
      line.clear()
      throw InferenceError(
        .contextFull,
        "the prompt has \(needed) tokens and the context \(capacity): shorten it, or give --context"
      )
    case .failed(let error):
      line.clear()
      throw error
    default: break
    }
  }

  /// Ends the last line, and says where an answer is not whole.
  func finish() throws(OutputError) {
    if streams, !text.isEmpty, !text.hasSuffix("\n") { try Console.write("\n") }
    switch provenance?.finish {
    case .length where streams && Console.errorIsTerminal:
      Console.note("(cut at \(tokens.count) tokens: -n allows more)")
    case .contextFull: Console.note("(the context of \(model.contextLength) tokens is full)")
    default: break
    }
  }

  /// What `--json` prints.
  func report() -> AnswerReport { AnswerReport(self) }
}

/// An answer with its circumstances, as `ask --json` prints it.
struct AnswerReport: Encodable {
  struct Counts: Encodable {
    var prompt: Int
    var reused: Int
    var generated: Int
    var ids: [TokenID]
  }
  struct Timings: Encodable {
    var loadSeconds: Double
    var promptSeconds: Double
    var generationSeconds: Double
    var timeToFirstToken: Double
    var promptTokensPerSecond: Double?
    var tokensPerSecond: Double?
  }
  var text: String
  var finish: String
  var model: String
  var tokens: Counts
  var timings: Timings
  var settings: SamplerSettings?

  init(_ answer: StreamedAnswer) {
    let made = answer.provenance
    let read = (made?.promptTokens ?? 0) - (made?.reusedTokens ?? 0)
    let promptSeconds = made?.promptSeconds ?? 0
    text = answer.text
    finish = made?.finish.rawValue ?? "unknown"
    model = answer.model.name
    tokens = Counts(
      prompt: made?.promptTokens ?? 0, reused: made?.reusedTokens ?? 0,
      generated: answer.tokens.count, ids: answer.tokens)
    timings = Timings(
      loadSeconds: answer.model.loadSeconds, promptSeconds: promptSeconds,
      generationSeconds: made?.generationSeconds ?? 0,
      timeToFirstToken: made?.timeToFirstToken ?? 0,
      promptTokensPerSecond: promptSeconds > 0 ? Double(read) / promptSeconds : nil,
      tokensPerSecond: made?.tokensPerSecond)
    settings = made?.settings
  }
}
