import Inference

/// Methods side by side: the same prompt, seed and model for every lane.
///
/// Lanes take turns on the worker pool, one round at a time, and each one's clock runs during its own turns only, so that
/// none takes memory bandwidth from another.
package struct RaceRequest: Sendable {
  package var source: PromptSource
  package var settings: SamplerSettings
  package var maximumTokens: Int
  package var stopStrings: [String]
  /// What each lane decodes with; the first is held against the others.
  package var lanes: [MethodSelection]
  package var mode: Mode
  /// Races of one name go on with what the methods of each lane kept from the one before; nil begins with nothing.
  package var memory: String?
  /// Whether solo lanes share one cache, which holds on to the prompt, also for the next race.
  ///
  /// Nothing that follows the prompt changes; how long a lane took to read it then says nothing.
  package var keepsPrompt = false

  package enum Mode: Sendable, Equatable {
    /// Turn by turn, to look at.
    case turns
    /// One lane after the other, in changing order, so many times: for figures that are kept.
    ///
    /// A short run of each lane that is not counted may come first.
    case solo(repeats: Int, warmsUp: Bool = true, startsReversed: Bool = false)
  }

  package init(
    source: PromptSource, settings: SamplerSettings, maximumTokens: Int,
    stopStrings: [String] = [], lanes: [MethodSelection], mode: Mode = .turns,
    memory: String? = nil
  ) {
    self.memory = memory
    self.source = source
    self.settings = settings
    self.maximumTokens = maximumTokens
    self.stopStrings = stopStrings
    self.lanes = lanes
    self.mode = mode
  }
}

/// What a race tells while it runs; the last one is `finished`.
package enum RaceEvent: Sendable {
  case started(promptTokens: Int, lanes: Int)
  case prefill(lane: Int, done: Int, total: Int)
  /// Tokens of a lane; `nanoseconds` is what its own clock says since the prompt was read.
  case tokens(lane: Int, TokenChunk, nanoseconds: UInt64)
  case round(lane: Int, RoundRecord)
  case laneFinished(lane: Int, LaneResult)
  /// Of solo mode: that many of the repeats are done.
  case progress(done: Int, total: Int)
  case finished(RaceResult)
}

/// What one lane did.
package struct LaneResult: Sendable, Equatable, Codable {
  package var methods: MethodSelection
  package var tokens: [TokenID]
  package var text: String
  package var finish: FinishReason
  /// Of its own clock: until the prompt was read, and from there to the last token.
  package var promptSeconds: Double
  package var generationSeconds: Double
  /// Passes of the model after the prompt's.
  package var passes: Int
  package var drafted: Int
  package var accepted: Int
  /// Seconds of drafting, of the model's passes and of verifying.
  package var draftSeconds: Double
  package var passSeconds: Double
  package var verifySeconds: Double
  /// Bytes beyond the model and the cache that plain decoding has too.
  package var extraBytes: Int
  /// Bytes of weights read from disk, where they are streamed.
  package var bytesRead: Int = 0

  package init(
    methods: MethodSelection, tokens: [TokenID], text: String, finish: FinishReason,
    promptSeconds: Double, generationSeconds: Double, rounds: RoundTotals, extraBytes: Int
  ) {
    self.methods = methods
    self.tokens = tokens
    self.text = text
    self.finish = finish
    self.promptSeconds = promptSeconds
    self.generationSeconds = generationSeconds
    passes = rounds.passes
    drafted = rounds.drafted
    accepted = rounds.accepted
    draftSeconds = Double(rounds.draftNanoseconds) / 1e9
    passSeconds = Double(rounds.passNanoseconds) / 1e9
    verifySeconds = Double(rounds.verifyNanoseconds) / 1e9
    self.extraBytes = extraBytes
  }

  /// Generated tokens per second after the first; nil for fewer than two.
  package var tokensPerSecond: Double? {
    tokens.count > 1 && generationSeconds > 0
      ? Double(tokens.count - 1) / generationSeconds : nil
  }

  /// Tokens that the passes after the prompt's gave: all after the first, the one that ends the answer among them.
  package var passTokens: Int { max(0, tokens.count - 1 + (finish == .stop ? 1 : 0)) }

  /// `passTokens` for each pass; nil where there was none.
  package var tokensPerPass: Double? {
    passes > 0 && passTokens > 0 ? Double(passTokens) / Double(passes) : nil
  }
}

/// The outcome of a race.
package struct RaceResult: Sendable, Equatable, Codable {
  /// Of each lane its first run.
  package var lanes: [LaneResult]
  /// Where the first two lanes part; nil where their tokens are the same.
  package var difference: Difference?
  /// How many times faster the first lane was than the second, one for each repeat; one number of a race by turns.
  package var ratios: [Double]

  /// The first token that differs.
  package struct Difference: Sendable, Equatable, Codable {
    package var index: Int
    /// What each lane has there; nil past its end.
    package var tokens: [TokenID?]
    /// The probability that the model itself gave it.
    package var probabilities: [Double?]

    package init(index: Int, tokens: [TokenID?], probabilities: [Double?]) {
      self.index = index
      self.tokens = tokens
      self.probabilities = probabilities
    }
  }

  package init(lanes: [LaneResult], difference: Difference?, ratios: [Double]) {
    self.lanes = lanes
    self.difference = difference
    self.ratios = ratios
  }

  package var isIdentical: Bool { difference == nil }

  /// The lane of an index against the last, by what their first runs gave.
  package func againstLast(_ index: Int) -> RaceResult {
    guard lanes.count > 2, let last = lanes.last else { return self }
    let pair = [lanes[index], last]
    let tokens = pair.map(\.tokens)
    let parting = zip(tokens[0], tokens[1]).enumerated().first { $1.0 != $1.1 }?.offset
    let shorter = min(tokens[0].count, tokens[1].count)
    let place = parting ?? (tokens[0].count == tokens[1].count ? nil : shorter)
    let ratio = pair[0].tokensPerSecond.flatMap { first in
      pair[1].tokensPerSecond.map { first / $0 }
    }
    return RaceResult(
      lanes: pair,
      difference: place.map { place in
        Difference(
          index: place, tokens: tokens.map { place < $0.count ? $0[place] : nil },
          probabilities: [nil, nil])
      }, ratios: ratio.map { [$0] } ?? [])
  }

  /// Median of the ratios; nil where an answer was too short to time.
  package var ratio: Double? {
    let sorted = ratios.sorted()
    guard let last = sorted.indices.last else { return nil }
    return (sorted[last / 2] + sorted[(last + 1) / 2]) / 2
  }
}
