import Foundation
import Testing

/// The repository keeps the rules of ARCHITECTURE.md.
struct ArchitectureTests {
  @Test func sourcesAreFound() {
    #expect(Repository.swiftSources.count > 50)
    #expect(Set(Repository.swiftSources.compactMap(\.module)) == Set(Rules.imports.keys))
  }

  @Test func modulesImportOnlyWhatTheirRowOfTheTableAllows() {
    #expect(Repository.swiftSources.flatMap(Rules.forbiddenImports) == [])
  }

  @Test func unsafeCodeStandsInFewPlacesOnly() {
    #expect(Repository.swiftSources.flatMap(Rules.unsafeWords) == [])
  }

  @Test func everyUnsafePlaceIsInUse() {
    for place in Rules.unsafePlaces {
      #expect(
        Repository.swiftSources.contains { $0.path.hasPrefix(place.prefix) },
        "no file begins with \(place.prefix)")
    }
  }

  @Test func nothingIsForced() {
    #expect(Repository.swiftSources.flatMap(Rules.forcedUnwraps) == [])
  }

  @Test func filesAreShort() {
    #expect((Repository.swiftSources + Repository.swiftTests).flatMap(Rules.overlongFile) == [])
    let cFiles = Repository.files {
      $0.hasPrefix("Sources/") && ($0.hasSuffix(".c") || $0.hasSuffix(".h"))
    }
    #expect(cFiles.flatMap(Rules.overlongFile) == [])
  }

  @Test func noFileNamesAMachineOrARegistry() {
    #expect(Repository.texts.flatMap(Rules.foreignWords) == [])
  }

  @Test func theTopOfTheRepositoryIsTidy() {
    #expect(Rules.strangers(atTopOf: Repository.paths) == [])
  }

  @Test func onlySmallWeightsOfOurOwnAreCommitted() {
    let weights = Repository.paths.filter { path in
      [".gguf", ".safetensors", ".whl"].contains { path.hasSuffix($0) }
        && !path.hasPrefix("assets/weights/")
    }
    #expect(weights == [])
    for path in Repository.paths where path.hasPrefix("assets/weights/") {
      let facts = try? FileManager.default.attributesOfItem(atPath: Repository.root + "/" + path)
      #expect((facts?[.size] as? Int ?? .max) < 30_000_000, "\(path)")
    }
  }
}
