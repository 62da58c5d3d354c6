import Glibc
import Inference
import Runtime

/// Gaps between tokens in logarithmic classes of about one per cent: fixed memory, whatever the run.
package struct GapHistogram: Sendable, Equatable {
  private static let lowest = 1_000.0
  private static let ratio = 1.01
  private var counts: [Int: Int] = [:]
  package private(set) var count = 0

  package init() {}

  package mutating func record(nanoseconds: UInt64) {
    let steps = log(Double(max(nanoseconds, 1_000)) / Self.lowest) / log(Self.ratio)
    counts[Int(steps), default: 0] += 1
    count += 1
  }

  /// The gap in nanoseconds that this share of the gaps does not pass; nil without gaps.
  package func quantile(_ share: Double) -> Double? {
    guard count > 0 else { return nil }
    let rank = max(1, Int((share * Double(count)).rounded(.up)))
    var seen = 0
    for index in counts.keys.sorted() {
      seen += counts[index] ?? 0
      if seen >= rank { return Self.lowest * pow(Self.ratio, Double(index) + 0.5) }
    }
    return nil
  }
}

/// Tokens over what they took, seconds or passes, in slots of a quarter second, for five minutes.
package struct SpeedHistory: Sendable, Equatable {
  private struct Slot: Equatable {
    var number: UInt64
    var tokens: Int
    var taken: Double
  }

  package static let slotNanoseconds: UInt64 = 250_000_000
  private static let longest = 1_200
  private var slots: [Slot] = []

  package init() {}

  package var isEmpty: Bool { slots.isEmpty }

  package mutating func record(time: UInt64, gap: UInt64) {
    record(time: time, tokens: 1, over: Double(gap) / 1e9)
  }

  /// - Parameter taken: what the tokens took, in the unit that samples are told by: seconds or passes.
  package mutating func record(time: UInt64, tokens: Int, over taken: Double) {
    let number = time / Self.slotNanoseconds
    if let last = slots.indices.last, slots[last].number >= number {
      slots[last].tokens += tokens
      slots[last].taken += taken
    } else {
      slots.append(Slot(number: number, tokens: tokens, taken: taken))
      if slots.count > 2 * Self.longest { slots.removeFirst(slots.count - Self.longest) }
    }
  }

  /// Tokens per second, or per pass, in each of `count` intervals that end at `end`; not a number where none came.
  package func samples(endingAt end: UInt64, interval: Double, count: Int) -> [Double] {
    guard count > 0, interval > 0 else { return [] }
    var tokens = [Int](repeating: 0, count: count)
    var taken = [Double](repeating: 0, count: count)
    for slot in slots.reversed() {
      // A slot counts where its middle lies, but never later than the newest interval.
      let middle = slot.number * Self.slotNanoseconds + Self.slotNanoseconds / 2
      let age = middle >= end ? 0 : Double(end - middle) / 1e9
      let index = count - 1 - Int(age / interval)
      if index < 0 { break }
      tokens[index] += slot.tokens
      taken[index] += slot.taken
    }
    return zip(tokens, taken).map { $1 > 0 ? Double($0) / $1 : .nan }
  }
}

/// A moment at which a knob was turned.
package struct KnobTick: Sendable, Equatable {
  /// When, by `monotonicNanoseconds()`.
  package var time: UInt64
  package var label: String
}

/// What the profile pane shows; all numbers come from the engine's own time stamps.
package struct ProfileState: Sendable, Equatable {
  package static let windows: [Double] = [15, 30, 60, 300]

  package var history = SpeedHistory()
  package var gaps = GapHistogram()
  package var ticks: [KnobTick] = []
  /// Operations of the generated tokens of the last answer.
  package var operations = OperationTotals()
  package var tokens = 0
  /// Operations of the last answer's prompt, up to its first token.
  package var promptOperations = OperationTotals()
  /// Rows of the prompt that were computed.
  package var promptRows = 0
  package var memory: MemoryFigures?
  /// What rounds with drafts tell.
  package var drafting = DraftingState()
  /// What the last answer was made with.
  package var methods = MethodSelection.none
  package var roofs = Roofs()
  package var threads: Int?
  package var timeToFirstToken: Double?
  /// Tokens a second while the prompt was read.
  package var promptSpeed: Double?
  package var windowIndex = 1
  /// Where the graph stands still; nil while it is live.
  package var frozenAt: UInt64?
  /// Time of the newest token.
  package private(set) var newest: UInt64 = 0
  private var previous: UInt64?
  private var answerStart: UInt64?

  package init() {}

  package var window: Double { Self.windows[min(max(0, windowIndex), Self.windows.count - 1)] }
  package var graphEnd: UInt64 { frozenAt ?? newest }

  /// Tokens per second of the answer so far, without its first token.
  package var averageSpeed: Double? {
    guard tokens > 1, let answerStart, newest > answerStart else { return nil }
    return Double(tokens - 1) / (Double(newest - answerStart) / 1e9)
  }

  package mutating func beginAnswer(with methods: MethodSelection = .none) {
    self.methods = methods
    drafting.begin()
    gaps = GapHistogram()
    operations = OperationTotals()
    promptOperations = OperationTotals()
    promptRows = 0
    tokens = 0
    previous = nil
    answerStart = nil
    timeToFirstToken = nil
    promptSpeed = nil
  }

  /// Drops all that was measured, but not how it is shown.
  package mutating func forgetFigures() {
    let index = windowIndex
    self = ProfileState()
    windowIndex = index
  }

  package mutating func record(_ token: TokenRecord) {
    tokens += 1
    if token.index == 0 { promptOperations = token.operations }
    newest = max(newest, token.time)
    if let previous {
      // Tokens of one pass come at once: the first of them waited for it.
      let gap = token.time > previous ? token.time - previous : 0
      if gap > 0 { gaps.record(nanoseconds: gap) }
      history.record(time: token.time, gap: gap)
      operations.add(token.operations)
    } else {
      answerStart = token.time
    }
    previous = max(previous ?? 0, token.time)
  }

  /// Takes in a round, which comes after its tokens.
  package mutating func record(_ round: RoundRecord) {
    // The round that gives the first token ends the prompt, and says nothing of drafting.
    guard drafting.totals.passes > 0 || round.emitted == 0 || tokens > round.emitted else { return }
    drafting.record(round, at: newest)
  }

  package mutating func record(_ sample: ProfileSample) {
    memory = MemoryFigures(
      weights: sample.weightBytes, cache: sample.cacheBytes, scratch: sample.scratchBytes,
      resident: sample.residentBytes, methods: sample.methodBytes)
    if let curve = sample.costCurve { drafting.costCurve = curve }
    roofs = sample.roofs
    threads = sample.threads
  }

  /// Notes that a knob was turned; several steps in a row are one mark with the last value.
  package mutating func mark(_ label: String, at time: UInt64) {
    if let last = ticks.last, time &- last.time < 1_500_000_000 {
      ticks[ticks.count - 1].label = label
      return
    }
    ticks.append(KnobTick(time: time, label: label))
    if ticks.count > 64 { ticks.removeFirst(ticks.count - 64) }
  }
}

/// Bytes by purpose.
package struct MemoryFigures: Sendable, Equatable {
  package var weights: Int
  package var cache: Int
  package var scratch: Int
  package var resident: Int
  /// What methods keep, the weights of a draft model included.
  package var methods = 0
}
