import Foundation
import Testing

/// The rows of assets/models.yaml are complete, read without the program's own reader.
struct CatalogueFileTests {
  private let text = Repository.files { $0 == "assets/models.yaml" }.first?.text ?? ""

  /// The text of each entry.
  private var entries: [String] {
    text.components(separatedBy: "\n  - name: ").dropFirst().map { "name: " + $0 }
  }

  @Test func thereAreTheFiveModels() {
    let names = entries.compactMap { $0.split(separator: "\n").first?.dropFirst("name: ".count) }
    #expect(names == ["smollm2", "coder-0.5b", "coder-1.5b", "gemma3", "minilm"])
    #expect(text.contains("\ndefault: smollm2\n"))
  }

  @Test func everyEntryTellsItsLicenceSizeAndSource() {
    #expect(entries.count == 5)
    for entry in entries {
      for key in ["title", "description", "licence", "download", "packages", "files"] {
        #expect(entry.contains("\n    \(key): ") || entry.contains("\n    \(key):\n"), "\(key)")
      }
    }
  }

  @Test func everyFileHasAChecksum() {
    for entry in entries {
      let files = entry.components(separatedBy: "- file: ").count - 1
      let sums = entry.matches(of: /sha256: [0-9a-f]{64}\n/).count
      #expect(files >= 1)
      #expect(files == sums)
      #expect(entry.matches(of: /bytes: [1-9][0-9]+\n/).count == files)
    }
  }

  @Test func everyPackageHasAnExactVersion() {
    let packages = text.matches(of: /packages: \[(.+)\]/).map { $0.output.1 }
    #expect(packages.count == 5)
    for list in packages {
      for package in list.split(separator: ", ") { #expect(package.contains("==")) }
    }
  }

  @Test func gemmasTermsAreSaid() {
    let gemma = entries.first { $0.hasPrefix("name: gemma3") }
    #expect(gemma?.contains("Gemma Terms of Use") == true)
  }
}
