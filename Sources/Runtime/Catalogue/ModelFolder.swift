import Foundation
import Inference

/// The folder that holds fetched models, and how a person's word becomes a file in it.
package struct ModelFolder: Sendable {
  package let path: String
  package let catalogue: ModelCatalogue

  package init(path: String, catalogue: ModelCatalogue) {
    self.path = path
    self.catalogue = catalogue
  }

  /// Where a file of the catalogue lies, or would lie.
  package func path(of file: CatalogueFile) -> String { path + "/" + file.file }

  /// Whether all files of the model are there with their sizes.
  package func holds(_ entry: CatalogueEntry) -> Bool {
    entry.files.allSatisfy { fileSize(path(of: $0)) == $0.bytes }
  }

  /// The file that `--model` means: a path, a name of the catalogue, or a file of this folder; nil is the default model.
  ///
  /// - Throws: `modelFile`, with the command that fetches the model where one does; `unsupportedModel` where it writes
  ///   no text; `invalidRequest` for an empty word.
  package func resolve(_ word: String?) throws(InferenceError) -> String {
    guard let word else { return try resolve(catalogue.default) }
    guard !word.isEmpty else {
      throw InferenceError(.invalidRequest, "the model's name is empty: give a path or a name")
    }
    if let entry = catalogue[word], let file = entry.files.first {
      guard file.file.hasSuffix(".gguf") else {
        throw InferenceError(
          .unsupportedModel, "\(entry.name) writes no text: \(entry.description)")
      }
      let path = path(of: file)
      guard FileManager.default.fileExists(atPath: path) else {
        throw InferenceError(
          .modelFile,
          "the model '\(entry.name)' is not there yet (\(path)): run `paceline models get \(entry.name)`"
            + " (\(formatBytes(entry.download)))")
      }
      return path
    }
    if FileManager.default.fileExists(atPath: word) { return word }
    if !word.contains("/") {
      for name in [word, word + ".gguf"] {
        let candidate = path + "/" + name
        if FileManager.default.fileExists(atPath: candidate) { return candidate }
      }
      if let entry = catalogue.models.first(where: { $0.files.contains { $0.file == word } }) {
        return try resolve(entry.name)
      }
    }
    let names = catalogue.models.map(\.name).joined(separator: ", ")
    throw InferenceError(
      .modelFile,
      "there is no model file '\(word)': give a path, or a name of the catalogue (\(names))")
  }

  /// Model files of the folder that the catalogue does not name, sorted.
  package func otherFiles() -> [String] {
    let known = Set(catalogue.models.flatMap { $0.files.map(\.file) })
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { $0.hasSuffix(".gguf") && !known.contains($0) }.sorted()
  }
}

/// Size of a file in bytes, through links; nil where there is none.
func fileSize(_ path: String) -> Int? {
  let resolved = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
  let attributes = try? FileManager.default.attributesOfItem(atPath: resolved)
  guard attributes?[.type] as? FileAttributeType == .typeRegular else { return nil }
  return (attributes?[.size] as? NSNumber)?.intValue
}

/// A byte count for people, such as `98.4 MB`.
package func formatBytes(_ count: Int) -> String {
  if count < 1000 { return "\(count) B" }
  let units = ["kB", "MB", "GB", "TB"]
  var value = Double(count) / 1000
  var unit = 0
  while value >= 999.95, unit + 1 < units.count {
    value /= 1000
    unit += 1
  }
  // Spelled by hand: the decimal point must not follow the locale.
  let tenths = Int((value * 10).rounded())
  return "\(tenths / 10).\(tenths % 10) \(units[unit])"
}
