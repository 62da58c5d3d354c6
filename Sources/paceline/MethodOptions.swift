import ArgumentParser
import Inference
import Methods

/// The methods that an answer is made with.
struct MethodOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A method that `methods` lists, such as lookahead-trie or prompt-lookup:length=8; more are joined with +, or given one by one.",
      valueName: "id[:knob=n,...]"),
    completion: .list(MethodCatalog.all.map(\.card.id)))
  var method: [String] = []

  @Flag(
    name: .customLong("no-governor"),
    help: "Draft as much as the method's knobs say, even where it does not pay.")
  var isUngoverned = false

  /// - Throws: `invalidRequest` for methods that do not exist or do not go together.
  func selection() throws(InferenceError) -> MethodSelection {
    var selection = MethodSelection(isGoverned: !isUngoverned)
    for text in method {
      selection.choices += try MethodSelection(spelled: text, isGoverned: !isUngoverned).choices
    }
    _ = try MethodCatalog.all.make(selection)
    return selection
  }
}

extension MethodSelection {
  /// Reads methods joined by `+`; `baseline` is plain decoding.
  ///
  /// - Throws: as `MethodOptions.selection`.
  init(spelled text: String, isGoverned: Bool) throws(InferenceError) {
    self.init(isGoverned: isGoverned)
    guard text != "baseline" else { return }
    for part in text.split(separator: "+", omittingEmptySubsequences: false) {
      choices.append(try MethodCatalog.all.choice(String(part)))
    }
    _ = try MethodCatalog.all.make(self)
  }
}
