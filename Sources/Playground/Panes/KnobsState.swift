import Inference
import Runtime

/// The knobs pane: which knob is picked, and what the chain did to the last token.
package struct KnobsState: Sendable, Equatable {
  package var selected = 0
  /// The stage that is being moved; nil outside of reordering.
  package var reordering: Int?
  /// Values that `Space` restores, by knob.
  package var remembered: [String: Double] = [:]
  /// Why a knob changes nothing, by knob.
  package var inert: [String: String] = [:]
  package private(set) var observed = InertKnobs()
  package var lastToken: SampledToken?
  package var pieces: [TokenID: String] = [:]

  package init() {}

  /// Takes in what the stages did to a token.
  package mutating func observe(_ token: TokenRecord, settings: SamplerSettings) {
    observed.observe(token.sampled.reports)
    inert = observed.reasons(settings: settings)
  }

  /// Knobs that were turned: what is off and what is on shows before the next token.
  mutating func take(_ settings: SamplerSettings) {
    if !inert.isEmpty { inert = observed.reasons(settings: settings) }
  }
}

extension KnobsState {
  /// Whether a knob says something by itself, not only how another one that is off would act.
  func isOwnKnob(_ item: KnobItem, _ settings: SamplerSettings) -> Bool {
    guard case .number(let index) = item else { return item != .order }
    let (knob, stage) = SamplerSettings.knobs[index]
    if knob.offValue != nil || knob.id == "temp" { return true }
    return SamplerSettings.knobs.contains {
      $0.stage == stage && $0.knob.offValue != nil && !$0.knob.isOff(in: settings)
    }
  }
}

/// One row of the knobs pane.
package enum KnobItem: Sendable, Equatable {
  /// Index into `SamplerSettings.knobs`.
  case number(Int)
  case seed
  case maximumTokens
  case order

  package static let all: [KnobItem] =
    SamplerSettings.knobs.indices.map(KnobItem.number) + [.seed, .maximumTokens, .order]

  package static func at(_ index: Int) -> KnobItem {
    all[min(max(0, index), all.count - 1)]
  }

  package var id: String {
    switch self {
    case .number(let index): SamplerSettings.knobs[index].knob.id
    case .seed: "seed"
    case .maximumTokens: "max-tokens"
    case .order: "order"
    }
  }

  package static func named(_ name: String) -> KnobItem? {
    all.first { $0.id == name.lowercased() }
  }

  package var summary: String {
    switch self {
    case .number(let index): SamplerSettings.knobs[index].knob.summary
    case .seed: "Start of the random numbers; the same seed gives the same answer."
    case .maximumTokens: "Ends an answer after this many tokens."
    case .order: "The stages in the order they run."
    }
  }
}

extension PlaygroundState {
  package static let maximumTokensRange = 1...65_536

  /// Moves the picked knob by steps.
  package mutating func moveKnob(_ item: KnobItem, by steps: Int, large: Bool = false) -> [Effect] {
    var changed = settings
    switch item {
    case .number(let index):
      let knob = SamplerSettings.knobs[index].knob
      knob.move(by: steps, large: large, in: &changed)
      // What is shown is what is meant: 0.85, not the sum of its steps.
      if let shown = Double(Self.number(knob.value(in: changed), decimals: knob.decimals)) {
        knob.set(shown, in: &changed)
      }
    case .seed:
      let delta = UInt64(steps.magnitude) * (large ? 10 : 1)
      changed.seed = steps < 0 ? changed.seed &- min(delta, changed.seed) : changed.seed &+ delta
    case .maximumTokens:
      let size = large ? 256 : 32
      return setMaximumTokens((maximumTokens + steps * size) / size * size)
    case .order: return []
    }
    return apply(changed, item: item)
  }

  /// Back to the default.
  package mutating func resetKnob(_ item: KnobItem) -> [Effect] {
    var changed = settings
    switch item {
    case .number(let index):
      let knob = SamplerSettings.knobs[index].knob
      knob.set(knob.defaultValue, in: &changed)
    case .seed:
      changed.seed = SamplerSettings().seed
      advancesSeed = true
    case .maximumTokens: return setMaximumTokens(1024)
    case .order: changed.order = SamplerStage.defaultOrder
    }
    return apply(changed, item: item)
  }

  /// Off where the knob is on, and back to its last value where it is off.
  package mutating func toggleKnob(_ item: KnobItem) -> [Effect] {
    switch item {
    case .number(let index):
      let knob = SamplerSettings.knobs[index].knob
      guard let off = knob.offValue else {
        return say(.info, "\(knob.title) cannot be switched off; d sets its default")
      }
      var changed = settings
      if knob.isOff(in: settings) {
        let choices = [
          knob.defaultValue, off + knob.largeStep, off - knob.largeStep, off + knob.step,
        ]
        let first = choices.first { $0 != off && knob.range.contains($0) }
        knob.set(knobs.remembered[knob.id] ?? first ?? off, in: &changed)
      } else {
        knobs.remembered[knob.id] = knob.value(in: settings)
        knob.set(off, in: &changed)
      }
      return apply(changed, item: item)
    case .seed:
      advancesSeed.toggle()
      return say(.info, advancesSeed ? "seed grows by one after each answer" : "seed stays fixed")
    case .maximumTokens, .order: return []
    }
  }

  /// Takes up settings: for the running answer from its next token, and for the ones to come.
  package mutating func apply(_ changed: SamplerSettings, item: KnobItem? = nil) -> [Effect] {
    guard changed != settings else { return [] }
    undo.push(.settings(settings))
    return replaceSettings(changed)
  }

  mutating func replaceSettings(_ changed: SamplerSettings) -> [Effect] {
    settings = changed
    guard let running else { return [] }
    // The seed of an answer is what it began with.
    var live = changed
    live.seed = running.settings.seed
    return [.change(ticket: running.ticket, live)]
  }

  private mutating func setMaximumTokens(_ value: Int) -> [Effect] {
    let range = Self.maximumTokensRange
    maximumTokens = min(max(range.lowerBound, value), range.upperBound)
    return []
  }

  /// Moves the stage that is picked for reordering.
  package mutating func moveStage(by step: Int) -> [Effect] {
    guard let index = knobs.reordering, settings.order.indices.contains(index + step) else {
      return []
    }
    var changed = settings
    changed.order.swapAt(index, index + step)
    knobs.reordering = index + step
    return apply(changed, item: .order)
  }

  /// A number with a fixed count of decimals, the point as in the C locale.
  package static func number(_ value: Double, decimals: Int) -> String {
    guard value.isFinite, value.magnitude < 1e15 else { return "?" }
    let scale = (0..<max(0, decimals)).reduce(1.0) { scale, _ in scale * 10 }
    let scaled = Int((value.magnitude * scale).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard decimals > 0 else { return sign + String(scaled) }
    let fraction = String(scaled % Int(scale))
    let zeros = String(repeating: "0", count: decimals - fraction.count)
    return "\(sign)\(scaled / Int(scale)).\(zeros)\(fraction)"
  }
}
