import Foundation

// Writes `MethodCatalog` with the folders `FAMILY/NAME` that its arguments name, in alphabetical order of the names.
let arguments = CommandLine.arguments.dropFirst()
guard let output = arguments.first else {
  FileHandle.standardError.write(Data("usage: catalog-tool OUTPUT FAMILY/NAME...\n".utf8))
  exit(64)
}
let folders = arguments.dropFirst().map { $0.split(separator: "/") }.filter { $0.count == 2 }

func entries(_ belongs: (Substring) -> Bool) -> String {
  let names = folders.filter { belongs($0[0]) }.map { $0[1] }.sorted()
  return names.map { "    MethodEntry(\($0).self)," }.joined(separator: "\n")
}

let text = """
  import Inference

  /// Every method, by the folders of this module.
  package enum MethodCatalog {
    /// What writes text.
    package static let all: [MethodEntry] = [
  \(entries { $0 != "Pictures" })
    ]

    /// What paints pictures.
    package static let painting: [MethodEntry] = [
  \(entries { $0 == "Pictures" })
    ]
  }

  """
try text.write(toFile: output, atomically: true, encoding: .utf8)
