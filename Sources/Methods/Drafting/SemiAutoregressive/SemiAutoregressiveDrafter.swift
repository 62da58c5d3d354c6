import Compute
import Inference

/// Keeps the drafter's network in step with the text, and grows trees of blocks with it.
package final class SemiAutoregressiveDrafter: Drafter {
  package let features: Set<Int>
  private let network: SemiAutoregressiveNetwork
  private let layer: Int
  private let shape: SemiAutoregressive
  private let pool: WorkerPool
  private var prompt: [TokenID] = []
  /// Positions whose hidden states have come, from the first on.
  private var featured = 0
  /// Normed hidden states of the positions `featured - waitingCount..<featured`, which the network has not read yet:
  /// that of a token is read together with the token after it.
  private let waiting: Buffer
  private var waitingCount = 0

  /// States read outside of drafts, so that a long rest of the drafter is not made up for in one draft.
  private static let readAhead = 32

  package init(
    _ network: SemiAutoregressiveNetwork, layer: Int, shape: SemiAutoregressive, pool: WorkerPool
  ) {
    self.network = network
    self.layer = layer
    self.shape = shape
    self.pool = pool
    features = [layer]
    waiting = Buffer(count: (SemiAutoregressiveNetwork.chunk + 1) * network.weights.width)
  }

  package var byteCount: Int { network.byteCount }

  package func begin(_ history: TokenHistory) throws(InferenceError) {
    network.reset()
    prompt = history.tokens
    featured = 0
    waitingCount = 0
  }

  package func observePrompt(_ range: Range<Int>, pass: ForwardPass) throws(InferenceError) {
    guard range.lowerBound == featured, let states = pass.features[layer] else { return }
    for row in 0..<range.count { add(row, of: states, text: prompt) }
  }

  package func observe(_ outcome: DraftOutcome) throws(InferenceError) {
    guard let states = outcome.pass.features[layer] else { return }
    let text = outcome.history.tokens
    let before = text.count - outcome.emitted.count
    // The row of the prompt's last token came as a part of the prompt.
    if featured == before - 1 { add(0, of: states, text: text) }
    guard featured == before else { return }
    for row in outcome.kept { add(row + 1, of: states, text: text) }
    if waitingCount >= Self.readAhead { read(text) }
  }

  private func add(_ row: Int, of states: Buffer, text: [TokenID]) {
    let width = network.weights.width
    if waitingCount > SemiAutoregressiveNetwork.chunk { read(text) }
    let target = network.weights.target
    Kernels.shared.normalize(
      states, at: row * width, count: width, weight: target.outputNorm,
      epsilon: target.normEpsilon, into: waiting, at: waitingCount * width)
    featured += 1
    waitingCount += 1
  }

  /// Lets the network read the waiting states whose next tokens are known.
  private func read(_ text: [TokenID]) {
    let first = featured - waitingCount
    let count = min(
      waitingCount, text.count - 1 - first, SemiAutoregressiveNetwork.chunk,
      network.capacity - network.count)
    guard count > 0 else { return }
    network.read(Array(text[first + 1...first + count]), states: waiting, on: pool)
    let width = network.weights.width
    waiting.copy(from: waiting, count * width..<waitingCount * width, to: 0)
    waitingCount -= count
  }

  package func propose(_ request: DraftRequest) throws(InferenceError) -> Draft {
    let text = request.history.tokens
    read(text)
    let block = network.weights.block
    guard network.count == text.count - 1, network.count >= block else { return .empty }
    var tree = SemiAutoregressiveTree(
      limit: request.limit, branch: shape.branch, leastConfidence: request.leastConfidence)
    network.decodeLast(on: pool)
    tree.add(choices(first: 0), to: nil, place: 0)
    for _ in 1..<max(shape.passes, 1) {
      if request.cancellation?.isRaised == true { break }
      let leaves = tree.takeLeaves(shape.width)
      let rows = network.provisionalCount + leaves.count * block
      guard !leaves.isEmpty, rows <= SemiAutoregressiveNetwork.chunk,
        network.count + rows <= network.capacity
      else { break }
      let places = network.grow(
        leaves.map { (parent: $0.place, tokens: tree.path(of: $0, length: block)) }, on: pool)
      for (index, leaf) in leaves.enumerated() {
        tree.add(choices(first: index * block), to: leaf, place: places[index])
      }
    }
    return tree.draft()
  }

  /// The tokens considered for each place of a block whose first row of logits is `first`.
  private func choices(first: Int) -> [[Candidate]] {
    (0..<network.weights.block).map { network.best(shape.branch, row: first + $0) }
  }
}
