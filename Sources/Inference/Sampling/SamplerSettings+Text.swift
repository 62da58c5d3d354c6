extension SamplerSettings {
  /// Sets one value from a line such as `temp=0.9`, `order=penalties,top-k,temp` or `bias=42:+1.5`.
  ///
  /// - Throws: `invalidRequest`, with the way out in the message; nothing is then changed.
  package mutating func set(_ assignment: String) throws(InferenceError) {
    guard let equals = assignment.firstIndex(of: "=") else {
      throw InferenceError(.invalidRequest, "\(assignment): write it as name=value, as in temp=0.9")
    }
    let id = Self.trimmed(assignment[..<equals])
    try set(id, to: Self.trimmed(assignment[assignment.index(after: equals)...]))
  }

  /// Sets one value by its name: a knob's, `seed`, `order` or `bias`.
  ///
  /// A knob also takes `off` and `default`. An order is names of stages or their knobs, separated by commas; stages
  /// left out do not run. A bias is `ID:AMOUNT` pairs separated by commas, where `-inf` bans a token, and replaces the
  /// one before; `off` clears it.
  ///
  /// - Throws: `invalidRequest` for an unknown name, a value that is none, or one out of range.
  package mutating func set(_ id: String, to text: String) throws(InferenceError) {
    let name = Self.plain(id)
    switch name {
    case "seed":
      guard let seed = UInt64(text) else {
        throw InferenceError(
          .invalidRequest, "seed \(text): a whole number from 0 to \(UInt64.max) is wanted")
      }
      self.seed = seed
    case "order": order = try Self.parseOrder(text)
    case "bias", "logitbias": logitBias = try Self.parseBias(text)
    default:
      guard let knob = Self.knobs.first(where: { Self.plain($0.knob.id) == name })?.knob else {
        let names = Self.knobs.map(\.knob.id) + ["seed", "order", "bias"]
        throw InferenceError(
          .invalidRequest, "no setting is called \(id); there are \(names.joined(separator: ", "))")
      }
      knob.set(try Self.parse(text, for: knob), in: &self)
    }
  }

  private static func parse(
    _ text: String, for knob: Knob<SamplerSettings>
  ) throws(InferenceError) -> Double {
    switch text.lowercased() {
    case "default": return knob.defaultValue
    case "off":
      guard let off = knob.offValue else {
        throw InferenceError(.invalidRequest, "\(knob.id) cannot be off; give it a number")
      }
      return off
    default: break
    }
    guard let value = Double(text), value.isFinite else {
      throw InferenceError(.invalidRequest, "\(knob.id) \(text): a number is wanted")
    }
    if knob.decimals == 0, value != value.rounded() {
      throw InferenceError(.invalidRequest, "\(knob.id) \(text): a whole number is wanted")
    }
    guard knob.range.contains(value) || value == knob.offValue else {
      let low = Decimals.plain(knob.range.lowerBound, knob.decimals)
      let high = Decimals.plain(knob.range.upperBound, knob.decimals)
      throw InferenceError(
        .invalidRequest, "\(knob.id) \(text): the range is \(low) to \(high)")
    }
    return value
  }

  private static func parseOrder(_ text: String) throws(InferenceError) -> [SamplerStage] {
    if text.lowercased() == "default" { return SamplerStage.defaultOrder }
    var stages: [SamplerStage] = []
    for part in text.split(separator: ",") {
      let name = plain(trimmed(part))
      let stage =
        SamplerStage.allCases.first { plain($0.rawValue) == name || plain($0.title) == name }
        ?? knobs.first { plain($0.knob.id) == name }?.stage
      guard let stage else {
        let names = SamplerStage.defaultOrder.map(\.title).joined(separator: ",")
        throw InferenceError(
          .invalidRequest, "no stage is called \(trimmed(part)); the stages are \(names)")
      }
      guard !stages.contains(stage) else {
        throw InferenceError(.invalidRequest, "order \(text): \(stage.title) is named twice")
      }
      stages.append(stage)
    }
    guard !stages.isEmpty else {
      throw InferenceError(.invalidRequest, "the order names no stage; `default` restores it")
    }
    return stages
  }

  private static func parseBias(_ text: String) throws(InferenceError) -> [TokenID: Float] {
    if ["", "off", "none", "default"].contains(text.lowercased()) { return [:] }
    var bias: [TokenID: Float] = [:]
    for part in text.split(separator: ",") {
      let pair = part.split(separator: ":", maxSplits: 1).map(trimmed)
      guard pair.count == 2, let token = TokenID(pair[0]), token >= 0, let amount = Float(pair[1]),
        !amount.isNaN
      else {
        throw InferenceError(
          .invalidRequest, "bias \(trimmed(part)): write it as TOKEN:AMOUNT, as in 42:+1.5")
      }
      bias[token] = min(max(amount, ban), -ban)
    }
    return bias
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }

  /// Names compare without regard to case, hyphens and underscores.
  private static func plain(_ name: String) -> String {
    name.lowercased().filter { $0 != "-" && $0 != "_" && $0 != " " }
  }
}

