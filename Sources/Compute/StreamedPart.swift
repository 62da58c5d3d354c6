/// Bytes of a file that are read together into one buffer: the weights of a layer, or a slice of a large matrix.
package struct StreamedPart: Sendable {
  /// A run of the file, in whole blocks.
  struct Piece: Sendable {
    var range: Range<Int>
    /// Where the bytes that are needed of it end.
    var needed: Int
    /// Where it begins in the buffer.
    var place: Int
  }

  /// What a person calls it, such as `layer 3`.
  package let name: String
  /// Where each of the ranges begins in the buffer.
  package let places: [Int]
  /// Bytes of buffer that it takes.
  package let byteCount: Int
  let pieces: [Piece]

  /// Ranges that lie so near each other are read in one run.
  private static let nearby = 1 << 16

  /// - Parameter ranges: bytes of the file, in any order.
  package init(name: String, ranges: [Range<Int>]) {
    let block = DirectFile.alignment
    self.name = name
    var places = [Int](repeating: 0, count: ranges.count)
    var pieces: [Piece] = []
    var size = 0
    for index in ranges.indices.sorted(by: { ranges[$0].lowerBound < ranges[$1].lowerBound }) {
      let range = ranges[index]
      let start = range.lowerBound / block * block
      let end = (range.upperBound + block - 1) / block * block
      if var last = pieces.last, start <= last.range.upperBound + Self.nearby {
        size += max(0, end - last.range.upperBound)
        last.range = last.range.lowerBound..<max(end, last.range.upperBound)
        last.needed = max(last.needed, range.upperBound)
        pieces[pieces.count - 1] = last
      } else {
        pieces.append(Piece(range: start..<end, needed: range.upperBound, place: size))
        size += end - start
      }
      let piece = pieces[pieces.count - 1]
      places[index] = piece.place + range.lowerBound - piece.range.lowerBound
    }
    self.places = places
    self.pieces = pieces
    byteCount = size
  }

  /// Memory that can hold parts of so many bytes; at least what makes it page-aligned.
  package static func buffer(byteCount: Int) -> Storage<UInt8> {
    Storage(count: max(byteCount, 1 << 16))
  }

  /// Reads all of it.
  ///
  /// - Parameter afterRun: called after each run of at most `run` bytes with its length; answers whether to go on.
  /// - Throws: `MappingError`, with the part's name in its note.
  package func read(
    from file: DirectFile, into buffer: Storage<UInt8>, run: Int = 4 << 20,
    afterRun: (Int) -> Bool = { _ in true }
  ) throws(MappingError) {
    for piece in pieces {
      for start in stride(from: piece.range.lowerBound, to: piece.range.upperBound, by: run) {
        let range = start..<min(start + run, piece.range.upperBound)
        do {
          try file.read(
            range, needed: min(piece.needed, range.upperBound), into: buffer,
            at: piece.place + start - piece.range.lowerBound)
        } catch {
          var error = error
          error.note = "\(name): \(error.reason)"
          throw error
        }
        guard afterRun(range.count) else { return }
      }
    }
  }
}
