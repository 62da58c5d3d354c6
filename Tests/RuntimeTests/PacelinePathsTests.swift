import Inference
import Runtime
import Testing

@Suite struct PacelinePathsTests {
  func paths(_ environment: [String: String]) throws -> PacelinePaths {
    try PacelinePaths(environment: { environment[$0] })
  }

  @Test func withoutVariablesTheyLieBelowHome() throws {
    let paths = try paths(["HOME": "/home/ada"])
    #expect(paths.config == "/home/ada/.config/paceline")
    #expect(paths.sessions == "/home/ada/.local/share/paceline/sessions")
    #expect(paths.history == "/home/ada/.local/state/paceline/history")
    #expect(paths.cache == "/home/ada/.cache/paceline")
    #expect(paths.models == "/home/ada/.cache/paceline-models")
  }

  @Test(arguments: ["", "relative/path", "./x", "~/x"])
  func relativeValuesAreIgnored(value: String) throws {
    let plain = try paths(["HOME": "/home/ada"])
    let variables = [
      "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "PACELINE_HOME",
      "PACELINE_MODELS",
    ]
    for variable in variables {
      #expect(try paths(["HOME": "/home/ada", variable: value]) == plain)
    }
  }

  @Test func eachVariableMovesItsOwnFolder() throws {
    let moved = try paths([
      "HOME": "/home/ada", "XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d/", "XDG_STATE_HOME": "/s",
      "XDG_CACHE_HOME": "/k",
    ])
    #expect(moved.config == "/c/paceline")
    #expect(moved.data == "/d/paceline")
    #expect(moved.state == "/s/paceline")
    #expect(moved.cache == "/k/paceline")
    #expect(moved.models == "/k/paceline-models")
  }

  @Test func ownHomeOverridesTheRest() throws {
    let paths = try paths(["PACELINE_HOME": "/p", "XDG_DATA_HOME": "/d"])
    #expect(paths.all.allSatisfy { $0.path.hasPrefix("/p/") })
  }

  @Test func modelsMayLieElsewhere() throws {
    #expect(try paths(["PACELINE_HOME": "/p", "PACELINE_MODELS": "/big"]).models == "/big")
    #expect(try paths(["HOME": "/h", "PACELINE_MODELS": "/big"]).models == "/big")
  }

  @Test func withNothingSetTheWayOutIsNamed() {
    #expect(throws: InferenceError.self) { try paths([:]) }
    do {
      _ = try paths(["XDG_CONFIG_HOME": "/c"])
    } catch {
      #expect("\(error)".contains("PACELINE_HOME"))
    }
  }
}
