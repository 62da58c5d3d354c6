import Foundation
import Testing

/// What a newcomer runs first.
struct EndToEndMakeTests {
  @Test(.enabled(if: hasMake, "needs make on the path"))
  func makeHelpListsTheTargets() throws {
    let result = try Program().shell("make -C '\(Program.root)' help")
    #expect(result.status == 0, "\(result.errors)")
    for target in ["run", "test", "build", "bench", "clean"] {
      #expect(result.output.contains("make \(target) "), "\(target)")
    }
  }

  private static let hasMake =
    (try? Program().shell("command -v make"))?.status == 0

  /// Runs `.ci/install` on a machine that has only the commands given and stand-ins that tell how they are called.
  private func install(
    _ purpose: String, commands: [String: String]
  ) throws -> Program.Result {
    let scratch = try Scratch()
    // Makes the folder.
    try scratch.write("", to: "bin/.keep")
    for (name, body) in commands {
      let path = try scratch.write("#!/bin/bash\n\(body)\n", to: "bin/" + name)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }
    for name in ["bash", "env"] {
      let found = try Program().shell("command -v \(name)").output.dropLast()
      try FileManager.default.createSymbolicLink(
        atPath: scratch.path("bin/" + name), withDestinationPath: String(found))
    }
    return try Program(environment: ["PATH": scratch.path("bin")])
      .shell("'\(Program.root)/.ci/install' \(purpose)")
  }

  private static let teller = "echo \"$(/usr/bin/basename \"$0\") $*\""

  @Test func missingPackagesAreNamedBeforeTheyAreInstalled() throws {
    let result = try install("test", commands: ["id": "echo 0", "apt-get": Self.teller])
    #expect(result.status == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    #expect(lines.first == "installing by apt: tmux git")
    #expect(lines.last?.hasPrefix("apt-get install ") == true)
    #expect(lines.last?.hasSuffix(" tmux git") == true)
  }

  @Test func sudoIsUsedAndNamedWhereItIsNeeded() throws {
    let result = try install(
      "test",
      commands: [
        "id": "echo 1000", "apt-get": Self.teller, "git": "exit 0",
        "sudo": Self.teller + "; \"$@\"",
      ])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.hasPrefix("installing by apt: tmux (through sudo)\nsudo apt-get update"))
  }

  @Test func withoutAptThePackagesAreNamed() throws {
    let result = try install("test", commands: ["id": "echo 0"])
    #expect(result.status == 1)
    #expect(result.errors.contains("install the like of tmux git"))
  }

  @Test func whereAllIsThereNothingHappens() throws {
    let result = try install(
      "test", commands: ["tmux": "exit 0", "git": "exit 0", "apt-get": Self.teller])
    #expect(result.status == 0)
    #expect(result.output + result.errors == "")
  }

  @Test func aPurposeThatIsNotKnownIsAUsageError() throws {
    #expect(try install("everything", commands: [:]).status == 2)
  }
}
