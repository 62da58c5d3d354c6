import Inference
import Playground
import Runtime

/// Plays a race: two lanes that take turns, the first of which gets several tokens a turn.
struct RaceScript {
  var request: RaceRequest
  /// The texts of the lanes, cut into tokens at spaces.
  var texts: [String]
  /// Tokens of a turn of each lane.
  var perTurn = [3, 1]

  static let shared =
    "A KV cache keeps the keys and values of every token that has been read,\nso that a new token only attends to"

  /// - Parameter parts: whether the second lane says something else at its end.
  init(_ request: RaceRequest, parts: Bool = false) {
    self.request = request
    texts = [Self.shared + " stored rows.", Self.shared + (parts ? " old rows." : " stored rows.")]
  }

  private func pieces(_ lane: Int) -> [String] {
    var words: [String] = []
    for character in texts[lane] {
      if words.isEmpty || character == " " { words.append("") }
      words[words.count - 1].append(character)
    }
    return words
  }

  private func id(_ piece: String) -> TokenID {
    TokenID(piece.unicodeScalars.reduce(7) { ($0 &* 31 &+ Int($1.value)) % 40_000 })
  }

  /// A turn of 30 ms for the first token of it, plus 3 for each more.
  private func round(_ lane: Int, from first: Int, to end: Int) -> RoundRecord {
    let drafted = lane == 0 && first > 0 ? 3 : 0
    let accepted = Array(0..<max(0, min(end - first - 1, drafted)))
    return RoundRecord(
      parents: Array([-1, 0, 1].prefix(drafted)), accepted: accepted, emitted: end - first,
      rows: 1 + drafted, draftNanoseconds: UInt64(drafted) * 100_000, passNanoseconds: 30_000_000,
      verifyNanoseconds: 400_000)
  }

  private func result(_ lane: Int) -> LaneResult {
    let pieces = pieces(lane)
    var totals = RoundTotals()
    var first = 0
    while first < pieces.count {
      let end = first == 0 ? 1 : min(pieces.count, first + perTurn[lane])
      if first > 0 { totals.add(round(lane, from: first, to: end)) }
      first = end
    }
    return LaneResult(
      methods: request.lanes[lane], tokens: pieces.map(id), text: texts[lane], finish: .stop,
      promptSeconds: 0.4, generationSeconds: Double(totals.passes) * 0.031, rounds: totals,
      extraBytes: lane == 0 ? 1_400_000 : 0)
  }

  /// What the engine tells, up to so many turns of each lane.
  func events(turns: Int) -> [JobEvent] {
    var events: [JobEvent] = [.race(.started(promptTokens: 41, lanes: texts.count))]
    var done = texts.map { _ in 0 }
    for turn in 0..<turns {
      for lane in texts.indices {
        let pieces = pieces(lane)
        let first = done[lane]
        guard first < pieces.count else { continue }
        if turn == 0 { events.append(.race(.prefill(lane: lane, done: 41, total: 41))) }
        let end = turn == 0 ? 1 : min(pieces.count, first + perTurn[lane])
        for index in first..<end {
          events.append(token(lane, index, pieces[index], clock: UInt64(turn) * 31_000_000))
        }
        events.append(.race(.round(lane: lane, round(lane, from: first, to: end))))
        done[lane] = end
        if end == pieces.count {
          events.append(.race(.laneFinished(lane: lane, result(lane))))
        }
      }
    }
    return events
  }

  private func token(_ lane: Int, _ index: Int, _ piece: String, clock: UInt64) -> JobEvent {
    let record = TokenRecord(
      sampled: SampledToken(
        token: id(piece), probability: 1, modelLogProbability: lane == 0 ? -0.5 : -1.25),
      index: index, time: 0, operations: OperationTotals(), wasDrafted: lane == 0)
    return .race(
      .tokens(
        lane: lane,
        TokenChunk(
          text: piece, records: [record], pieces: [record.sampled.token: piece],
          contextCount: 41 + index),
        nanoseconds: clock))
  }

  /// The outcome, with a ratio for each repeat.
  func outcome(ratios: [Double] = [1.62]) -> RaceResult {
    let lanes = texts.indices.map(result)
    let count = lanes.map(\.tokens.count).max() ?? 0
    func token(_ lane: Int, _ index: Int) -> TokenID? {
      lanes[lane].tokens.indices.contains(index) ? lanes[lane].tokens[index] : nil
    }
    let index = (0..<count).first { token(0, $0) != token(1, $0) }
    let difference = index.map {
      RaceResult.Difference(
        index: $0, tokens: [token(0, $0), token(1, $0)], probabilities: [0.6065, 0.2865])
    }
    return RaceResult(lanes: lanes, difference: difference, ratios: ratios)
  }

  /// A whole race.
  func all(ratios: [Double] = [1.62]) -> [JobEvent] {
    events(turns: 100) + [.race(.finished(outcome(ratios: ratios)))]
  }
}

extension [Effect] {
  /// The race requests among the effects.
  var races: [RaceRequest] {
    compactMap { if case .submit(_, .race(let request)) = $0 { request } else { nil } }
  }
}
