/// Tells which knobs changed nothing lately, and why, from the reports of the sampler's stages.
package struct InertKnobs: Sendable, Equatable {
  /// Tokens looked back on.
  package static let window = 64
  /// Tokens that must have come before a stage is called inert for what it did.
  package static let leastObserved = 8

  private var recent: [[StageReport]] = []

  package init() {}

  /// Takes in the reports of one more token.
  package mutating func observe(_ reports: [StageReport]) {
    recent.append(reports)
    if recent.count > Self.window { recent.removeFirst(recent.count - Self.window) }
  }

  /// Why the knob `id` has no effect, such as "off" or "min-p already cut to 7"; nil where it has.
  package func reason(for id: String, settings: SamplerSettings) -> String? {
    guard let (knob, stage) = SamplerSettings.knobs.first(where: { $0.knob.id == id }) else {
      return nil
    }
    if !settings.order.contains(stage) { return "\(stage.title) is not in the order" }
    if settings.isGreedy, stage != .temperature, !stage.editsLogits {
      return "temperature 0: greedy"
    }
    if settings.isGreedy, stage == .temperature, id != "temp" { return "temperature 0: greedy" }
    if settings.usesMirostat, stage.cuts { return "mirostat replaces it" }
    if knob.isOff(in: settings) { return "off" }
    if let master = Self.idleMaster(of: id, settings: settings) { return master }
    return idleness(of: stage, settings: settings)
  }

  /// The reasons of all knobs that have none but an idle effect, by id.
  package func reasons(settings: SamplerSettings) -> [String: String] {
    var reasons: [String: String] = [:]
    for (knob, _) in SamplerSettings.knobs {
      reasons[knob.id] = reason(for: knob.id, settings: settings)
    }
    return reasons
  }

  /// A knob that only shapes what another one does is idle where that one is off.
  private static func idleMaster(of id: String, settings: SamplerSettings) -> String? {
    switch id {
    case "window":
      var unlimited = settings
      unlimited.penaltyWindow = 1
      return unlimited.isOn(.penalties) ? nil : "no penalty is on"
    case "repeat", "presence", "frequency":
      return settings.penaltyWindow > 0 ? nil : "window is 0"
    case "dry-base", "dry-len", "dry-window": return settings.isOn(.dry) ? nil : "dry is off"
    case "xtc-min": return settings.xtcProbability > 0 ? nil : "xtc is off"
    case "dyn-exp": return settings.dynamicTemperatureRange > 0 ? nil : "dyn-range is off"
    case "tau", "eta": return settings.usesMirostat ? nil : "mirostat is off"
    default: return nil
    }
  }

  /// Why the stage did nothing in the window, nil where it did something or too little was seen.
  private func idleness(of stage: SamplerStage, settings: SamplerSettings) -> String? {
    // The best token is always taken by temperature 0, even where it was the only one.
    if stage == .temperature, settings.isGreedy { return nil }
    let places = recent.compactMap { reports in
      reports.firstIndex { $0.stage == stage }.map { (reports: reports, place: $0) }
    }
    guard places.count >= Self.leastObserved, let last = places.last else { return nil }
    if places.allSatisfy({ !$0.reports[$0.place].changed }) {
      return Self.reason(idle: last.reports, at: last.place)
    }
    guard stage == .topK || stage == .topP else { return nil }
    if places.allSatisfy({ Self.supersedes($0.reports, after: $0.place) }),
      let cut = last.reports.last(where: { $0.stage == .minP })
    {
      return "min-p already cut to \(cut.candidatesOut)"
    }
    return nil
  }

  private static func reason(idle reports: [StageReport], at place: Int) -> String {
    let report = reports[place]
    switch report.stage {
    case .penalties, .dry: return "nothing repeated"
    case .xtc: return "found nothing to remove"
    case .temperature: return report.candidatesIn == 1 ? "one candidate left" : "1 changes nothing"
    default:
      guard let cut = reports[..<place].last(where: { $0.candidatesOut < $0.candidatesIn }) else {
        return "cut nothing"
      }
      return "\(cut.stage.title) already cut to \(report.candidatesIn)"
    }
  }

  /// Whether a later min-p made this token's cut at `place` count for nothing.
  ///
  /// Top-k, top-p and min-p each keep a number of the best tokens, and what min-p keeps depends on the best one alone.
  /// So where min-p cut below the others, they might as well not have run.
  private static func supersedes(_ reports: [StageReport], after place: Int) -> Bool {
    guard reports[place].changed else { return true }
    for report in reports[(place + 1)...] {
      switch report.stage {
      case .topK, .topP: continue
      case .minP: return report.candidatesOut < report.candidatesIn
      default: return false
      }
    }
    return false
  }
}
