import Inference

/// A tree while it grows behind the text.
///
/// Source: Xiong et al., "DySpec: Faster Speculative Decoding with Dynamic Token Tree Structure", arXiv:2410.11744: the
/// greedy construction, always where verification comes with the greatest probability, and its variant by layers with a
/// threshold. Three deviations. The layers are drawn so far that the rows of greatest value are the very tree of the
/// greedy construction; rows beyond it are dropped by the value of their places, which was known before they were
/// drawn. Where nothing is drawn, tokens come in order of their own probability (`DynamicTreePosition.worth`). And a drawn
/// token's chance may be learned from those before (`DynamicTreeCalibration`).
struct DynamicTreeGrowth {
  private let model: DraftModel
  private let request: DraftRequest
  private let sampler: SamplerChain
  private let isDrawn: Bool
  private let random: RandomNumbers
  private let calibration: DynamicTreeCalibration?
  private var rows: [Row] = []
  /// Places whose tokens' probabilities are known.
  private var positions: [DynamicTreePosition] = []
  /// Rows that the small model has not read.
  private var unread: [Int] = []
  private var readCount = 0

  private struct Row {
    var taken: DynamicTreePosition.Taken
    var parent: Int
    /// Its number in the small model's tree, once that has read it.
    var place = -1
  }

  /// Reads the text.
  init(
    _ request: DraftRequest, model: DraftModel, settings: SamplerSettings,
    calibration: DynamicTreeCalibration?
  ) throws(InferenceError) {
    self.request = request
    self.model = model
    self.calibration = calibration
    isDrawn = !request.sampler.settings.isGreedy
    random = RandomNumbers(seed: settings.seed)
    var sampler = request.sampler
    sampler.settings = settings
    self.sampler = sampler
    let pass = try model.read(
      request.history, on: request.pool, cancellation: request.cancellation)
    open(below: -1, pass.row(0))
  }

  // MARK: Ways to grow

  /// Always where the tree is worth most; a pass of the small model for each row that has children.
  mutating func growInOrder(limit: Int, least: Double) throws(InferenceError) -> Draft {
    while rows.count < limit {
      let best = bestPosition()
      let row = unread.max { rows[$0].taken.confidence < rows[$1].taken.confidence }
      // Below a row nothing is worth more than the row is likely to stand.
      let bound = row.map { rows[$0].taken.confidence } ?? -1
      if let row, bound >= best?.worth ?? 0 {
        guard bound >= least, model.room > 0 else { break }
        try read([row])
      } else if let best, best.worth >= least {
        take(best.index)
      } else {
        break
      }
    }
    return draft(limit: limit)
  }

  /// Layer by layer, with one pass of the small model for each, as far as the tree's best rows may lie there.
  mutating func growByLayers(limit: Int, least: Double) throws(InferenceError) -> Draft {
    while true {
      while let best = bestPosition(), best.worth >= least, rank(of: best.worth) < limit {
        take(best.index)
      }
      let next = unread.filter {
        let confidence = rows[$0].taken.confidence
        return confidence >= least && rank(of: confidence) < limit
      }
      guard !next.isEmpty, model.room > 0 else { return draft(limit: limit) }
      try read(Array(next.prefix(model.room)))
      // Their turn does not come again: the rows before them only grow more.
      unread = []
    }
  }

  /// A tree of a shape that was fixed before.
  ///
  /// - Parameter parents: breadth first.
  mutating func grow(_ parents: [Int]) throws(InferenceError) -> Draft {
    let inner = Set(parents)
    // The row made for each of the shape's; none where its parent's tokens had run out.
    var made: [Int?] = []
    while made.count < parents.count {
      let begin = made.count
      for parent in parents[begin...].prefix(while: { $0 < begin }) {
        let above = parent < 0 ? -1 : made[parent]
        made.append(positions.firstIndex { $0.row == above }.flatMap { take($0) })
      }
      let next = (begin..<made.count).filter(inner.contains).compactMap { made[$0] }
      guard !next.isEmpty, model.room >= next.count else { break }
      try read(next)
    }
    return draft(Array(rows.indices))
  }

  // MARK: Steps

  private func bestPosition() -> (index: Int, worth: Double)? {
    var best: (index: Int, worth: Double)?
    for (index, position) in positions.enumerated() {
      guard let worth = position.worth, worth > best?.worth ?? -1 else { continue }
      best = (index, worth)
    }
    return best
  }

  /// Rows that are worth as much or more.
  private func rank(of worth: Double) -> Int { rows.count { $0.taken.worth >= worth } }

  /// Takes a token at a place; of the draws of one draft each has a number of its own.
  @discardableResult
  private mutating func take(_ index: Int) -> Int? {
    let share = random.uniform(at: request.history.count, for: .draft, index: rows.count)
    guard let taken = positions[index].take(at: share, calibration: calibration)
    else { return nil }
    rows.append(Row(taken: taken, parent: positions[index].row))
    unread.append(rows.count - 1)
    return rows.count - 1
  }

  /// Lets the small model read rows, whose children may then be drawn.
  private mutating func read(_ next: [Int]) throws(InferenceError) {
    let pass = try model.grow(
      next.map { rows[$0].taken.token },
      parents: next.map { rows[$0].parent < 0 ? -1 : rows[rows[$0].parent].place },
      on: request.pool, cancellation: request.cancellation)
    for (index, row) in next.enumerated() {
      rows[row].place = readCount + index
      open(below: row, pass.row(index))
    }
    readCount += next.count
    unread.removeAll { next.contains($0) }
  }

  private mutating func open(below row: Int, _ logits: LogitRow) {
    let confidence = row < 0 ? 1 : rows[row].taken.confidence
    var path: [TokenID] = []
    var ancestor = row
    while ancestor >= 0 {
      path.append(rows[ancestor].taken.token)
      ancestor = rows[ancestor].parent
    }
    var history = request.history
    for token in path.reversed() { history.append(token) }
    positions.append(
      isDrawn
        ? DynamicTreePosition(
          below: row, confidence: confidence,
          drawingFrom: sampler.distribution(logits, history: history))
        : DynamicTreePosition(
          below: row, confidence: confidence,
          inOrder: sampler.best(request.limit, of: logits, history: history)))
  }

  // MARK: The draft

  /// The rows that are worth most, in falling order.
  private func draft(limit: Int) -> Draft {
    let order = rows.indices.sorted {
      let (left, right) = (rows[$0].taken.worth, rows[$1].taken.worth)
      return left > right || left == right && $0 < $1
    }
    return draft(Array(order.prefix(limit)))
  }

  /// Some of the rows: of each also its ancestors, before it.
  private func draft(_ order: [Int]) -> Draft {
    var places: [Int: Int] = [-1: -1]
    for (place, row) in order.enumerated() { places[row] = place }
    return Draft(
      tokens: order.map { rows[$0].taken.token },
      parents: order.map { places[rows[$0].parent] ?? -1 },
      confidences: order.map { Float(rows[$0].taken.confidence) },
      proposals: order.compactMap { rows[$0].taken.proposal })
  }
}
