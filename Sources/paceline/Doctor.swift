import ArgumentParser
import Compute
import Foundation
import Inference
import Runtime

/// What this machine and terminal offer, in one paste for a report.
struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what this machine, terminal and installation offer.")

  @Flag(help: "Leave out the measurements of speed.")
  var quick = false

  @Flag(help: "Print a JSON list of facts.")
  var json = false

  private struct Fact: Encodable {
    var topic: String
    var value: String
  }

  func run() throws {
    let environment = ProcessInfo.processInfo.environment
    var facts = [Fact(topic: "paceline", value: Version.text)]
    facts += terminalFacts(environment) + processorFacts() + modelFacts()
    if !quick { facts += roofFacts() }
    if json { return try Console.printJSON(facts) }
    for fact in facts {
      try Console.print(
        fact.topic.padding(toLength: 14, withPad: " ", startingAt: 0) + fact.value)
    }
  }

  private func terminalFacts(_ environment: [String: String]) -> [Fact] {
    let streams = [
      ("input", Console.inputIsTerminal), ("output", Console.outputIsTerminal),
      ("error", Console.errorIsTerminal),
    ]
    let terminal = TerminalFacts(environment: environment)
    return [
      Fact(
        topic: "streams",
        value: streams.map { "\($0.0) \($0.1 ? "terminal" : "no terminal")" }
          .joined(separator: ", ")),
      Fact(topic: "TERM", value: terminal.description),
      Fact(topic: "colours", value: terminal.colours),
      Fact(topic: "locale", value: terminal.locale),
      Fact(
        topic: "inside",
        value: environment["TMUX"] != nil
          ? "tmux"
          : environment["STY"] != nil
            ? "screen" : environment["SSH_TTY"] != nil ? "ssh" : "nothing that shows"),
    ]
  }

  private func processorFacts() -> [Fact] {
    let flags = Self.processorFlags()
    let wanted = [
      "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni",
      "avx512_bf16", "gfni", "amx_int8", "asimd", "asimddp", "i8mm",
    ]
    return [
      Fact(topic: "processor", value: ProcessMemory.processorName),
      Fact(topic: "it has", value: wanted.filter(flags.contains).joined(separator: " ")),
      Fact(
        topic: "kernels",
        value: Kernels.available.map(\.name).joined(separator: ", ")
          + "; in use: \(Kernels.shared.name)"),
      Fact(topic: "threads", value: "\(WorkerPool.availableProcessors) processors may be used"),
      Fact(topic: "memory", value: Self.memory()),
    ]
  }

  private func modelFacts() -> [Fact] {
    let folder: ModelFolder
    do {
      folder = try ModelFolder.standard()
    } catch {
      return [Fact(topic: "models", value: error.message)]
    }
    let here = folder.catalogue.models.filter(folder.holds).map(\.name) + folder.otherFiles()
    let free = try? FileManager.default.attributesOfFileSystem(forPath: folder.path)
    let bytes = (free?[.systemFreeSize] as? NSNumber).map { ", \(formatBytes($0.intValue)) free" }
    return [
      Fact(topic: "model folder", value: folder.path + (bytes ?? ", not there yet")),
      Fact(
        topic: "models",
        value: here.isEmpty
          ? "none yet: paceline models get \(folder.catalogue.default)"
          : here.joined(separator: ", ")),
    ]
  }

  /// What all threads can do at most: reading the largest model at hand, and multiplying bytes.
  private func roofFacts() -> [Fact] {
    let pool = WorkerPool()
    defer { pool.shutDown() }
    var roofline = Roofline(file: nil, threads: pool.count, kernels: .shared)
    let file = Self.largestModel()
    file?.populate(0..<Roofline.mostBytes)
    roofline.measure(file, on: pool) { true }
    let roofs = roofline.roofs
    return [
      Fact(
        topic: "read roof",
        value: roofs.bytesPerSecond.map { "\(fixed($0 / 1e9, 1)) GB/s by \(pool.count) threads" }
          ?? (file == nil ? "not measured: it takes a fetched model to read" : "not measured")),
      Fact(
        topic: "int8 roof",
        value: roofs.operationsPerSecond.map {
          "\(fixed($0 / 1e9, 0)) GOPS by \(pool.count) threads, two for a multiply-add"
        } ?? "not measured"),
    ]
  }

  private static func largestModel() -> MappedFile? {
    guard let folder = try? ModelFolder.standard() else { return nil }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".gguf") }
      .compactMap { try? MappedFile(path: folder.path + "/" + $0) }
      .filter { $0.byteCount >= Roofline.leastBytes }
      .max { $0.byteCount < $1.byteCount }
  }

  private static func processorFlags() -> Set<String> {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first {
      $0.hasPrefix("flags") || $0.hasPrefix("Features")
    }
    return Set((line ?? "").split(whereSeparator: { " :\t".contains($0) }).map(String.init))
  }

  private static func memory() -> String {
    let text = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
    func bytes(_ name: String) -> String {
      let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
      let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
      return kibibytes.map { formatBytes($0 * 1024) } ?? "unknown"
    }
    return "\(bytes("MemTotal")), \(bytes("MemAvailable")) available"
  }
}
