import Compute
import Inference
import Models
import TestSupport
import Testing

/// The arithmetic that a pass books, against counts made by hand.
@Suite struct OperationCountsTests {
  private func totals(
    _ batch: TokenBatch, after cached: Int, _ tiny: TinyModel
  ) throws -> OperationTotals {
    let model = try tiny.load().model
    let pool = WorkerPool(count: 2)
    defer { pool.shutDown() }
    let cache = try model.makeCache(capacity: 64)
    let clock = PhaseClock()
    if cached > 0 {
      let before = TokenBatch(chain: (0..<cached).map { TokenID($0 + 5) }, logits: .none)
      _ = try model.forward(before, caches: [cache], on: pool, clock: clock)
      cache.commit(Array(0..<cached))
    }
    _ = clock.take()
    _ = try model.forward(batch, caches: [cache], on: pool, clock: clock)
    return clock.take()
  }

  @Test func matricesCountTwoForEachWeightAndRow() throws {
    let tiny = TinyModel()
    let batch = TokenBatch(chain: [30, 31, 32], logits: .last)
    let totals = try totals(batch, after: 0, tiny)
    let (queries, keys) = (tiny.heads * tiny.headDimension, tiny.kvHeads * tiny.headDimension)
    // Only the last row wants logits, so of the last layer the others need keys and values alone.
    let rows = 3 * (tiny.layers - 1) + 1
    let projections = rows * 2 * tiny.width * queries + 3 * tiny.layers * 2 * tiny.width * keys
    #expect(totals[.projection].operations == 2 * projections)
    #expect(totals[.feedForward].operations == 2 * rows * 3 * tiny.width * tiny.feedForward)
    let vocabulary = try tiny.load().model.shape.vocabulary
    #expect(totals[.head].operations == 2 * vocabulary * tiny.width)
    #expect(totals[.norm].operations == 0)
    #expect(totals[.embedding].operations == 0)
  }

  @Test func attentionCountsThePositionsThatEachRowSees() throws {
    let tiny = TinyModel()
    let each = 4 * tiny.heads * tiny.headDimension
    let chain = try totals(TokenBatch(chain: [30, 31, 32], logits: .all), after: 18, tiny)
    #expect(chain[.attention].operations == each * tiny.layers * (19 + 20 + 21))
    let last = try totals(TokenBatch(chain: [30, 31, 32], logits: .last), after: 18, tiny)
    #expect(
      last[.attention].operations == each * ((tiny.layers - 1) * (19 + 20 + 21) + 21))
    // Rows of a tree see their ancestors only.
    var tree = TokenBatch(chain: [30, 31, 32, 33, 34, 35], logits: .all)
    tree.parents = [-1, 0, 1, 0, 3, -1]
    let totals = try totals(tree, after: 18, tiny)
    #expect(
      totals[.attention].operations == each * tiny.layers * (19 + 20 + 21 + 20 + 21 + 19))
  }

  @Test func aWindowBoundsWhatARowSees() throws {
    let tiny = TinyModel(architecture: "gemma3")
    let each = 4 * tiny.heads * tiny.headDimension
    let totals = try totals(TokenBatch(chain: [30, 31, 32], logits: .all), after: 14, tiny)
    // One layer of the two has a window of 16 positions.
    #expect(totals[.attention].operations == each * ((15 + 16 + 16) + (15 + 16 + 17)))
  }
}
