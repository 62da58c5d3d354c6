import Inference

/// Looks at the end of a session file.
enum SessionTail {
  /// Bytes of a last line without a line end that are no whole record; 0 where only the line end is missing, nil where
  /// nothing is.
  static func tornBytes(of file: SystemFile) throws(InferenceError) -> Int? {
    var reader = LineReader(file)
    // A line end as the last byte is the usual case, and quickly seen.
    let size = file.byteCount
    if size == 0 { return nil }
    if try file.read(at: size - 1, count: 1) == [UInt8(ascii: "\n")] { return nil }
    var last: LineReader.Line?
    while let line = try reader.next() { last = line }
    guard let last, !last.isComplete else { return nil }
    do throws(SessionLineError) {
      _ = try SessionRecord.parse(last.bytes)
      return 0
    } catch {
      return last.length
    }
  }
}
