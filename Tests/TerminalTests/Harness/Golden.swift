import Glibc
import Testing

/// Compares text with a file under `Goldens`; `PACELINE_RECORD=1` writes the file instead.
func expectGolden(
  _ text: String, _ name: String, file: String = #filePath,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    .joined(separator: "/")
  let path = folder + "/Goldens/\(name).txt"
  if getenv("PACELINE_RECORD") != nil {
    guard let handle = fopen(path, "w") else {
      Issue.record("cannot write \(path)", sourceLocation: sourceLocation)
      return
    }
    fputs(text + "\n", handle)
    fclose(handle)
    return
  }
  var bytes: [UInt8] = []
  if let handle = fopen(path, "r") {
    var byte = fgetc(handle)
    while byte != EOF {
      bytes.append(UInt8(byte))
      byte = fgetc(handle)
    }
    fclose(handle)
  }
  let golden = String(decoding: bytes, as: UTF8.self)
  #expect(
    golden == text + "\n", "golden \(name) differs; PACELINE_RECORD=1 records anew",
    sourceLocation: sourceLocation)
}
