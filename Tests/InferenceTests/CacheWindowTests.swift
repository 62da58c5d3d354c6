import Compute
import Inference
import TestSupport
import Testing

/// Passes of random queries, keys and values through a cache; what a row carries is a function of its position and tag.
private final class CacheDriver {
  let cache: any KVCache
  /// The window of each layer.
  let windows: [Int?]
  private let pool: WorkerPool
  private let rotary = RotaryTable(
    dimension: 64, positions: 10_000, base: 10_000, isInterleaved: false)
  private static let heads = 6
  private static let kvHeads = 2

  init(cache: any KVCache, windows: [Int?], threads: Int = 2) {
    self.cache = cache
    self.windows = windows
    pool = WorkerPool(count: threads)
    rotary.extend(to: 10_000)
  }

  convenience init(windows: [Int?], capacity: Int = 10_000, rollback: Int, threads: Int = 2) {
    let layout = DenseKVCache.Layout(
      layers: windows.count, kvHeads: Self.kvHeads, headDimension: 64)
    self.init(
      cache: DenseKVCache(layout: layout, capacity: capacity, rollback: rollback),
      windows: windows, threads: threads)
  }

  deinit { pool.shutDown() }

  /// The attention output of each row in each layer, not committed.
  @discardableResult func pass(_ parents: [Int], tag: UInt64 = 0) throws -> [[UInt32]] {
    try cache.begin(parents: parents)
    var positions: [Int] = []
    for parent in parents {
      positions.append(parent < 0 ? cache.count : positions[parent] + 1)
    }
    var outputs = Array(repeating: [UInt32](), count: parents.count)
    for (layer, window) in windows.enumerated() {
      let step = AttentionStep(
        layer: layer, kernels: .shared,
        queries: buffer(Self.heads, positions, tag, UInt64(3 * layer)),
        keys: buffer(Self.kvHeads, positions, tag, UInt64(3 * layer + 1)),
        values: buffer(Self.kvHeads, positions, tag, UInt64(3 * layer + 2)),
        output: Buffer(count: positions.count * Self.heads * 64), rows: 0..<positions.count,
        heads: Self.heads, kvHeads: Self.kvHeads, headDimension: 64, rotary: rotary,
        window: window, scale: 0.125)
      pool.run { cache.attend(step, as: $0) }
      let width = Self.heads * 64
      for row in outputs.indices {
        outputs[row] += step.output.array(row * width..<(row + 1) * width).map(\.bitPattern)
      }
    }
    return outputs
  }

  /// Reads `count` rows in chunks and keeps them.
  func read(_ count: Int, chunk: Int = 128, tag: UInt64 = 0) throws {
    var left = count
    while left > 0 {
      let rows = min(chunk, left)
      try pass(Array(-1..<rows - 1), tag: tag)
      cache.commit(Array(0..<rows))
      left -= rows
    }
  }

  private func buffer(_ heads: Int, _ positions: [Int], _ tag: UInt64, _ kind: UInt64) -> Buffer {
    let buffer = Buffer(count: positions.count * heads * 64)
    for (row, position) in positions.enumerated() {
      var random = SplitMix64(seed: UInt64(position) << 24 ^ tag << 8 ^ kind)
      let values = (0..<heads * 64).map { _ in random.normal() }
      buffer.replace(at: row * heads * 64, with: values)
    }
    return buffer
  }
}

@Suite struct CacheWindowTests {
  /// Bytes of a position in a layer.
  static let position = 2 * 64 * 4

  @Test func memoryStaysBoundedWhileAWindowPasses() throws {
    let driver = CacheDriver(windows: [64], rollback: 100)
    let cache = try #require(driver.cache as? DenseKVCache)
    var most = 0
    var mostResident = 0
    for _ in 0..<64 {
      try driver.read(128)
      most = max(most, cache.byteCount)
      mostResident = max(mostResident, cache.residentByteCount)
    }
    #expect(cache.count == 8192)
    // What is needed, what is released at a time, the last chunk.
    #expect(most <= (64 + 100 + 128 + 128) * Self.position)
    #expect(most >= (64 + 100) * Self.position)
    // A page at each end of each of four ranges besides.
    let page = Buffer.pageByteCount
    #expect(mostResident <= (64 + 100 + 128 + 128) * Self.position + 16 * page)
  }

