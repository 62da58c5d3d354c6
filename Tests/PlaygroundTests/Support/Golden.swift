import Foundation
import Testing

/// Compares a screen with the one on file; with `PACELINE_RECORD=1` the file is written instead.
func expectGolden(
  _ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation
) {
  let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Goldens")
  let file = folder.appending(path: name + ".txt")
  if ProcessInfo.processInfo.environment["PACELINE_RECORD"] == "1" {
    do {
      try (text + "\n").write(to: file, atomically: true, encoding: .utf8)
    } catch {
      Issue.record("cannot write \(file.path()): \(error)", sourceLocation: sourceLocation)
    }
    return
  }
  guard let expected = try? String(contentsOf: file, encoding: .utf8) else {
    Issue.record(
      "no golden \(name): record it with PACELINE_RECORD=1", sourceLocation: sourceLocation)
    return
  }
  let new = text.split(separator: "\n", omittingEmptySubsequences: false)
  let old = expected.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
  guard !new.elementsEqual(old) else { return }
  var report = "\(name) differs from its golden:\n"
  for row in 0..<max(new.count, old.count) {
    let before = row < old.count ? String(old[row]) : "(no row)"
    let after = row < new.count ? String(new[row]) : "(no row)"
    if before != after { report += "row \(row)\n- \(before)\n+ \(after)\n" }
  }
  Issue.record(Comment(rawValue: report), sourceLocation: sourceLocation)
}
