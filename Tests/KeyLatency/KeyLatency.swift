import ArgumentParser
import Foundation
import Glibc
import Models
import Runtime

/// Measures from outside how long the playground takes from a key to its change on the screen.
@main struct KeyLatency: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key-latency",
    abstract: "Measure the playground's time from a key to its change on the screen.",
    discussion: "Every model is measured with every size and every number of busy processes.")

  @Argument(help: "The program to measure.")
  var program: String

  @Argument(help: "Model files, or names of the catalogue.")
  var models: [String]

  @Option(help: "Keys of one measurement.")
  var keys = 500

  @Option(help: "Columns and rows of the screen; may be given many times.")
  var size: [String] = ["120x40"]

  @Option(help: "Processes that use processor time meanwhile; may be given many times.")
  var busy: [Int] = [0]

  @Flag(help: "Paint pictures of a thousand steps in place of answers.")
  var painting = false

  @Option(help: "Seed of the random moments and keys.")
  var seed: UInt64 = 1

  @Flag(help: "Print a section of BENCHMARKS.md.")
  var markdown = false

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "Print every key that took longer than the target to standard error.")
  var trace = false

  static func main() {
    let words = CommandLine.arguments
    if words.count == 3, words[1] == BusyProcesses.word, let parent = pid_t(words[2]) {
      BusyProcesses.burn(for: parent)
    }
    main(nil)
  }

  func validate() throws {
    guard keys > 0, busy.allSatisfy({ (0...64).contains($0) }), !models.isEmpty else {
      throw ValidationError("--keys takes a number from 1, --busy one from 0 to 64")
    }
    for size in size where Self.parse(size) == nil {
      throw ValidationError("--size takes columns and rows from 80x24 to 500x200, such as 120x40")
    }
  }

  func run() throws {
    let home = FileManager.default.temporaryDirectory
      .appendingPathComponent("key-latency-\(getpid())").path
    try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: home) }
    let folder = ModelFolder(
      path: try PacelinePaths().models,
      catalogue: try ModelCatalogue(assets: AssetsFolder.find()))
    if !ProcessorTime.takePrecedence() {
      let note = "no permission to run before other programs: waiting for a processor counts too\n"
      FileHandle.standardError.write(Data(note.utf8))
    }
    var reports: [KeyReport] = []
    for model in models {
      let path = try folder.resolve(model)
      let endTokens = try TokenizerLoader.load(from: GGUF(path: path)).endTokens.sorted()
      for size in size.compactMap(Self.parse) {
        for busy in busy {
          let measurement = KeyMeasurement(
            program: program, model: path, endTokens: endTokens, size: size, busy: busy,
            keys: keys, paints: painting, seed: seed, home: home, traces: trace)
          let report = try measurement.run()
          let output = json || markdown ? FileHandle.standardError : .standardOutput
          output.write(Data((report.line + "\n").utf8))
          reports.append(report)
        }
      }
    }
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      print(String(decoding: try encoder.encode(reports), as: UTF8.self))
    }
    if markdown { print(KeyReport.markdown(reports, command: command)) }
  }

  /// How this was called, as far as it can be repeated elsewhere.
  private var command: String {
    let words = CommandLine.arguments.dropFirst().map { ($0 as NSString).lastPathComponent }
    return (["key-latency"] + words).joined(separator: " ")
  }

  private static func parse(_ size: String) -> (columns: Int, rows: Int)? {
    let parts = size.split(separator: "x").compactMap { Int($0) }
    guard parts.count == 2, (80...500).contains(parts[0]), (24...200).contains(parts[1]) else {
      return nil
    }
    return (parts[0], parts[1])
  }
}