  @Test func aLayerWithoutWindowKeepsEverything() throws {
    let driver = CacheDriver(windows: [nil, 16], rollback: 32)
    try driver.read(1000)
    let kept = driver.cache.byteCount / Self.position
    #expect(kept >= 1048 && kept <= 1304)
    // Any position could be continued from but for the layer with the window.
    #expect(driver.cache.truncate(to: 10) == 0)
    #expect(driver.cache.byteCount == 0)
  }

  @Test(arguments: [1, 2, 3, 4]) func bitsAreThoseOfACacheThatKeepsEverything(
    threads: Int
  ) throws {
    let windows = [64, nil, 200]
    let releasing = CacheDriver(windows: windows, rollback: 20, threads: threads)
    let keeping = CacheDriver(windows: windows, rollback: .max / 2, threads: 2)
    for chunk in [1, 128, 7, 300, 1, 64, 5, 512, 3] {
      let parents = Array(-1..<chunk - 1)
      #expect(try releasing.pass(parents) == keeping.pass(parents))
      for driver in [releasing, keeping] { driver.cache.commit(Array(0..<chunk)) }
    }
    #expect(releasing.cache.byteCount < keeping.cache.byteCount)
    // A tree, of which the second branch is kept.
    let tree = [-1, 0, 1, 0, 3]
    #expect(try releasing.pass(tree, tag: 1) == keeping.pass(tree, tag: 1))
    for driver in [releasing, keeping] { driver.cache.commit([0, 3, 4]) }
    #expect(try releasing.pass([-1]) == keeping.pass([-1]))
  }

  @Test(arguments: [1, 20, 99, 100]) func aRollbackWithinReachLeavesNoTrace(back: Int) throws {
    let driver = CacheDriver(windows: [64, nil], rollback: 100)
    try driver.read(1000 - back)
    let expected = try driver.pass([-1, 0, 1], tag: 5)
    driver.cache.truncate(to: 1000 - back)
    try driver.read(back, chunk: 3, tag: 9)
    #expect(driver.cache.truncate(to: 1000 - back) == 1000 - back)
    #expect(try driver.pass([-1, 0, 1], tag: 5) == expected)
  }

  @Test func aRollbackOutOfReachBeginsAnew() throws {
    let driver = CacheDriver(windows: [64], rollback: 100)
    try driver.read(300)
    let expected = try driver.pass([-1])
    try driver.read(1000, tag: 9)
    #expect(driver.cache.truncate(to: 300) == 0)
    #expect(driver.cache.count == 0 && driver.cache.byteCount == 0)
    try driver.read(300)
    #expect(try driver.pass([-1]) == expected)
  }

  @Test func rollbacksOneAfterTheOtherReachNoFurtherThanOne() throws {
    let driver = CacheDriver(windows: [64], rollback: 100)
    try driver.read(2000)
    #expect(driver.cache.truncate(to: 1900) == 1900)
    #expect(driver.cache.truncate(to: 1700) == 0)
  }

  @Test func aForkHasTheSameReach() throws {
    let driver = CacheDriver(windows: [64, nil], rollback: 100)
    try driver.read(1500)
    let fork = CacheDriver(cache: try driver.cache.fork(), windows: driver.windows)
    #expect(fork.cache.byteCount == driver.cache.byteCount)
    #expect(try fork.pass([-1, 0]) == driver.pass([-1, 0]))
    // The fork goes its own way, releases its own rows and leaves the other as it was.
    let expected = try driver.pass([-1])
    try fork.read(700, tag: 3)
    #expect(try driver.pass([-1]) == expected)
    #expect(fork.cache.truncate(to: 1500) == 0)
    #expect(driver.cache.truncate(to: 1400) == 1400)
  }

  @Test(arguments: [1, 2, 5]) func fewRowsAtDepthHaveTheSameBitsWithAnyTeam(rows: Int) throws {
    let parents = Array(-1..<rows - 1)
    var results: [[[UInt32]]] = []
    for threads in 1...4 {
      let driver = CacheDriver(windows: [nil, 700], rollback: 2000, threads: threads)
      try driver.read(2100)
      results.append(try driver.pass(parents, tag: 2))
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }
}
