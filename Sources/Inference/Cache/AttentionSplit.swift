import Compute

/// How the workers share out the attention of one pass; every worker works out the same.
///
/// Many rows are cut into blocks that walk keys and values together. One row, or few, are cut by segments of the
/// positions where heads alone cannot occupy the workers evenly: then each key is read once, for all its queries.
struct AttentionSplit {
  /// One call of the kernel.
  struct Item: Equatable {
    var rows: Range<Int>
    var kvHead: Int
    /// Query heads of the row.
    var heads: Range<Int>
    var positions: Range<Int>
    /// Index of the segment where the item covers only that.
    var segment: Int?
  }

  /// The most rows that are cut by segments: the parts of more would take long to merge.
  private static let segmentedRows = 8

  private let rowCount: Int
  private let kvHeads: Int
  private let group: Int
  private let dimension: Int
  private let workers: Int
  /// From the first position that a row attends to, to the last.
  private let positions: Range<Int>

  init(
    positions: [Int], window: Int?, kvHeads: Int, group: Int, dimension: Int, workers: Int
  ) {
    rowCount = positions.count
    self.kvHeads = kvHeads
    self.group = group
    self.dimension = dimension
    self.workers = workers
    let first = window.map { max(0, (positions.min() ?? 0) + 1 - $0) } ?? 0
    self.positions = first..<(positions.max() ?? 0) + 1
  }

  var isBySegment: Bool {
    rowCount <= Self.segmentedRows && kvHeads % workers != 0
      && segments.count * kvHeads >= 4 * workers
  }

  /// The numbers of the segments that the rows attend to.
  var segments: Range<Int> {
    let size = AttentionParts.segment
    return positions.lowerBound / size..<(positions.upperBound - 1) / size + 1
  }

  func items(of worker: Int) -> [Item] {
    if isBySegment { return segmentItems(of: worker) }
    return rowCount == 1 ? headItems(of: worker) : rowItems(of: worker)
  }

  /// Consecutive segments, so that a worker has about its share of all positions.
  private func segmentItems(of worker: Int) -> [Item] {
    let size = AttentionParts.segment
    let total = kvHeads * positions.count
    var done = 0
    var items: [Item] = []
    for kvHead in 0..<kvHeads {
      for segment in segments {
        let range = positions.clamped(to: segment * size..<(segment + 1) * size)
        let middle = done + range.count / 2
        done += range.count
        guard middle * workers / total == worker else { continue }
        items.append(
          Item(
            rows: 0..<rowCount, kvHead: kvHead, heads: heads(of: kvHead, 0..<group),
            positions: range, segment: segment - segments.lowerBound))
      }
    }
    return items
  }

  /// Of one row the heads, in as large groups as keep the workers even.
  private func headItems(of worker: Int) -> [Item] {
    let parts = (1...group).first { kvHeads * $0 % workers == 0 } ?? group
    let count = kvHeads * parts
    return (count * worker / workers..<count * (worker + 1) / workers).map { index in
      let (kvHead, part) = index.quotientAndRemainder(dividingBy: parts)
      return Item(
        rows: 0..<1, kvHead: kvHead,
        heads: heads(of: kvHead, group * part / parts..<group * (part + 1) / parts),
        positions: positions)
    }
  }

  /// Blocks of rows, as many as the kernel takes at a time.
  ///
  /// Later rows attend to more: items are dealt out there and back, so that the shares stay even.
  private func rowItems(of worker: Int) -> [Item] {
    let rowsAtOnce = max(1, AttentionRows.queriesAtOnce(dimension: dimension) / group)
    let least = (rowCount + rowsAtOnce - 1) / rowsAtOnce
    let most = min(rowCount, least + workers)
    let blocks = (least...most).first { $0 * kvHeads % workers == 0 } ?? most
    let count = blocks * kvHeads
    return stride(from: 0, to: count, by: workers).compactMap { start in
      let index = start / workers % 2 == 0 ? start + worker : start + workers - 1 - worker
      guard index < count else { return nil }
      let (block, kvHead) = index.quotientAndRemainder(dividingBy: kvHeads)
      return Item(
        rows: rowCount * block / blocks..<rowCount * (block + 1) / blocks, kvHead: kvHead,
        heads: heads(of: kvHead, 0..<group), positions: positions)
    }
  }

  private func heads(of kvHead: Int, _ range: Range<Int>) -> Range<Int> {
    kvHead * group + range.lowerBound..<kvHead * group + range.upperBound
  }
}
