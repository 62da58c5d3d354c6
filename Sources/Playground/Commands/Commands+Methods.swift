import Runtime
import Terminal

extension Commands {
  static let methods: [Command] = [
    Command(
      "method-on-off", "<space>", in: .methods, "switch the method on or off", hint: ("on/off", 1),
      unless: noMethods
    ) { state, _ in state.toggleMethod() },
    Command(
      "race", "r", in: .methods, "race it against the baseline", argument: "TEXT",
      hint: ("race", 2), unless: cannotRace
    ) { state, argument in state.race(argument) },
    Command(
      "race-on", "R", in: .methods, "race it against what is switched on",
      hint: ("race what is on", 6), unless: cannotRace
    ) { state, _ in state.raceAgainstPresent() },
    Command(
      "race-show", "v", in: .methods, "show the last race", hint: ("last race", 7), unless: noRace
    ) { state, _ in state.showRace() },
    Command("method-lower", "h <left>", in: .methods, "its knob a step down", hint: ("step", 3)) {
      state, _ in state.moveMethodKnob(by: -1)
    },
    Command("method-raise", "l <right>", in: .methods, "its knob a step up", hint: ("step", 3)) {
      state, _ in state.moveMethodKnob(by: 1)
    },
    Command("method-lower-much", "H", in: .methods, "its knob a big step down") { state, _ in
      state.moveMethodKnob(by: -1, large: true)
    },
    Command("method-raise-much", "L", in: .methods, "its knob a big step up") { state, _ in
      state.moveMethodKnob(by: 1, large: true)
    },
    Command("method-exact", "<enter>", in: .methods, "type an exact value", hint: ("exact", 4)) {
      state, _ in state.askForMethodValue()
    },
    Command(
      "method-default", "d", in: .methods, "its knob back to the default", hint: ("default", 5)
    ) {
      state, _ in state.resetMethodKnob()
    },
    Command(
      "method", in: .methods, "switch a method on, or all off",
      argument: "NAME[:KNOB=N] | off", unless: noMethods
    ) { state, argument in state.chooseMethod(argument) },
    Command("governor", in: .methods, "let drafts be as long as pays, or not") { state, _ in
      state.toggleGovernor()
    },
  ]

  static let race: [Command] = [
    Command(
      "race-solo", "s", in: .race, "again, each lane alone, 3 times: kept", hint: ("solo x3", 1),
      unless: { cannotRaceAgain($0) }
    ) { state, _ in state.raceSolo() },
    Command(
      "race-export", "e", in: .race, "write the result to a file of JSON", hint: ("export", 3),
      unless: { $0.methods.race?.result == nil ? "there is no result yet" : nil }
    ) { state, _ in state.exportRace() },
    Command(
      "race-parting", "d", in: .race, "show where the texts part", hint: ("difference", 2),
      unless: noRace
    ) { state, _ in state.showParting() },
    Command("race-close", "<esc> q", in: .race, "close the race screen", hint: ("close", 4)) {
      state, _ in state.closeRace()
    },
  ]

  private static let noMethods: @Sendable (PlaygroundState) -> String? = { state in
    state.methods.entries.isEmpty ? "this program was built without methods" : nil
  }

  private static let noRace: @Sendable (PlaygroundState) -> String? = { state in
    state.methods.race == nil ? "no race was run yet: r starts one" : nil
  }

  private static let cannotRace: @Sendable (PlaygroundState) -> String? = { state in
    if let reason = noMethods(state) { return reason }
    if state.running != nil { return "an answer is being made: C-c stops it" }
    return state.model.summary == nil ? "no model is loaded" : nil
  }

  private static let cannotRaceAgain: @Sendable (PlaygroundState) -> String? = { state in
    noRace(state) ?? busy(state) ?? cannotRace(state)
  }
}
