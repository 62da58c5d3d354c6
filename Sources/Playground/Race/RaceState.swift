import Glibc
import Inference
import Runtime

/// A race as the screen shows it: each lane's text and figures, and where the texts part.
package struct RaceState: Sendable {
  package enum Phase: Sendable, Equatable {
    case waiting
    case running
    case finished(RaceResult)
    /// It ended without a result, for this reason.
    case ended(String)
  }

  package var ticket: Int
  package var request: RaceRequest
  /// The text that is answered, for the heading.
  package var promptText: String
  package var phase = Phase.waiting
  package var promptTokens: Int?
  package var lanes: [RaceLaneState]
  /// Repeats of solo mode that are done.
  package var repeatsDone = 0
  package var isStopping = false
  /// Tokens that all lanes have in common from the start, as far as is known.
  package private(set) var common = 0
  /// The first line shown; nil follows the end.
  package var top: Int?

  package init(ticket: Int, request: RaceRequest, promptText: String) {
    self.ticket = ticket
    self.request = request
    self.promptText = promptText
    lanes = request.lanes.map { RaceLaneState(methods: $0) }
  }

  package var isRunning: Bool { phase == .waiting || phase == .running }

  package var result: RaceResult? {
    if case .finished(let result) = phase { return result }
    return nil
  }

  package var repeats: Int {
    if case .solo(let repeats, _, _) = request.mode { return repeats }
    return 1
  }

  /// Takes in what the engine tells, but for the outcome.
  package mutating func take(_ event: RaceEvent) {
    switch event {
    case .started(let tokens, _):
      phase = .running
      promptTokens = tokens
    case .prefill(let lane, let done, let total): at(lane) { $0.prompt = (done, total) }
    case .tokens(let lane, let chunk, let nanoseconds):
      at(lane) { $0.take(chunk, nanoseconds: nanoseconds) }
      compare()
    case .round(let lane, let round): at(lane) { $0.take(round) }
    case .laneFinished(let lane, let result): at(lane) { $0.result = result }
    case .progress(let done, _): repeatsDone = done
    case .finished(let result): phase = .finished(result)
    }
  }

  private mutating func at(_ lane: Int, _ change: (inout RaceLaneState) -> Void) {
    guard lanes.indices.contains(lane) else { return }
    change(&lanes[lane])
  }

  private mutating func compare() {
    guard let first = lanes.first else { return }
    while lanes.allSatisfy({ $0.tokens.count > common }),
      lanes.allSatisfy({ $0.tokens[common].id == first.tokens[common].id })
    {
      common += 1
    }
  }

  /// The index of the first token that differs; nil while none is known to.
  package var parting: Int? {
    if let result { return result.difference?.index }
    return lanes.allSatisfy { $0.tokens.count > common } && !lanes.isEmpty ? common : nil
  }
}

/// One lane of a race.
package struct RaceLaneState: Sendable {
  package var methods: MethodSelection
  /// Rows of the prompt read, of those to read.
  package var prompt: (done: Int, total: Int)?
  package private(set) var tokens: [Token] = []
  /// What its own clock says since its first token.
  package private(set) var nanoseconds: UInt64 = 0
  package private(set) var rounds = RoundTotals()
  package var result: LaneResult?

  package struct Token: Sendable, Equatable {
    package var id: TokenID
    /// The probability that the model itself gave it.
    package var probability: Double
    /// Bytes of the lane's text up to its end.
    package var end: Int
    package var text: String
  }

  /// The text by source lines, each with where it starts.
  package private(set) var lines: [Line] = [Line(start: 0, text: "")]
  private var byteCount = 0
  /// Texts of the writers after the first, by their numbers from 1.
  private var others: [Int: String] = [:]

  package struct Line: Sendable, Equatable {
    package var start: Int
    package var text: String
  }

  package init(methods: MethodSelection) { self.methods = methods }

  package mutating func take(_ chunk: TokenChunk, nanoseconds: UInt64) {
    self.nanoseconds = max(self.nanoseconds, nanoseconds)
    let writer = chunk.records.first?.writer ?? 0
    if writer == 0 { append(chunk.text) } else { others[writer, default: ""] += chunk.text }
    for record in chunk.records {
      tokens.append(
        Token(
          id: record.sampled.token, probability: exp(Double(record.sampled.modelLogProbability)),
          end: byteCount, text: chunk.pieces[record.sampled.token] ?? chunk.text))
    }
    // Text that came late, such as the rest of a character, belongs to the last token.
    if chunk.records.isEmpty, let last = tokens.indices.last { tokens[last].end = byteCount }
  }

  package mutating func take(_ round: RoundRecord) {
    // The round that gives the first token ends the prompt, whose time is counted apart.
    if rounds.passes > 0 || round.emitted == 0 || tokens.count > round.emitted {
      rounds.add(round)
    }
  }

  private mutating func append(_ text: String) {
    var rest = Substring(text)
    while let end = rest.firstIndex(where: \.isNewline) {
      lines[lines.count - 1].text += rest[..<end]
      byteCount += rest[...end].utf8.count
      lines.append(Line(start: byteCount, text: ""))
      rest = rest[rest.index(after: end)...]
    }
    lines[lines.count - 1].text += rest
    byteCount += rest.utf8.count
  }

  /// Bytes of the text of the first `count` tokens.
  package func end(ofFirst count: Int) -> Int {
    count > 0 ? tokens[min(count, tokens.count) - 1].end : 0
  }

  /// The text of one token.
  package func text(of index: Int) -> String {
    tokens.indices.contains(index) ? tokens[index].text : ""
  }

  /// What is shown: the text, and that of other writers below it.
  package var shownLines: [Line] {
    // Beyond every mark of the first writer's text.
    let start = Int.max / 2
    return lines
      + others.sorted { $0.key < $1.key }.flatMap { writer, text -> [Line] in
        let parts = text.trimmed.split(
          omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return ([""[...], "writer \(writer + 1):"] + parts).map {
          Line(start: start, text: String($0))
        }
      }
  }

  // MARK: Figures

  /// Tokens a second by its own clock.
  package var speed: Double? {
    if let result { return result.tokensPerSecond }
    return tokens.count > 1 && nanoseconds > 0
      ? Double(tokens.count - 1) / (Double(nanoseconds) / 1e9) : nil
  }

  package var passes: Int { result?.passes ?? rounds.passes }

  package var tokensPerPass: Double? {
    if let result { return result.tokensPerPass }
    return rounds.tokensPerPass
  }

  /// Share of the drafted tokens that were accepted; nil where none were drafted.
  package var acceptance: Double? {
    guard let result else { return rounds.acceptance }
    return result.drafted > 0 ? Double(result.accepted) / Double(result.drafted) : nil
  }
}
