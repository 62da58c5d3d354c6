import Testing

/// Each rule finds what breaks it, shown on made-up sources.
struct RulesTests {
  @Test func aForbiddenImportIsFound() {
    let file = SourceFile(
      path: "Sources/Inference/Bad.swift",
      text: """
        import Compute
        @preconcurrency import Foundation
        import struct Models.GGUF
        // import Terminal
        let text = "import Runtime"
        """)
    #expect(
      Rules.forbiddenImports(in: file) == [
        "Sources/Inference/Bad.swift: Inference may not import Foundation",
        "Sources/Inference/Bad.swift: Inference may not import Models",
      ])
  }

  @Test func anUnknownModuleIsFound() {
    let file = SourceFile(path: "Sources/Extra/File.swift", text: "")
    #expect(Rules.forbiddenImports(in: file).count == 1)
  }

  @Test(arguments: [
    "let byte = unsafe pointer.pointee", "nonisolated(unsafe) var count = 0",
    "final class Box: @unchecked Sendable {}", "@preconcurrency import Dispatch",
    "let unsafeCount = unsafe count",
  ])
  func unsafeCodeIsFound(line: String) {
    #expect(
      !Rules.unsafeWords(in: SourceFile(path: "Sources/Models/Bad.swift", text: line)).isEmpty)
    #expect(Rules.unsafeWords(in: SourceFile(path: "Sources/Compute/Good.swift", text: line)) == [])
  }

  @Test(arguments: [
    "// unsafe in a comment", "/* unsafe */ let a = 1", "let text = \"unsafe\"",
    "let unsafeCount = 1", "@safe final class Pool {}",
  ])
  func harmlessMentionsOfUnsafeAreNotFound(line: String) {
    #expect(Rules.unsafeWords(in: SourceFile(path: "Sources/Models/Good.swift", text: line)) == [])
  }

  @Test(arguments: [
    "let a = b!", "let a = b[0]!.c", "call()!", "try! run()", "let a = b as! Int",
    "let text = \"\\(a ?? \"x\")\"; let c = d!",
  ])
  func forcedCodeIsFound(line: String) {
    #expect(
      Rules.forcedUnwraps(in: SourceFile(path: "Sources/Models/Bad.swift", text: line)).count == 1)
  }

  @Test(arguments: [
    "if a != b {}", "if !a {}", "let text = \"done!\"", "// really!", "let t = \"\\(a)!\"",
    "precondition(!a)", "try? run()",
  ])
  func exclamationsThatForceNothingAreNotFound(line: String) {
    #expect(
      Rules.forcedUnwraps(in: SourceFile(path: "Sources/Models/Good.swift", text: line)) == [])
  }

  @Test func anOverlongFileIsFound() {
    let long = SourceFile(
      path: "Sources/Models/Long.swift", text: String(repeating: "\n", count: 401))
    let fine = SourceFile(
      path: "Sources/Models/Fine.swift", text: String(repeating: "\n", count: 400))
    #expect(Rules.overlongFile(long).count == 1)
    #expect(Rules.overlongFile(fine) == [])
  }

  @Test func aMachinePathIsFound() {
    for word in Rules.foreignWords {
      #expect(
        Rules.foreignWords(in: SourceFile(path: "README.md", text: "see \(word)x")).count == 1)
    }
  }

  @Test func aStrayFolderAtTheTopIsFound() {
    #expect(Rules.strangers(atTopOf: ["Sources/A/B.swift", "notes/todo.md"]).count == 1)
  }

  @Test func textOfSeveralLinesIsNotTakenForCode() {
    let text = "let a = \"\"\"\n  unsafe\n  \"\"\"\nlet b = 1 /*\nunsafe\n*/ + 2"
    #expect(!Rules.code(of: text).contains { $0.line.contains("unsafe") })
    #expect(Rules.code(of: text).map(\.line).last == " + 2")
  }
}
