import Compute
import Foundation
import Inference
import Methods
import Models
import TestSupport
import Testing

@Suite struct SemiAutoregressiveTests {
  let pool = WorkerPool(count: 2, adapts: false)

  func expectClose(
    _ values: [Float], _ expected: [Float], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(values.count == expected.count, sourceLocation: sourceLocation)
    for (value, wanted) in zip(values, expected) {
      // Keys and values are kept in half precision.
      #expect(abs(value - wanted) < 0.01 * max(1, abs(wanted)), sourceLocation: sourceLocation)
    }
  }

  /// Reads the first rows of the fixture's text in pieces.
  func read(
    _ network: SemiAutoregressiveNetwork, _ fixture: DrafterFixture, rows: Int, pieces: [Int],
    on pool: WorkerPool
  ) {
    let states = fixture.states()
    var done = 0
    for piece in pieces {
      let part = Buffer(count: piece * fixture.width)
      part.copy(
        from: states, done * fixture.width..<(done + piece) * fixture.width, to: 0)
      network.read(Array(fixture.text[done + 1...done + piece]), states: part, on: pool)
      done += piece
    }
    #expect(done == rows)
  }

  @Test(arguments: [0, 1]) func theForwardPassIsThatOfTheReference(index: Int) throws {
    defer { pool.shutDown() }
    let fixture = try DrafterFixture.recorded()
    let wanted = fixture.cases[index]
    let network = try fixture.network()
    read(network, fixture, rows: wanted.rows, pieces: [5, wanted.rows - 5], on: pool)
    network.decodeLast(on: pool)
    let count = fixture.block * fixture.shortlist.count
    expectClose(network.scratch.outputs.floats.array(0..<wanted.states.count), wanted.states)
    expectClose(network.scratch.logits.array(0..<count), wanted.logits)
    let places = network.grow([(parent: 0, tokens: wanted.drafted)], on: pool)
    #expect(places == [fixture.block])
    let first = fixture.block * fixture.width
    expectClose(
      network.scratch.outputs.floats.array(first..<first + wanted.grownStates.count),
      wanted.grownStates)
    expectClose(network.scratch.logits.array(0..<count), wanted.grownLogits)
  }

  @Test func piecesThreadsAndEarlierDraftsChangeNoBit() throws {
    defer { pool.shutDown() }
    let fixture = try DrafterFixture.recorded()
    let single = WorkerPool(count: 1)
    defer { single.shutDown() }
    let count = fixture.block * fixture.shortlist.count
    func logits(_ pieces: [Int], on pool: WorkerPool, drafts: Bool) throws -> [Float] {
      let network = try fixture.network()
      read(network, fixture, rows: 7, pieces: [7], on: pool)
      if drafts {
        network.decodeLast(on: pool)
        _ = network.grow([(parent: 0, tokens: [3, 4])], on: pool)
      }
      network.reset()
      read(network, fixture, rows: 9, pieces: pieces, on: pool)
      if drafts {
        network.decodeLast(on: pool)
        let places = network.grow([(0, [1, 2]), (0, [6, 7])], on: pool)
        _ = network.grow([(places[1], [8, 9])], on: pool)
      }
      network.decodeLast(on: pool)
      return network.scratch.logits.array(0..<count)
    }
    let plain = try logits([9], on: single, drafts: false)
    #expect(try logits([1, 1, 1, 1, 1, 1, 1, 1, 1], on: single, drafts: false) == plain)
    #expect(try logits([4, 5], on: pool, drafts: true) == plain)
    #expect(Set(plain).count > 4)
  }

  @Test func blocksOfATreeAreWhatTheyWouldBeAlone() throws {
    defer { pool.shutDown() }
    let fixture = try DrafterFixture.recorded()
    let count = fixture.block * fixture.shortlist.count
    let network = try fixture.network()
    read(network, fixture, rows: 9, pieces: [9], on: pool)
    network.decodeLast(on: pool)
    let together = network.grow([(0, [1, 2]), (0, [6, 7])], on: pool)
    _ = network.grow([(together[1], [9, 3])], on: pool)
    let tree = network.scratch.logits.array(0..<count)
    network.decodeLast(on: pool)
    let alone = network.grow([(0, [6, 7])], on: pool)
    _ = network.grow([(alone[0], [9, 3])], on: pool)
    #expect(network.scratch.logits.array(0..<count) == tree)
    network.decodeLast(on: pool)
    let other = network.grow([(0, [1, 2])], on: pool)
    _ = network.grow([(other[0], [9, 3])], on: pool)
    #expect(network.scratch.logits.array(0..<count) != tree)
  }

