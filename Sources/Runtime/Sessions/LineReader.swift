import Inference

/// Reads a file line by line, however long it is, with bounded memory.
struct LineReader {
  struct Line {
    /// From 1.
    var number: Int
    /// Without the line end; empty where the line was too long to keep.
    var bytes: [UInt8]
    /// How long the line really is.
    var length: Int
    /// Whether a line end followed; only the last line may lack one.
    var isComplete: Bool
  }

  /// Longer lines are passed over.
  static let longestLine = 64 << 20

  private let file: SystemFile
  private var offset = 0
  private var buffer: ArraySlice<UInt8> = []
  private var number = 0
  private let limit: Int

  init(_ file: SystemFile, limit: Int = longestLine) {
    self.file = file
    self.limit = limit
  }

  /// The next line; nil after the last.
  mutating func next() throws(InferenceError) -> Line? {
    var line = Line(number: number + 1, bytes: [], length: 0, isComplete: false)
    while true {
      if buffer.isEmpty {
        buffer = try file.read(at: offset, count: 1 << 16)[...]
        offset += buffer.count
        if buffer.isEmpty { break }
      }
      let end = buffer.firstIndex(of: UInt8(ascii: "\n"))
      let part = buffer[..<(end ?? buffer.endIndex)]
      line.length += part.count
      if line.length <= limit { line.bytes += part } else { line.bytes = [] }
      buffer = buffer[(end.map { $0 + 1 } ?? buffer.endIndex)...]
      if end != nil {
        line.isComplete = true
        break
      }
    }
    guard line.isComplete || line.length > 0 else { return nil }
    number += 1
    return line
  }
}
