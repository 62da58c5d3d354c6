import Compute
import Inference
import Testing

/// A small model kept in step with a text that goes along its trees, beside them, or back.
@Suite final class DraftModelTests {
  private let scripted = ScriptedModel()
  private let pool = WorkerPool(count: 1)

  deinit { pool.shutDown() }

  private func read(_ model: DraftModel, _ text: [TokenID]) throws {
    let pass = try model.read(TokenHistory(prompt: text), on: pool)
    #expect(pass.logits.array(pass.range(0)) == scripted.logits(after: text))
  }

  /// Grows and checks the new rows' logits.
  private func grow(
    _ model: DraftModel, _ tree: inout Draft, _ tokens: [TokenID], _ parents: [Int],
    after text: [TokenID]
  ) throws {
    let pass = try model.grow(tokens, parents: parents, on: pool)
    let begin = tree.count
    tree.tokens += tokens
    tree.parents += parents
    for index in tokens.indices {
      #expect(
        pass.logits.array(pass.range(index))
          == scripted.logits(after: text + path(to: begin + index, in: tree)))
    }
  }

  private func path(to row: Int, in tree: Draft) -> [TokenID] {
    var path: [TokenID] = []
    var row = row
    while row >= 0 {
      path.append(tree.tokens[row])
      row = tree.parents[row]
    }
    return path.reversed()
  }

  @Test(arguments: [0, 30]) func whateverTheTextDoesTheLogitsAreThoseOfReadingItAnew(
    leastKept: Int
  ) throws {
    scripted.leastKept = leastKept
    let model = try DraftModel(scripted, capacity: 400)
    var random = TestRandom(31)
    var text: [TokenID] = [1, 2, 3, 4, 5, 6]
    for _ in 0..<300 {
      try read(model, text)
      var tree = Draft.empty
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        let count = Int.random(in: 1...4, using: &random)
        try grow(
          model, &tree, (0..<count).map { _ in TokenID.random(in: 0..<24, using: &random) },
          (0..<count).map { Int.random(in: -1..<tree.count + $0, using: &random) }, after: text)
      }
      switch Int.random(in: 0..<8, using: &random) {
      case 0:
        // Somebody edits what was said.
        text = Array(text.prefix(Int.random(in: 1...text.count, using: &random))) + [7]
      case 1:
        text = (0..<Int.random(in: 1...9, using: &random)).map { _ in
          TokenID.random(in: 0..<24, using: &random)
        }
      case 2:
        text += (0..<5).map { _ in TokenID.random(in: 0..<24, using: &random) }
      default:
        let row = Int.random(in: -1..<tree.count, using: &random)
        text += path(to: row, in: tree) + [TokenID.random(in: 0..<24, using: &random)]
      }
      if text.count > 200 { text.removeLast(150) }
    }
  }

  @Test func acceptedRowsAreNotComputedAgain() throws {
    let model = try DraftModel(scripted, capacity: 100)
    let text: [TokenID] = [1, 2, 3, 4]
    try read(model, text)
    #expect(scripted.rows == 4 && model.takePasses() == 1)
    var tree = Draft.empty
    try grow(model, &tree, [5, 6], [-1, -1], after: text)
    try grow(model, &tree, [7, 8], [1, 0], after: text)
    #expect(scripted.rows == 8 && model.takePasses() == 2)
    #expect(model.room == 100 - 4 - 4)
    // The second branch and a token that nobody drafted.
    try read(model, text + [6, 7, 9])
    #expect(scripted.rows == 9 && model.takePasses() == 1 && model.takePasses() == 0)
    #expect(model.room == 100 - 7)
  }

  @Test func aTreeThatNobodyFollowsLeavesNoTrace() throws {
    let model = try DraftModel(scripted, capacity: 100)
    let text: [TokenID] = [1, 2, 3, 4]
    try read(model, text)
    var tree = Draft.empty
    try grow(model, &tree, [5, 6, 7], [-1, 0, 1], after: text)
    try read(model, text + [9])
    #expect(scripted.rows == 4 + 3 + 1)
    tree = .empty
    try grow(model, &tree, [5], [-1], after: text + [9])
    #expect(model.room == 100 - 6)
  }

  @Test func longTextsAreReadInChunks() throws {
    let model = try DraftModel(scripted, capacity: 900)
    try read(model, (0..<700).map { TokenID($0 % 24) })
    #expect(model.takePasses() == 3)
  }

  @Test func aFullContextIsSaidAndSpoilsNothing() throws {
    let model = try DraftModel(scripted, capacity: 8)
    let text: [TokenID] = [1, 2, 3, 4, 5, 6]
    try read(model, text)
    do {
      _ = try model.grow([1, 2, 3], parents: [-1, 0, 1], on: pool)
      Issue.record("three rows fit into two positions")
    } catch {
      #expect(error.code == .contextFull)
    }
    var tree = Draft.empty
    try grow(model, &tree, [1, 2], [-1, 0], after: text)
    try read(model, text + [1, 3])
  }

  @Test func aCancelledPassSpoilsNothing() throws {
    let model = try DraftModel(scripted, capacity: 100)
    let text: [TokenID] = [1, 2, 3]
    try read(model, text)
    var tree = Draft.empty
    try grow(model, &tree, [4, 5], [-1, 0], after: text)
    let flag = CancellationFlag()
    flag.raise()
    #expect(throws: InferenceError.self) {
      try model.grow([6], parents: [1], on: pool, cancellation: flag)
    }
    #expect(throws: InferenceError.self) {
      try model.read(TokenHistory(prompt: text + [8, 9]), on: pool, cancellation: flag)
    }
    try read(model, text + [4, 9])
    tree = .empty
    try grow(model, &tree, [6], [-1], after: text + [4, 9])
  }
}
