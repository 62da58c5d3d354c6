import Foundation
import Testing

/// Help is quick, narrow and free of side effects.
struct HelpTests {
  static let commands: [[String]] = [
    [], ["play"], ["ask"], ["models"], ["models", "list"], ["models", "get"], ["models", "info"],
    ["models", "verify"], ["tokenize"], ["draw"], ["perplexity"], ["bench"], ["replay"], ["doctor"],
    ["paths"],
    ["completion"],
  ]

  @Test(arguments: commands)
  func helpFitsEightyColumns(command: [String]) throws {
    let result = try Program().run(command + ["--help"])
    #expect(result.status == 0)
    #expect(result.errors == "")
    #expect(result.output.contains("USAGE: paceline"))
    let wide = result.output.split(separator: "\n").filter { $0.count > 80 }
    #expect(wide == [])
  }

  @Test(arguments: ["--help", "-h", "--version", "help"])
  func helpTouchesNoModelAndWritesNoFile(flag: String) throws {
    let scratch = try Scratch()
    let program = Program(environment: [
      "HOME": scratch.folder, "PACELINE_ASSETS": "/nowhere", "PACELINE_MODELS": "/nowhere",
    ])
    let result = try program.run([flag])
    #expect(result.status == 0)
    #expect(result.errors == "")
    #expect(!result.output.isEmpty)
    #expect(scratch.contents == [])
  }

  @Test func helpOfACommandIsTheSameBothWays() throws {
    let first = try Program().run(["help", "bench"])
    let second = try Program().run(["bench", "--help"])
    #expect(first.status == 0)
    #expect(first.output == second.output)
  }

  @Test func versionIsOneLine() throws {
    let result = try Program().run(["--version"])
    #expect(result.output.wholeMatch(of: /[0-9]+\.[0-9]+\.[0-9]+\n/) != nil)
  }

  @Test func pathsFollowTheXDGVariables() throws {
    let program = Program(environment: [
      "HOME": "/h", "XDG_DATA_HOME": "/d", "XDG_CACHE_HOME": "/c", "XDG_STATE_HOME": "relative",
    ])
    let result = try program.run(["paths"])
    #expect(result.status == 0)
    let lines = Dictionary(
      uniqueKeysWithValues: result.output.split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ", maxSplits: 1)
        return words.count == 2
          ? (String(words[0]), words[1].trimmingCharacters(in: .whitespaces)) : nil
      })
    #expect(lines["config"] == "/h/.config/paceline")
    #expect(lines["sessions"] == "/d/paceline/sessions")
    #expect(lines["models"] == "/c/paceline-models")
    #expect(lines["state"] == "/h/.local/state/paceline")
    #expect(lines["assets"] == Program.root + "/assets")
  }

  @Test func doctorTellsProcessorAndTerminal() throws {
    let result = try Program(environment: ["TERM": "dumb"]).run(["doctor", "--quick"])
    #expect(result.status == 0)
    for topic in ["processor", "kernels", "threads", "memory", "model folder"] {
      #expect(result.output.contains("\n\(topic)"), "\(topic)")
    }
    #expect(result.output.contains("dumb: TERM is dumb, so line mode is used"))
  }
}
