import Inference
import Playground
import Terminal
import Testing

/// The command table and what is drawn from it.
@Suite struct CommandTableTests {
  @Test(arguments: [
    ("hel", ["help"]), ("modle", ["model"]), ("nwe", ["new"]), ("exit", ["quit"]),
    ("nonsense", []),
  ])
  func aSlipIsFoundAndNothingElseIsProposed(typed: String, names: [String]) {
    #expect(Commands.near(typed) == names)
  }

  @Test func textThatACommandDoesNotTakeIsRefused() {
    var stage = Stage()
    stage.press("/raw zzz<enter>")
    #expect(!stage.state.chat.isRaw)
    #expect(stage.state.notice?.text.contains("'zzz'") == true)
  }

  @Test func aSessionOpensByItsNameAndAModelToo() {
    var stage = Stage()
    stage.press("/resume 2026-03<enter>")
    #expect(
      stage.effects.contains { if case .openSession("2026-03") = $0 { true } else { false } })
    stage.state.findModel = {
      $0 == "tiny" ? .success("/m/tiny.gguf") : .failure(.init(.modelFile, "no \($0)"))
    }
    stage.press("/model large<enter>")
    #expect(stage.state.notice?.text == "no large")
    stage.press("/model tiny<enter>")
    guard case .loading("/m/tiny.gguf", _) = stage.state.model else {
      Issue.record("\(stage.state.model)")
      return
    }
  }

  @Test func namesAreUnique() {
    let names = Commands.all.map(\.name)
    #expect(Set(names).count == names.count)
  }

  @Test func noKeyMeansTwoCommandsInOneScope() {
    var seen: [Command.Binding: String] = [:]
    for command in Commands.all {
      for binding in command.bindings {
        #expect(seen[binding] == nil, "\(binding.key.name) in \(binding.scope): \(command.name)")
        seen[binding] = command.name
      }
    }
  }

  @Test func knobNamesAreNoCommands() {
    for item in KnobItem.all { #expect(Commands.named(item.id) == nil, "\(item.id)") }
  }

  @Test func anywhereKeysAreFreeInReadline() {
    // What readline 8.2 binds by default must stay the prompt's, but for what the map names.
    let taken = [
      "M-n", "M-p", "M-?", "C-g", "C-o", "C-]", "C-s", "C-q", "C-a", "C-e", "C-k", "C-w", "C-y",
    ]
    for command in Commands.all where command.scope == .anywhere {
      for binding in command.bindings where binding.scope == .anywhere {
        #expect(!taken.contains(binding.key.name), "\(command.name)")
      }
    }
  }

  @Test func everyCommandIsFoundByItsNameInHelpAndPalette() {
    for command in Commands.all {
      #expect(Commands.matching(command.name).contains { $0.name == command.name })
      var stage = Stage(100, 30)
      stage.press("<F2>" + command.name)
      #expect(stage.screen().contains(command.name), "\(command.name)")
    }
  }

  @Test func everyCommandIsReachedByScrollingHelp() {
    var stage = Stage(80, 24)
    stage.press("<F1>")
    var unseen = Set(Commands.all.map(\.name))
    for _ in Commands.all {
      for line in stage.screen().split(separator: "\n") {
        for word in line.split(separator: " ") { unseen.remove(String(word)) }
      }
      stage.press("<down>")
    }
    #expect(unseen.isEmpty)
  }

  @Test func helpCutsNothingAt80By24() {
    var stage = Stage(80, 24)
    stage.press("<F1>")
    for _ in Commands.all {
      #expect(!stage.screen().contains("~"))
      stage.press("<down>")
    }
  }

  @Test func helpRunsTheChosenCommand() {
    var stage = Stage()
    stage.press("<F1>zoom<enter>")
    #expect(stage.state.isZoomed)
    #expect(stage.state.overlays.isEmpty)
  }

  @Test func thePaletteTakesArguments() {
    var stage = Stage()
    stage.press("<esc>:set top-k 7<enter>")
    #expect(stage.state.settings.topK == 7)
    stage.press(":temp 0.5<enter>")
    #expect(stage.state.settings.temperature == 0.5)
  }

  @Test func aDisabledCommandSaysWhyAndDoesNothing() {
    var stage = Stage()
    stage.press("<esc>r")
    #expect(stage.effects.requests.isEmpty)
    #expect(stage.state.notice?.text == "regenerate: there is no message yet")
  }

  @Test func hintsNameOnlyKeysThatWork() throws {
    for mode in ["", "<esc>"] {
      for pane in PaneID.allCases {
        var stage = Stage(200, 60)
        stage.press("<M-\(pane.rawValue)>i" + mode)
        let line = try #require(
          stage.screen().split(separator: "\n", omittingEmptySubsequences: false).dropLast().last)
        #expect(line.contains(mode.isEmpty ? "Enter send" : "i type"))
        #expect(!line.contains("~"))
      }
    }
  }

  @Test func completionOffersCommands() {
    #expect(Commands.completions(of: "reg") == ["regenerate"])
  }
}
