import CKernels

/// Queries of consecutive rows of a buffer, and which positions they attend to.
package struct AttentionRows {
  /// `[rows, heads, dimension]`, rotated.
  package var queries: Buffer
  /// What attention gives, in the same places.
  package var output: Buffer
  /// Heads of a row of the buffers.
  package var heads: Int
  package var dimension: Int
  /// The rows of the buffers; row `rows.lowerBound + i` stands at `position + i`, in a tree where that says.
  package var rows: Range<Int>
  /// The heads to compute.
  package var group: Range<Int>
  package var position: Int
  /// The rows' first row in the table of ancestors; nil for a chain.
  package var tree: (table: AncestorTable, row: Int)?
  /// Attend to the last `window` positions only; nil for all.
  package var window: Int?
  package var scale: Float
  package var softcap: Float

  package init(
    queries: Buffer, output: Buffer, heads: Int, dimension: Int, rows: Range<Int>,
    group: Range<Int>, position: Int, tree: (table: AncestorTable, row: Int)? = nil,
    window: Int? = nil, scale: Float, softcap: Float = 0
  ) {
    self.queries = queries
    self.output = output
    self.heads = heads
    self.dimension = dimension
    self.rows = rows
    self.group = group
    self.position = position
    self.tree = tree
    self.window = window
    self.scale = scale
    self.softcap = softcap
  }

  /// Queries that walk keys and values together at most.
  package static func queriesAtOnce(dimension: Int) -> Int {
    max(1, min(Int(CK_ATTENTION_QUERIES), Int(CK_ATTENTION_SUMS) / dimension))
  }

  var lastSlot: Int {
    if let table = tree?.table { table.begin + table.rows - 1 } else { position + rows.count - 1 }
  }

  func describe(_ step: inout ck_attention) {
    precondition(rows.lowerBound >= 0 && !rows.isEmpty && !group.isEmpty && position >= 0)
    precondition(group.lowerBound >= 0 && group.upperBound <= heads && window ?? 1 > 0)
    let end = rows.upperBound * heads * dimension
    precondition(end <= queries.count && end <= output.count)
    let place = (rows.lowerBound * heads + group.lowerBound) * dimension
    unsafe step.queries = UnsafePointer(queries.base + place)
    unsafe step.output = output.base + place
    unsafe step.position = Int64(position)
    if let (table, row) = tree {
      precondition(row >= 0 && row + rows.count <= table.rows)
      unsafe step.positions = UnsafePointer(table.positions.base + row)
      unsafe step.slots = UnsafePointer(table.slots.base + row * table.rows)
      unsafe step.slots_begin = Int64(table.begin)
      unsafe step.slots_stride = Int64(table.rows)
    }
    unsafe step.window = Int64(window ?? 0)
    unsafe step.rows = Int64(rows.count)
    unsafe step.group = Int64(group.count)
    unsafe step.heads = Int64(heads)
    unsafe step.dimension = Int64(dimension)
    unsafe step.scale = scale
    unsafe step.softcap = softcap
  }
}

/// Where the rows of a tree stand, and in which slots each one's ancestors lie.
package final class AncestorTable {
  let rows: Int
  /// The position of the first row; positions below it are their own slots.
  let begin: Int
  let positions: Storage<Int32>
  /// `[rows, rows]`: by row and position from `begin` on.
  let slots: Storage<Int32>

  /// Row i lies in slot `begin + i`.
  ///
  /// - Parameter parents: for each row the index of the row that it continues, or -1.
  package init(parents: [Int], begin: Int) {
    rows = parents.count
    self.begin = begin
    positions = Storage(count: rows)
    slots = Storage(count: rows * rows)
    for (row, parent) in parents.enumerated() {
      precondition(parent >= -1 && parent < row, "row \(row) cannot continue row \(parent)")
      let position = parent < 0 ? begin : Int(positions[parent]) + 1
      positions[row] = Int32(position)
      if parent >= 0 {
        slots.copy(
          from: slots, parent * rows..<parent * rows + position - begin, to: row * rows)
      }
      slots[row * rows + position - begin] = Int32(begin + row)
    }
  }

  package func position(of row: Int) -> Int { Int(positions[row]) }

  /// Where an ancestor of a row, or the row itself, lies.
  package func slot(of position: Int, for row: Int) -> Int {
    position < begin ? position : Int(slots[row * rows + position - begin])
  }
}

/// What rows get from each segment of the positions, to be merged in ascending order.
///
/// Workers that share out the positions among themselves write one part each; how they do is not seen in the result.
package final class AttentionParts {
  /// Positions of a segment; segments begin at its multiples.
  package static let segment = Int(CK_ATTENTION_SEGMENT)

  package let parts: Int
  package let rows: Int
  package let heads: Int
  package let dimension: Int
  private let values: Buffer
  private let states: Buffer

  package init(parts: Int, rows: Int, heads: Int, dimension: Int) {
    self.parts = parts
    self.rows = rows
    self.heads = heads
    self.dimension = dimension
    values = Buffer(count: parts * rows * heads * dimension)
    states = Buffer(count: parts * rows * heads * 2)
  }

  func describe(_ part: Int, rows: AttentionRows, _ step: inout ck_attention) {
    precondition(part >= 0 && part < parts && rows.rows.count == self.rows)
    precondition(rows.heads == heads && rows.dimension == dimension)
    let place = part * self.rows * heads + rows.group.lowerBound
    unsafe step.output = values.base + place * dimension
    unsafe step.states = states.base + place * 2
  }

  /// Merges the first `count` parts of one query into `output`, finished.
  package func merge(
    count: Int, row: Int, head: Int, into output: Buffer, at offset: Int, with kernels: Kernels
  ) {
    precondition(count > 0 && count <= parts && row >= 0 && row < rows && head >= 0 && head < heads)
    precondition(offset >= 0 && offset + dimension <= output.count)
    let place = row * heads + head
    unsafe ck_attend_merge(
      kernels.isa, values.base + place * dimension, states.base + place * 2, Int64(count),
      Int64(rows * heads), Int64(dimension), output.base + offset)
  }
}