  @Test func draftsAreSortedTreesOfTheLikeliestTokens() {
    func candidates(_ pairs: [(TokenID, Float)]) -> [Candidate] {
      pairs.map { Candidate(token: $0.0, probability: $0.1) }
    }
    var tree = SemiAutoregressiveTree(limit: 5, branch: 2, leastConfidence: 0.06)
    tree.add(
      [candidates([(1, 0.6), (2, 0.3)]), candidates([(3, 0.5), (4, 0.1)])], to: nil, place: 0)
    let leaves = tree.takeLeaves(1)
    #expect(leaves.map { tree.path(of: $0, length: 2) } == [[1, 3]])
    #expect(tree.takeLeaves(1).map { tree.path(of: $0, length: 2) } == [[2, 3]])
    tree.add([candidates([(7, 1)]), candidates([(8, 0.5)])], to: leaves[0], place: 2)
    let draft = tree.draft()
    #expect(draft.tokens == [1, 2, 3, 7, 3])
    #expect(draft.parents == [-1, -1, 0, 2, 1])
    #expect(draft.confidences == [0.6, 0.3, 0.3, 0.3, 0.15])
    #expect(draft.sound(limit: 48, vocabulary: 10) == draft)
  }

  @Test func weightsOfAnotherModelAreRefused() throws {
    let model = try TinyModel().load().model
    var fixture = DrafterFixture.matching(model.shape)
    _ = try SemiAutoregressiveWeights(fixture.file, for: model)
    fixture.width = 32
    let error = #expect(throws: InferenceError.self) {
      try SemiAutoregressiveWeights(fixture.file, for: model)
    }
    #expect(error?.code == .invalidRequest)
    #expect(error?.message.contains("width 32") == true)
  }

  @Test(arguments: [
    ("drafter.shortlist", [-1]), ("drafter.shortlist", [1 << 40]), ("drafter.shortlist", []),
    ("drafter.block", [0]), ("drafter.block", [1 << 40]), ("drafter.heads", [3]),
    ("drafter.kv_heads", [0]), ("drafter.head_dimension", [15]), ("drafter.feed_forward", [-1]),
  ]) func figuresThatMakeNoSenseAreRefused(key: String, value: [Int]) throws {
    let fixture = try DrafterFixture.recorded()
    var file = fixture.file
    file.numbers[key] = value
    let error = #expect(throws: InferenceError.self) {
      try SemiAutoregressiveWeights(file, target: fixture.target)
    }
    #expect(error?.code == .modelFile)
  }

  /// A network trained by train.py --toy, where token t is followed by 5 t + 1, foretells that.
  @Test func whatTrainingWritesLoadsAndHasLearnt() throws {
    defer { pool.shutDown() }
    let (width, vocabulary) = (32, 64)
    let path = (#filePath as NSString).deletingLastPathComponent + "/Fixtures/toy-drafter.bin"
    let file = try GGUFWeightFile(path: path)
    let embedding = Tensor(
      values: DrafterFixture.numbers(11, vocabulary, width), rows: vocabulary, columns: width)
    let norm = Tensor(
      values: DrafterFixture.numbers(13, 1, width).map { 1 + 0.3 * $0 }, rows: 1, columns: width)
    let target = VocabularyWeights(
      embedding: embedding, outputNorm: norm, normEpsilon: 1e-5, head: embedding)
    let network = SemiAutoregressiveNetwork(
      try SemiAutoregressiveWeights(file, target: target), capacity: 64)
    var text: [TokenID] = [7]
    while text.count < 40 { text.append((text[text.count - 1] * 5 + 1) % TokenID(vocabulary)) }
    var right = 0
    for length in 8..<36 {
      // A state of the toy is the embedding of the token that it foretells.
      let states = Buffer(count: length * width)
      for row in 0..<length {
        Kernels.shared.dequantize(
          embedding, row: Int(text[row + 1]), into: states, at: row * width)
        Kernels.shared.normalize(
          states, at: row * width, count: width, weight: norm, epsilon: 1e-5, into: states,
          at: row * width)
      }
      network.reset()
      network.read(Array(text[1...length]), states: states, on: pool)
      network.decodeLast(on: pool)
      for place in 0..<2
      where network.best(1, row: place).first?.token == text[length + 1 + place] { right += 1 }
    }
    #expect(right >= 42, "\(right) of 56")
  }
}
