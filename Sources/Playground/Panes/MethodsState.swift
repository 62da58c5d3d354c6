import Inference
import Runtime

/// The methods pane: what can be switched on, what is, and what was measured of it in this session.
package struct MethodsState: Sendable {
  /// The catalogue, in the order it is listed.
  package var entries: [MethodEntry] = []
  package var setup = Setup()
  /// The row that keys act on.
  package var cursor = MethodRow.method(0)
  /// What races and answers told of a selection, the latest last.
  package var figures: [MethodFigures] = []
  /// What the last race was about; shown by the race screen.
  package var race: RaceState?

  package init(entries: [MethodEntry] = []) { self.entries = entries }

  /// What a person chose: a value that undo can bring back.
  package struct Setup: Sendable, Equatable {
    /// Methods that are on, in the order they were switched on.
    package var on: [String] = []
    /// Methods whose knobs were turned, on or off.
    package var choices: [String: MethodChoice] = [:]
    package var isGoverned = true

    package init() {}

    package func choice(_ id: String) -> MethodChoice { choices[id] ?? MethodChoice(id) }

    /// What the next answer is made with.
    package var selection: MethodSelection {
      MethodSelection(on.map(choice), isGoverned: isGoverned)
    }
  }

  package var selection: MethodSelection { setup.selection }

  /// Takes up a selection, such as the one of a resumed session, as far as its methods are known.
  package mutating func take(_ selection: MethodSelection) {
    let known = selection.choices.filter { choice in
      entries.contains { $0.card.id == choice.id }
    }
    setup.on = known.map(\.id)
    for choice in known { setup.choices[choice.id] = choice }
    setup.isGoverned = selection.isGoverned
  }

  // MARK: Rows

  /// The rows shown: methods, the knobs of the one at the cursor, and the governor.
  package var rows: [MethodRow] {
    entries.indices.flatMap { index -> [MethodRow] in
      let knobs = index == cursor.method ? entries[index].knobs.indices.map { $0 } : []
      return [.method(index)] + knobs.map { .knob(method: index, knob: $0) }
    } + (entries.isEmpty ? [] : [.governor])
  }

  package var cursorRow: Int { rows.firstIndex(of: cursor) ?? 0 }

  /// The method that the cursor is at, or at a knob of.
  package var selected: MethodEntry? {
    cursor.method.flatMap { entries.indices.contains($0) ? entries[$0] : nil }
  }

  /// The knob that the cursor is at.
  package var selectedKnob: (entry: MethodEntry, knob: Knob<MethodChoice>)? {
    guard case .knob(_, let index) = cursor, let entry = selected,
      entry.knobs.indices.contains(index)
    else { return nil }
    return (entry, entry.knobs[index])
  }

  package func isOn(_ entry: MethodEntry) -> Bool { setup.on.contains(entry.card.id) }

  /// The method as it would run by itself now.
  package func alone(_ entry: MethodEntry) -> MethodSelection {
    MethodSelection([setup.choice(entry.card.id)], isGoverned: setup.isGoverned)
  }

  // MARK: Figures

  /// What was measured of a method, or of all that are on where it is one of them.
  ///
  /// - Returns: figures of exactly these knobs where there are some, else the latest of other knobs.
  package func figures(of entry: MethodEntry) -> MethodFigures? {
    let alone = alone(entry)
    let exact = isOn(entry) ? [selection, alone] : [alone]
    for selection in exact {
      if let found = figures.last(where: { $0.selection == selection }) { return found }
    }
    return figures.last { $0.selection.choices.map(\.id) == [entry.card.id] }
  }

  /// Whether figures were measured with the knobs as they stand.
  package func isPresent(_ figures: MethodFigures, for entry: MethodEntry) -> Bool {
    figures.selection == alone(entry) || figures.selection == selection
  }

  package mutating func note(_ selection: MethodSelection, _ change: (inout MethodFigures) -> Void)
  {
    guard !selection.isPlain else { return }
    let old = figures.firstIndex { $0.selection == selection }
    var entry = old.map { figures.remove(at: $0) } ?? MethodFigures(selection: selection)
    change(&entry)
    figures.append(entry)
    if figures.count > 100 { figures.removeFirst() }
  }

  /// Measures of one model say nothing of the next.
  package mutating func forgetFigures() {
    figures = []
    race = nil
  }
}

/// A row of the methods pane.
package enum MethodRow: Sendable, Hashable {
  case method(Int)
  case knob(method: Int, knob: Int)
  case governor

  package var method: Int? {
    switch self {
    case .method(let index), .knob(let index, _): index
    case .governor: nil
    }
  }
}

/// What was measured of a selection of methods on this machine since the model was loaded.
package struct MethodFigures: Sendable, Equatable {
  package var selection: MethodSelection
  /// Times as fast as plain decoding: the median of a race.
  package var ratio: Double?
  /// The smallest and the largest of the repeats of a race in solo mode.
  package var spread: ClosedRange<Double>?
  package var repeats = 0
  package var tokensPerPass: Double?
  /// Share of the drafted tokens that were accepted.
  package var acceptance: Double?
  package var extraBytes: Int?
  /// Whether the tokens were those of plain decoding.
  package var isIdentical: Bool?

  package init(selection: MethodSelection) { self.selection = selection }

  /// Takes in a race against plain decoding; a race by turns does not replace what solo mode measured.
  package mutating func take(_ result: RaceResult, repeats: Int) {
    guard let lane = result.lanes.first, let ratio = result.ratio else { return }
    guard repeats > 1 || self.repeats <= 1 else { return }
    self.ratio = ratio
    self.repeats = repeats
    if repeats > 1, let low = result.ratios.min(), let high = result.ratios.max() {
      spread = low...high
    }
    tokensPerPass = lane.tokensPerPass
    acceptance = lane.drafted > 0 ? Double(lane.accepted) / Double(lane.drafted) : nil
    extraBytes = lane.extraBytes
    isIdentical = result.isIdentical
  }
}

extension MethodSelection {
  /// What is on in few columns: `+lookahead-trie`; empty for plain decoding.
  package var badge: String {
    guard !isPlain else { return "" }
    return choices.map { "+" + $0.id }.joined(separator: " ") + (isGoverned ? "" : " ungoverned")
  }

  /// The same by the last word of each name: `+trie`.
  package var shortBadge: String {
    if choices.count > 2 { return "+\(choices.count) methods" }
    return choices.map { choice in
      "+" + (choice.id.split(separator: "-").last.map(String.init) ?? choice.id)
    }.joined(separator: " ")
  }

  /// Names alone, without knobs: what a line of text can hold.
  package var names: String {
    isPlain ? "baseline" : choices.map(\.id).joined(separator: " + ")
  }
}
