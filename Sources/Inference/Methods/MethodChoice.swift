/// A method that is switched on, with those of its knobs that are not at their default: what panes, flags, sessions and
/// races pass around.
package struct MethodChoice: Sendable, Equatable, Hashable, Codable {
  package var id: String
  package var values: [String: Double]

  package init(_ id: String, values: [String: Double] = [:]) {
    self.id = id
    self.values = values
  }

  /// As on a command line: `lookahead-trie:nodes=8,branch=6`.
  package var text: String {
    let values = values.sorted { $0.key < $1.key }.map {
      "\($0.key)=\(Decimals.plain($0.value, 4))"
    }
    return values.isEmpty ? id : "\(id):\(values.joined(separator: ","))"
  }
}

/// The methods that an answer is made with.
package struct MethodSelection: Sendable, Equatable, Hashable, Codable {
  package var choices: [MethodChoice]
  /// Whether the governor chooses how much is drafted, and none where none pays.
  package var isGoverned: Bool

  package init(_ choices: [MethodChoice] = [], isGoverned: Bool = true) {
    self.choices = choices
    self.isGoverned = isGoverned
  }

  /// Plain decoding.
  package static let none = MethodSelection()

  package var isPlain: Bool { choices.isEmpty }

  /// Such as `lookahead-trie + streamed-weights`; `baseline` for plain decoding.
  package var title: String {
    guard !choices.isEmpty else { return "baseline" }
    return choices.map(\.text).joined(separator: " + ") + (isGoverned ? "" : " (ungoverned)")
  }
}

/// A method as the catalogue lists it, whatever its type.
package struct MethodEntry: Sendable {
  package let card: MethodCard
  /// Its knobs, told of a choice's values.
  package let knobs: [Knob<MethodChoice>]
  /// Of a method of painting: the painter that it is raced against, and changes where it does not paint itself.
  package let baseline: String?
  private let build: @Sendable (MethodChoice) -> any Method

  package init<Kind: Method>(_ type: Kind.Type) {
    card = Kind.card
    knobs = Kind.knobs.map { Knob($0) }
    baseline = (Kind.self as? any PaintingMethod.Type)?.baseline
    build = { choice in
      var method = Kind()
      for knob in Kind.knobs {
        if let value = choice.values[knob.id] { knob.set(value, in: &method) }
      }
      return method
    }
  }

  /// - Throws: `invalidRequest` for a value that no knob has, or one out of its range.
  package func make(_ choice: MethodChoice) throws(InferenceError) -> any Method {
    for (id, value) in choice.values {
      guard let knob = knobs.first(where: { $0.id == id }) else {
        let names = knobs.map(\.id).joined(separator: ", ")
        throw InferenceError(
          .invalidRequest,
          "\(card.id) has no knob called \(id); it has \(names.isEmpty ? "none" : names)")
      }
      guard knob.range.contains(value) || value == knob.offValue else {
        let low = Decimals.plain(knob.range.lowerBound, knob.decimals)
        let high = Decimals.plain(knob.range.upperBound, knob.decimals)
        throw InferenceError(
          .invalidRequest,
          "\(card.id): \(id) \(Decimals.plain(value, 4)) is out of range: it goes from \(low) to \(high)"
        )
      }
    }
    return build(choice)
  }
}

extension [MethodEntry] {
  /// What runs on any model comes first, and of that the exact ones.
  package var byReadiness: [MethodEntry] {
    let guarantees = Guarantee.allCases
    func rank(_ entry: MethodEntry) -> Int {
      (entry.card.needs.isEmpty ? 0 : guarantees.count)
        + (guarantees.firstIndex(of: entry.card.guarantee) ?? 0)
    }
    return sorted { (rank($0), $0.card.id) < (rank($1), $1.card.id) }
  }

  /// - Throws: `invalidRequest` where no method has that name.
  package func named(_ id: String) throws(InferenceError) -> MethodEntry {
    if let entry = first(where: { $0.card.id == id }) { return entry }
    throw InferenceError(
      .invalidRequest,
      "no method is called \(id); there are \(map(\.card.id).joined(separator: ", "))")
  }

  /// The methods of a selection, checked together.
  package func make(
    _ selection: MethodSelection
  ) throws(InferenceError) -> [any DecodingMethod] {
    var methods: [any DecodingMethod] = []
    for choice in selection.choices {
      guard let method = try named(choice.id).make(choice) as? any DecodingMethod else {
        throw InferenceError(.invalidRequest, "\(choice.id) writes no text")
      }
      methods.append(method)
    }
    try MethodCard.checkTogether(methods.map { type(of: $0).card })
    return methods
  }

  /// The methods that a picture is painted with, checked together.
  ///
  /// - Parameter standard: what paints where neither a painter was chosen nor a method that has a baseline.
  package func makePainting(
    _ choices: [MethodChoice], standard: String
  ) throws(InferenceError) -> [any PaintingMethod] {
    var methods: [any PaintingMethod] = []
    let chosen = try choices.map { (choice) throws(InferenceError) in try named(choice.id) }
    let paints = chosen.contains { $0.card.slots.contains(.painter) }
    let base = paints ? [] : [MethodChoice(chosen.lazy.compactMap(\.baseline).first ?? standard)]
    for choice in choices + base {
      guard let method = try named(choice.id).make(choice) as? any PaintingMethod else {
        throw InferenceError(.invalidRequest, "\(choice.id) paints no pictures")
      }
      methods.append(method)
    }
    try MethodCard.checkTogether(methods.map { type(of: $0).card })
    return methods
  }

  /// Reads a choice from text such as `lookahead-trie:nodes=8,branch=6`.
  ///
  /// - Throws: `invalidRequest` for an unknown method or knob, or a value out of range.
  package func choice(_ text: String) throws(InferenceError) -> MethodChoice {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    var choice = MethodChoice(String(parts.first ?? ""))
    for pair in parts.dropFirst().first?.split(separator: ",") ?? [] {
      let sides = pair.split(separator: "=", maxSplits: 1)
      guard sides.count == 2, let value = Double(sides[1]), value.isFinite else {
        throw InferenceError(
          .invalidRequest, "\(text): write a knob as name=number, as in \(choice.id):nodes=8")
      }
      guard choice.values.updateValue(value, forKey: String(sides[0])) == nil else {
        throw InferenceError(.invalidRequest, "\(text): \(sides[0]) is given twice")
      }
    }
    _ = try named(choice.id).make(choice)
    return choice
  }
}
