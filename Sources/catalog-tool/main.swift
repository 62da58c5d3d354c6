import Foundation

// Writes `MethodCatalog` with the types that its arguments name, in alphabetical order.
let arguments = CommandLine.arguments.dropFirst()
guard let output = arguments.first else {
  FileHandle.standardError.write(Data("usage: catalog-tool OUTPUT TYPE...\n".utf8))
  exit(64)
}
let entries = arguments.dropFirst().sorted().map { "    MethodEntry(\($0).self)," }
let text = """
  import Inference

  /// Every method, by the folders of this module.
  package enum MethodCatalog {
    package static let all: [MethodEntry] = [
  \(entries.joined(separator: "\n"))
    ]
  }

  """
try text.write(toFile: output, atomically: true, encoding: .utf8)
