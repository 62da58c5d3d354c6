import Foundation

/// A text file of the repository.
struct SourceFile {
  /// Relative to the repository's root.
  var path: String
  var text: String

  var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
  var lineCount: Int { text.isEmpty ? 0 : lines.count - (text.hasSuffix("\n") ? 1 : 0) }

  /// The module that a source belongs to; nil for tests and others.
  var module: String? {
    let parts = path.split(separator: "/")
    return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
  }
}

/// The files of the repository as they stand in the working tree.
enum Repository {
  static let root: String = {
    var folder = #filePath
    for _ in 0..<3 { folder = (folder as NSString).deletingLastPathComponent }
    return folder
  }()

  /// Files that are part of the project: what git tracks, or what is there where git is not at hand.
  static let paths: [String] = tracked() ?? walked()

  static let swiftSources = files { $0.hasPrefix("Sources/") && $0.hasSuffix(".swift") }
  static let swiftTests = files { $0.hasPrefix("Tests/") && $0.hasSuffix(".swift") }

  /// Files of which text can be read, such as sources, scripts and documents.
  static let texts = files { path in
    ![".gguf", ".png", ".gif", ".bin", ".safetensors", ".whl"].contains { path.hasSuffix($0) }
  }

  static func files(_ isWanted: (String) -> Bool) -> [SourceFile] {
    paths.filter(isWanted).compactMap { path in
      guard let data = FileManager.default.contents(atPath: root + "/" + path) else { return nil }
      return SourceFile(path: path, text: String(decoding: data, as: UTF8.self))
    }
  }

  private static func tracked() -> [String]? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard",
    ]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0, !data.isEmpty else { return nil }
    return String(decoding: data, as: UTF8.self).split(separator: "\0").map(String.init).sorted()
  }

  private static func walked() -> [String] {
    guard let names = FileManager.default.enumerator(atPath: root) else { return [] }
    return names.compactMap { $0 as? String }
      .filter { path in
        !path.split(separator: "/").contains { $0.hasPrefix(".build") || $0 == ".git" }
      }
      .sorted()
  }
}
