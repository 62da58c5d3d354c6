import ArgumentParser
import Foundation
import Runtime

/// Where the program keeps its files.
struct Paths: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show where sessions, models, settings and history are kept.")

  @Flag(help: "Print a JSON object.")
  var json = false

  func run() throws {
    var paths = try PacelinePaths().all
    if let assets = try? AssetsFolder.find() { paths.append(("assets", assets)) }
    if json {
      return try Console.printJSON(
        Dictionary(paths.map { ($0.name, $0.path) }, uniquingKeysWith: { first, _ in first }))
    }
    for (name, path) in paths {
      try Console.print(name.padding(toLength: 10, withPad: " ", startingAt: 0) + path)
    }
  }
}