extension SamplerSettings {
  /// One line of what is not off, such as `T .80 k40 p.95 m.05 seed 42`.
  package var summary: String {
    var parts: [String] = []
    let stages = activeStages
    for stage in SamplerStage.defaultOrder where stages.contains(stage) {
      // Temperature leads the line, whatever the order.
      if stage == .temperature {
        parts.insert(text(of: stage), at: 0)
      } else {
        parts.append(text(of: stage))
      }
    }
    if !isGreedy { parts.append("seed \(seed)") }
    if order != SamplerStage.defaultOrder {
      parts.append("order " + order.map(\.title).joined(separator: ">"))
    }
    return parts.joined(separator: " ")
  }

  /// What the summary says of a stage that runs.
  private func text(of stage: SamplerStage) -> String {
    func number(_ value: Double) -> String { Decimals.short(value, 2) }
    switch stage {
    case .temperature:
      if isGreedy { return "greedy" }
      let range = dynamicTemperatureRange > 0 ? "+-" + number(dynamicTemperatureRange) : ""
      return "T " + number(temperature) + range
    case .topK: return "k\(topK)"
    case .topP: return "p" + number(topP)
    case .minP: return "m" + number(minP)
    case .typical: return "typ" + number(typicalP)
    case .topNSigma: return "sigma" + number(topNSigma)
    case .penalties:
      var parts: [String] = []
      if repetitionPenalty != 1 { parts.append("rep" + number(repetitionPenalty)) }
      if presencePenalty != 0 { parts.append("pres" + number(presencePenalty)) }
      if frequencyPenalty != 0 { parts.append("freq" + number(frequencyPenalty)) }
      return parts.joined(separator: " ")
    case .dry: return "dry" + number(dryMultiplier)
    case .xtc: return "xtc" + number(xtcProbability)
    case .mirostat: return "miro" + number(mirostatTau)
    case .logitBias: return "bias\(logitBias.count)"
    }
  }
}

/// Numbers as short text.
package enum Decimals {
  /// Exactly `decimals` decimals, without a leading zero: `.80`, `1.05`, `40`.
  package static func short(_ value: Double, _ decimals: Int) -> String {
    let text = fixed(value, decimals)
    if text.hasPrefix("0.") { return String(text.dropFirst()) }
    if text.hasPrefix("-0.") { return "-" + text.dropFirst(2) }
    return text
  }

  /// At most `decimals` decimals, without zeros at the end: `0.05`, `2`.
  package static func plain(_ value: Double, _ decimals: Int) -> String {
    var text = fixed(value, decimals)
    guard text.contains(".") else { return text }
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }

  /// Exactly `decimals` decimals.
  package static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<max(0, decimals) { scale *= 10 }
    let scaled = Int((abs(value) * scale).rounded())
    let whole = scaled / Int(scale)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard decimals > 0 else { return sign + "\(whole)" }
    let rest = String(scaled % Int(scale))
    return sign + "\(whole)." + String(repeating: "0", count: decimals - rest.count) + rest
  }
}
