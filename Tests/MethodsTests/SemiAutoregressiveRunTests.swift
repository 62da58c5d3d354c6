import Compute
import Inference
import Methods
import TestSupport
import Testing

/// The drafter inside the decoding loop.
@Suite struct SemiAutoregressiveRunTests {
  /// Settings of the sampler, tokens of a block, and knobs; empty ones leave the governor in charge.
  static let cases: [(SamplerSettings, Int, [[String: Double]])] = [
    (.greedy, 2, [[:], ["passes": 3, "width": 2, "branch": 4, "nodes": 24]]),
    (.drawn(seed: 4), 2, [["passes": 2, "width": 4, "branch": 2, "nodes": 16]]),
    (.drawn(seed: 4), 1, [["passes": 3, "width": 1, "branch": 1, "nodes": 2]]),
    (.greedy, 3, [["passes": 2, "width": 3, "branch": 2, "nodes": 12]]),
  ]

  @Test(arguments: cases) func tokensAreThoseOfPlainDecoding(
    settings: SamplerSettings, block: Int, values: [[String: Double]]
  ) throws {
    let lab = try MethodLab(architecture: block == 3 ? "gemma3" : "llama")
    let plain = try lab.run(.none, settings: settings, maximumTokens: 24)
    lab.weights[SemiAutoregressive.weightFile] =
      DrafterFixture.matching(lab.target.model.shape, block: block).file
    for values in values {
      let choice = MethodChoice("semi-autoregressive", values: values)
      // A governor soon finds out that a drafter that was never trained does not pay.
      let selection = MethodSelection([choice], isGoverned: values.isEmpty)
      let drafted = try lab.run(selection, settings: settings, maximumTokens: 24)
      #expect(drafted.tokens == plain.tokens, "\(choice.text)")
      #expect(drafted.rounds.drafted > (values.isEmpty ? 0 : 20))
    }
  }

  /// Whatever was accepted and refused, the drafter stands where reading the text from its beginning brings it.
  @Test func rejectionsLeaveNoTrace() throws {
    let lab = try MethodLab()
    let model = lab.target.model
    let plain = try lab.run(.none, settings: .greedy)
    let weights = try SemiAutoregressiveWeights(
      DrafterFixture.matching(model.shape).file, for: model)
    var shape = SemiAutoregressive()
    (shape.passes, shape.nodes, shape.branch) = (2, 8, 2)
    func drafter(knowing known: [TokenID]) -> PromptedDrafter {
      PromptedDrafter(
        SemiAutoregressiveDrafter(
          SemiAutoregressiveNetwork(weights, capacity: 256), layer: model.shape.layers - 1,
          shape: shape, pool: lab.pool), known: known)
    }
    let known = MethodLab.prompt + plain.tokens
    let tested = drafter(knowing: known)
    lab.sabotage = { $0.drafter = tested }
    #expect(try lab.run(.none, settings: .greedy).tokens == plain.tokens)
    #expect(Set(tested.acceptedCounts).count >= 4)
    var compared = 0
    for (length, draft) in tested.drafts.sorted(by: { $0.key < $1.key }).prefix(10) {
      // The same text as a prompt.
      let fresh = drafter(knowing: [])
      lab.sabotage = { $0.drafter = fresh }
      let prompt = Array(known.prefix(length - 1))
      _ = try lab.run(.none, settings: .greedy, prompt: prompt, maximumTokens: 6)
      // The most that fits before the end is asked for, so one may be longer than the other.
      guard let expected = fresh.drafts[length] else { continue }
      let shared = min(draft.count, expected.count)
      #expect(draft.prefix(shared) == expected.prefix(shared), "after \(length) tokens")
      if shared > 1 { compared += 1 }
    }
    #expect(compared >= 6)
  }

  @Test func withoutWeightsTheMethodSaysSo() throws {
    let lab = try MethodLab()
    #expect {
      try lab.run(MethodSelection([MethodChoice("semi-autoregressive")]), settings: .greedy)
    } throws: { error in
      (error as? InferenceError)?.message.contains(SemiAutoregressive.weightFile) == true
    }
  }
}

/// Notes what another drafter proposes, and proposes the right tokens for a while and then a wrong one in its place.
final class PromptedDrafter: Drafter {
  private let inner: SemiAutoregressiveDrafter
  private let known: [TokenID]
  private(set) var drafts: [Int: Draft] = [:]
  private(set) var acceptedCounts: [Int] = []

  init(_ inner: SemiAutoregressiveDrafter, known: [TokenID]) {
    self.inner = inner
    self.known = known
  }

  var features: Set<Int> { inner.features }

  func begin(_ history: TokenHistory) throws(InferenceError) { try inner.begin(history) }

  func observePrompt(_ range: Range<Int>, pass: ForwardPass) throws(InferenceError) {
    try inner.observePrompt(range, pass: pass)
  }

  func propose(_ request: DraftRequest) throws(InferenceError) -> Draft {
    let length = request.history.count
    drafts[length] = try inner.propose(request)
    let right = known.dropFirst(length).prefix(length % 5)
    var tokens = Array(right)
    tokens.append((known.dropFirst(length + tokens.count).first ?? 0) ^ 1)
    return Draft(tokens: tokens, parents: tokens.indices.map { $0 - 1 }).prefix(request.limit)
  }

  func observe(_ outcome: DraftOutcome) throws(InferenceError) {
    acceptedCounts.append(outcome.kept.count)
    try inner.observe(outcome)
  }
}
