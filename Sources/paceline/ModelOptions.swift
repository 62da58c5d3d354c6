import ArgumentParser
import Foundation
import Inference
import Runtime

/// Which model, and what it may use.
struct ModelOptions: ParsableArguments {
  @Option(
    name: [.short, .long],
    help: ArgumentHelp("A model file, or a name that `models list` shows.", valueName: "model"),
    completion: .custom { _, _, _ in ModelOptions.completions() })
  var model: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Threads that compute; default: all processors.", valueName: "n"))
  var threads: Int?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads takes a number from 1 to 1024")
    }
  }

  /// The model's file.
  func path() throws(InferenceError) -> String { try ModelFolder.standard().resolve(model) }

  /// Words that `--model` takes: names of the catalogue, and model files at hand.
  static func completions() -> [String] {
    guard let folder = try? ModelFolder.standard() else { return [] }
    let here = (try? FileManager.default.contentsOfDirectory(atPath: ".")) ?? []
    return folder.catalogue.models.map(\.name) + folder.otherFiles()
      + here.filter { $0.hasSuffix(".gguf") }.sorted()
  }
}

extension ModelFolder {
  /// The user's model folder with the program's catalogue.
  static func standard() throws(InferenceError) -> ModelFolder {
    ModelFolder(
      path: try PacelinePaths().models, catalogue: try ModelCatalogue(assets: AssetsFolder.find()))
  }
}
