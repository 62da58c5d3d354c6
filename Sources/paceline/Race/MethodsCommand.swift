import ArgumentParser
import Foundation
import Inference
import Methods
import Models
import Compute

/// What methods there are, and what a pass of many rows costs on this machine.
struct MethodsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "methods", abstract: "List the methods, or measure the cost of a pass of k rows.",
    subcommands: [ListMethods.self, MeasureCurve.self], defaultSubcommand: ListMethods.self)
}

/// The catalogue of methods.
struct ListMethods: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the methods with their knobs and papers.")

  @Flag(help: "Print a JSON list.")
  var json = false

  @Flag(help: "List what paints pictures, not what writes text.")
  var pictures = false

  private struct Row: Encodable {
    struct Knob: Encodable {
      var name: String
      var low: Double
      var high: Double
      var usual: Double
      var off: Double?
      var unit: String
      var summary: String
    }
    var id: String
    var title: String
    var guarantee: String
    var slots: [String]
    var summary: String
    var paper: String
    var knobs: [Knob]
  }

  func run() throws {
    let entries = pictures ? MethodCatalog.painting : MethodCatalog.all
    let rows = entries.byReadiness.map { entry in
      Row(
        id: entry.card.id, title: entry.card.title, guarantee: entry.card.guarantee.title,
        slots: entry.card.slots.sorted().map(\.title), summary: entry.card.summary,
        paper: "\(entry.card.paper.authors) (\(entry.card.paper.year)), "
          + "\(entry.card.paper.title), \(entry.card.paper.reference)",
        knobs: entry.knobs.map {
          Row.Knob(
            name: $0.id, low: $0.range.lowerBound, high: $0.range.upperBound,
            usual: $0.defaultValue, off: $0.offValue, unit: $0.unit, summary: $0.summary)
        })
    }
    if json { return try Console.printJSON(rows) }
    for row in rows {
      try Console.print("\(row.id)  (\(row.guarantee); \(row.slots.joined(separator: ", ")))")
      try Console.print("  \(row.summary)")
      try Console.print("  \(row.paper)")
      for knob in row.knobs {
        let range = "\(Decimals.plain(knob.low, 4))..\(Decimals.plain(knob.high, 4))"
        let usual = Decimals.plain(knob.usual, 4)
        try Console.print("    \(knob.name) \(range) \(knob.unit) (\(usual)): \(knob.summary)")
      }
      try Console.print("")
    }
  }
}

/// V(k): what verifying k rows at once costs over one.
struct MeasureCurve: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "curve", abstract: "Measure what a pass of k rows costs over a pass of one.")

  @OptionGroup var options: ModelOptions

  @Option(help: ArgumentHelp("Seconds to measure for.", valueName: "s"))
  var seconds = 3.0

  @Flag(help: "Print a JSON object.")
  var json = false

  func validate() throws {
    guard (0.1...600).contains(seconds) else {
      throw ValidationError("--seconds takes a number from 0.1 to 600")
    }
  }

  private struct Curve: Encodable {
    var model: String
    var milliseconds: Double
    var rows: [Int]
    var relative: [Double]
  }

  func run() throws {
    let path = try options.path()
    let loaded = try ModelLoader.load(path: path, contextLength: 1024)
    let pool = WorkerPool(count: options.threads)
    defer { pool.shutDown() }
    let curve = try CostCurve.measure(
      loaded.model, on: pool, nanoseconds: UInt64(seconds * 1e9))
    let result = Curve(
      model: path.components(separatedBy: "/").last ?? path, milliseconds: curve.base / 1e6,
      rows: CostCurve.sizes, relative: CostCurve.sizes.map(curve.relative))
    if json { return try Console.printJSON(result) }
    try Console.print(
      "\(result.model): \(Decimals.fixed(result.milliseconds, 2)) ms a pass of one row")
    for (rows, value) in zip(result.rows, result.relative) {
      let bar = String(repeating: "#", count: min(60, Int((value * 4).rounded())))
      let number = String(repeating: " ", count: rows < 10 ? 1 : 0) + "\(rows)"
      try Console.print("  \(number) rows  \(Decimals.fixed(value, 2))  \(bar)")
    }
  }
}
