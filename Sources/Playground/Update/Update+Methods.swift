import Inference
import Runtime

extension PlaygroundState {
  /// Switches the method at the cursor, or the governor, on or off.
  mutating func toggleMethod() -> [Effect] {
    if methods.cursor == .governor { return toggleGovernor() }
    guard let entry = methods.selected else { return [] }
    return methods.isOn(entry) ? switchOff(entry.card.id) : switchOn(entry, with: nil)
  }

  /// Switches a method on, with knobs where some are given; a conflict is said and changes nothing.
  mutating func switchOn(_ entry: MethodEntry, with choice: MethodChoice?) -> [Effect] {
    let id = entry.card.id
    var setup = methods.setup
    if let choice { setup.choices[id] = choice }
    if !setup.on.contains(id) { setup.on.append(id) }
    let cards = setup.on.compactMap { on in
      methods.entries.first { $0.card.id == on }?.card
    }
    do throws(InferenceError) {
      try MethodCard.checkTogether(cards)
    } catch {
      return say(.warning, error.message)
    }
    return apply(setup) + say(.info, "\(setup.choice(id).text) on" + fromNextAnswer) + prepare(id)
  }

  /// Has the engine make ready what a method needs; one that lacks something is switched off again.
  mutating func prepare(_ id: String) -> [Effect] {
    guard model.summary != nil else { return [] }
    let ticket = ticket()
    inquiries[ticket] = .prepare(method: id)
    let selection = MethodSelection(
      [methods.setup.choice(id)], isGoverned: methods.setup.isGoverned)
    return [.submit(ticket: ticket, .prepare(selection))]
  }

  mutating func switchOff(_ id: String) -> [Effect] {
    var setup = methods.setup
    setup.on.removeAll { $0 == id }
    return apply(setup) + say(.info, "\(id) off" + fromNextAnswer)
  }

  mutating func toggleGovernor() -> [Effect] {
    var setup = methods.setup
    setup.isGoverned.toggle()
    let words =
      setup.isGoverned
      ? "governor on: it drafts as much as pays" : "governor off: as much as the method's knobs say"
    return apply(setup) + say(.info, words + fromNextAnswer)
  }

  private var fromNextAnswer: String { running == nil ? "" : ": from the next answer on" }

  /// Takes up a setup; it acts from the next answer on.
  mutating func apply(_ setup: MethodsState.Setup) -> [Effect] {
    guard setup != methods.setup else { return [] }
    undo.push(.methods(methods.setup))
    methods.setup = setup
    return []
  }

  /// `/method NAME[:knob=value,...]`, `/method NAME off`, `/method off`; without a word the pane is shown.
  mutating func chooseMethod(_ text: String) -> [Effect] {
    let words = text.split(separator: " ").map(String.init)
    guard let first = words.first else { return focusPane(.methods) }
    if first == "off" {
      var setup = methods.setup
      setup.on = []
      return apply(setup) + say(.info, "plain decoding" + fromNextAnswer)
    }
    do throws(InferenceError) {
      let choice = try methods.entries.choice(completed(first))
      let entry = try methods.entries.named(choice.id)
      if let index = methods.entries.firstIndex(where: { $0.card.id == choice.id }) {
        methods.cursor = .method(index)
      }
      if words.dropFirst().first == "off" { return switchOff(choice.id) }
      return switchOn(entry, with: first.contains(":") ? choice : nil)
    } catch {
      return say(.warning, error.message)
    }
  }

  /// A name in full where only one method's name holds it, knobs as they were written.
  private func completed(_ text: String) -> String {
    let name = text.prefix { $0 != ":" }
    let ids = methods.entries.map(\.card.id)
    let fitting = ids.filter { $0.contains(name) }
    guard !name.isEmpty, !ids.contains(String(name)), fitting.count == 1 else { return text }
    return fitting[0] + text.dropFirst(name.count)
  }

  // MARK: Knobs

  mutating func moveMethodKnob(by steps: Int, large: Bool = false) -> [Effect] {
    guard let (entry, knob) = methods.selectedKnob else { return pickAKnob() }
    var choice = methods.setup.choice(entry.card.id)
    knob.move(by: steps, large: large, in: &choice)
    // What is shown is what is meant: 0.85, not the sum of its steps.
    if let shown = Double(Self.number(knob.value(in: choice), decimals: knob.decimals)) {
      knob.set(shown, in: &choice)
    }
    return apply(choice)
  }

  mutating func resetMethodKnob() -> [Effect] {
    guard let (entry, knob) = methods.selectedKnob else { return pickAKnob() }
    var choice = methods.setup.choice(entry.card.id)
    knob.set(knob.defaultValue, in: &choice)
    return apply(choice)
  }

  mutating func askForMethodValue() -> [Effect] {
    guard let (entry, knob) = methods.selectedKnob else { return pickAKnob() }
    let value = Self.number(
      knob.value(in: methods.setup.choice(entry.card.id)), decimals: knob.decimals)
    overlays.append(
      .input(
        LineInput(
          purpose: .methodKnob(method: entry.card.id, knob: knob.id),
          label: "\(knob.id) \(Self.rangeText(of: knob)): ", editor: LineEditor(value))))
    return []
  }

  mutating func setMethodKnob(_ id: String, of method: String, to text: String) -> [Effect] {
    guard let entry = methods.entries.first(where: { $0.card.id == method }),
      let knob = entry.knobs.first(where: { $0.id == id })
    else { return [] }
    let text = text.filter { $0 != " " }
    guard let value = Double(text), value.isFinite else {
      return say(.warning, text.isEmpty ? "\(id) needs a value" : "\(id): '\(text)' is no number")
    }
    guard knob.range.contains(value) || value == knob.offValue else {
      return say(.warning, "\(knob.title) goes from \(Self.rangeText(of: knob, " to "))")
    }
    var choice = methods.setup.choice(method)
    choice.values[id] = value == knob.defaultValue ? nil : value
    return apply(choice)
  }

  static func rangeText(of knob: Knob<MethodChoice>, _ separator: String = "..") -> String {
    Decimals.plain(knob.range.lowerBound, knob.decimals) + separator
      + Decimals.plain(knob.range.upperBound, knob.decimals)
  }

  private mutating func apply(_ choice: MethodChoice) -> [Effect] {
    var setup = methods.setup
    setup.choices[choice.id] = choice
    let isLive = running != nil && setup.on.contains(choice.id)
    return apply(setup) + (isLive ? say(.info, "\(choice.text)" + fromNextAnswer) : [])
  }

  private mutating func pickAKnob() -> [Effect] {
    say(.info, methods.selected?.knobs.isEmpty == true ? "it has no knobs" : "j goes to its knobs")
  }
}
