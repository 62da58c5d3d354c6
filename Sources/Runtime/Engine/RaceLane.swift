import Compute
import Inference

/// One lane of a race: a run of its own, and a clock that goes while it has its turn.
final class RaceLane {
  private let index: Int
  private let selection: MethodSelection
  private let answer: AnswerStream
  private let tell: (RaceEvent) -> Void
  private var run: (any DecodingRun)?
  /// Nanoseconds of the turns that are over.
  private var spent: UInt64 = 0
  /// When the present turn began.
  private var turn: UInt64 = 0
  /// What its clock said when the prompt was read, and at the last token.
  private var promptEnd: UInt64?
  private var lastToken: UInt64 = 0
  private var rounds = RoundTotals()
  private(set) var records: [SampledToken] = []
  private var text = ""
  private var reason: FinishReason?
  private var extraBytes = 0
  private var bytesRead = 0

  init(
    index: Int, selection: MethodSelection, plan: DecodingPlan, prompt: [TokenID],
    cachedCount: Int, maximumTokens: Int, stopStrings: [String], tokenizer: any Tokenizer,
    control: DecodingControl,
    pool: WorkerPool, tell: @escaping (RaceEvent) -> Void
  ) throws(InferenceError) {
    self.index = index
    self.selection = selection
    self.tell = tell
    answer = AnswerStream(
      tokenizer: tokenizer, stopStrings: stopStrings, promptCount: prompt.count)
    let request = DecodingRequest(
      prompt: prompt, cachedCount: cachedCount, maximumTokens: maximumTokens,
      stopTokens: tokenizer.endTokens, control: control
    ) { [unowned self] event in take(event) }
    run = try plan.loop.start(request, plan: plan, on: pool)
  }

  var hasEnded: Bool { run == nil }

  func record(at index: Int) -> SampledToken? {
    index < records.count ? records[index] : nil
  }

  /// Has its turn.
  func step() throws(InferenceError) {
    guard let run else { return }
    turn = monotonicNanoseconds()
    reason = try run.step()
    spent += monotonicNanoseconds() - turn
    guard reason != nil else { return }
    extraBytes = run.plan.extraByteCount + (run.plan.drafter?.byteCount ?? 0)
    bytesRead = (run.plan.model as? any WaitsForWeights)?.bytesRead ?? 0
    self.run = nil
    if let rest = answer.finish() {
      text += rest.text
      tell(.tokens(lane: index, rest, nanoseconds: lastToken - (promptEnd ?? lastToken)))
    }
    tell(.laneFinished(lane: index, result))
  }

  private func take(_ event: DecodingEvent) -> DecodingRequest.Flow {
    let now = spent + monotonicNanoseconds() - turn
    switch event {
    case .prefill(let done, let total):
      if done == total { promptEnd = now }
      tell(.prefill(lane: index, done: done, total: total))
    case .token(let record):
      lastToken = now
      records.append(record.sampled)
      let chunk = answer.append(record)
      text += chunk.text
      tell(.tokens(lane: index, chunk, nanoseconds: now - (promptEnd ?? now)))
    case .round(let round):
      // The round that gives the first token ends the prompt, whose time is counted apart.
      if rounds.passes > 0 || round.emitted == 0 || records.count > round.emitted {
        rounds.add(round)
      }
      tell(.round(lane: index, round))
    }
    return answer.hasStopped ? .stop : .go
  }

  var result: LaneResult {
    let first = promptEnd ?? spent
    var result = LaneResult(
      methods: selection, tokens: records.map(\.token), text: text,
      finish: answer.hasStopped ? .stop : reason ?? .cancelled,
      promptSeconds: Double(first) / 1e9,
      generationSeconds: Double(max(lastToken, first) - first) / 1e9, rounds: rounds,
      extraBytes: extraBytes)
    result.bytesRead = bytesRead
    return result
  }
}
