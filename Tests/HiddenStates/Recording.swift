import Compute
import Foundation
import Inference

/// Files that grow by whole sequences: tokens, hidden states in half precision, and an index of both.
///
/// What stands behind the last line of the index, as an interrupted run leaves it, is cut off when the files are opened
/// again.
final class Recording {
  private let tokens: FileHandle
  private let states: FileHandle
  private let index: FileHandle
  let width: Int
  private(set) var sequences = 0
  private(set) var rows = 0

  /// The greatest second column of the index, -1 where there is none.
  private(set) var greatestMark = -1

  /// - Parameter name: the file of tokens.
  init(folder: String, width: Int, tokens name: String = "tokens.i32") throws {
    self.width = width
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let text = (try? String(contentsOfFile: folder + "/index.tsv", encoding: .utf8)) ?? ""
    let lines = text.split(separator: "\n")
    sequences = lines.count
    for line in lines {
      let columns = line.split(separator: "\t").compactMap { Int($0) }
      guard columns.count == 2 else { throw Failure("\(folder)/index.tsv: \(line)") }
      rows += columns[0]
      greatestMark = max(greatestMark, columns[1])
    }
    func open(_ name: String, keeping bytes: Int?) throws -> FileHandle {
      let path = folder + "/" + name
      if !FileManager.default.fileExists(atPath: path) {
        guard FileManager.default.createFile(atPath: path, contents: nil) else {
          throw Failure("cannot write \(path)")
        }
      }
      guard let file = FileHandle(forUpdatingAtPath: path) else {
        throw Failure("cannot write \(path)")
      }
      if let bytes { try file.truncate(atOffset: UInt64(bytes)) }
      try file.seekToEnd()
      return file
    }
    tokens = try open(name, keeping: rows * 4)
    states = try open("states.f16", keeping: rows * width * 2)
    index = try open("index.tsv", keeping: nil)
  }

  /// Adds a sequence with a number for the index; states are `[tokens, width]`.
  func append(tokens: [TokenID], mark: Int, states: [Float16]) throws {
    precondition(states.count == tokens.count * width)
    try self.tokens.write(contentsOf: tokens.withUnsafeBytes { Data($0) })
    try self.states.write(contentsOf: states.withUnsafeBytes { Data($0) })
    try index.write(contentsOf: Data("\(tokens.count)\t\(mark)\n".utf8))
    sequences += 1
    rows += tokens.count
  }

  /// Values for a file of half precision.
  static func halves(_ buffer: Buffer, _ range: Range<Int>) -> [Float16] {
    buffer.array(range).map { Float16(min(max($0, -65504), 65504)) }
  }

  /// A matrix of a model in half precision, row by row.
  static func write(_ tensor: Tensor, to path: String) throws {
    var data = Data(capacity: tensor.rows * tensor.columns * 2)
    for row in 0..<tensor.rows {
      data.append(tensor.row(row).map { Float16($0) }.withUnsafeBytes { Data($0) })
    }
    try data.write(to: URL(fileURLWithPath: path))
  }
}
