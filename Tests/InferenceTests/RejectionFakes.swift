import Compute
import Inference

/// A model and a drafting model whose logits are functions of the text, and samples of what a verifier makes of them.
final class RejectionWorld {
  let model: ScriptedModel
  let settings: SamplerSettings
  /// Tokens that are counted.
  let length: Int
  private let prompt: [TokenID] = [1, 2, 3]
  private var rows: [[TokenID]: Buffer] = [:]
  private var proposals: [[TokenID]: Distribution] = [:]
  private let logits: Buffer
  /// One chain serves every sample, as one serves every token of an answer.
  private var chain: SamplerChain

  static let mostRows = 12

  init(vocabulary: Int, length: Int, settings: SamplerSettings) {
    model = ScriptedModel(vocabulary: vocabulary)
    self.length = length
    self.settings = settings
    chain = SamplerChain(settings: settings)
    logits = Buffer(count: (Self.mostRows + 1) * vocabulary)
  }

  /// Parents of a draft's rows.
  static let shapes: [String: [Int]] = [
    "chain": [-1, 0, 1], "siblings": [-1, -1, -1, -1], "tree": [-1, -1, 0, 0, 1, -1, 2],
  ]

  /// What a drafter may get wrong.
  enum Drafting {
    case sound
    /// The first tokens of the distribution are taken and said to be drawn.
    case takesTheBest
    /// Siblings are drawn without those before them, and said to be drawn with them.
    case keepsTheSibling
    /// Whether a row is in the draft depends on what was drawn for it.
    case dropsTheUnlikely
    /// The first tokens are taken, and nothing else is said.
    case chooses
  }

  private func row(_ text: [TokenID]) -> Buffer {
    if let row = rows[text] { return row }
    let row = Buffer(model.logits(after: prompt + text))
    rows[text] = row
    return row
  }

  func target(_ text: [TokenID]) -> Distribution {
    SamplerChain(settings: settings).distribution(
      LogitRow(row(text), 0..<model.shape.vocabulary), history: history(text))
  }

  /// What tokens are drafted from: as unlike the target as can be.
  private func proposal(_ text: [TokenID]) -> Distribution {
    if let proposal = proposals[text] { return proposal }
    var random = TestRandom(text.reduce(99) { $0 &* 31 &+ UInt64($1) })
    let tokens = (0..<TokenID(model.shape.vocabulary)).filter { _ in random.next() % 4 > 0 }
    let proposal = Distribution(
      tokens: tokens, weights: tokens.map { _ in Double.random(in: 0.001...1, using: &random) })
    proposals[text] = proposal
    return proposal
  }

  func draft(
    _ parents: [Int], after text: [TokenID], seed: UInt64, drafting: Drafting = .sound
  ) -> (Draft, texts: [[TokenID]]) {
    let random = RandomNumbers(seed: seed)
    var draft = Draft()
    var texts: [[TokenID]] = []
    var left: [Int: Distribution] = [:]
    var numbers: [Int: Int] = [:]
    for (place, parent) in parents.enumerated() {
      // A row that was left out takes those below it along.
      guard parent < 0 || numbers[parent] != nil else { continue }
      let above = parent < 0 ? text : texts[numbers[parent] ?? 0]
      guard above.count < length else { continue }
      let from = left[parent] ?? proposal(above)
      let share = random.uniform(at: prompt.count + text.count, for: .draft, index: place)
      let chooses = drafting == .takesTheBest || drafting == .chooses
      guard let token = chooses ? from.best : from.token(at: share) else { continue }
      left[parent] = from.removing(token)
      if drafting == .dropsTheUnlikely, from[token] < 0.2 { continue }
      numbers[place] = draft.count
      draft.tokens.append(token)
      draft.parents.append(parent < 0 ? -1 : numbers[parent] ?? -1)
      if drafting != .chooses {
        draft.proposals.append(drafting == .keepsTheSibling ? proposal(above) : from)
      }
      texts.append(above + [token])
    }
    return (draft, texts)
  }

  /// The pass that verifies a draft.
  func pass(_ texts: [[TokenID]], after text: [TokenID]) -> ForwardPass {
    let vocabulary = model.shape.vocabulary
    logits.copy(from: row(text), 0..<vocabulary, to: 0)
    for place in texts.indices {
      logits.copy(from: row(texts[place]), 0..<vocabulary, to: (place + 1) * vocabulary)
    }
    return ForwardPass(logits: logits, vocabulary: vocabulary)
  }

  func history(_ text: [TokenID]) -> TokenHistory { TokenHistory(prompt: prompt + text) }

  /// The tokens that one seed gives.
  func sample(
    seed: UInt64, parents: [Int], verifier: any Verifier, drafting: Drafting
  ) throws -> [TokenID] {
    chain.settings.seed = seed
    chain.reset()
    var text: [TokenID] = []
    while text.count < length {
      let (draft, texts) = draft(parents, after: text, seed: seed, drafting: drafting)
      let verification = try verifier.verify(
        draft, pass: pass(texts, after: text), history: history(text), sampler: &chain)
      text += verification.tokens.map(\.token)
    }
    return Array(text.prefix(length))
  }

  /// The probability of every text of the length.
  func outcomes() -> [[TokenID]: Double] {
    var outcomes: [[TokenID]: Double] = [[]: 1]
    for _ in 0..<length {
      var longer: [[TokenID]: Double] = [:]
      for (text, probability) in outcomes {
        let next = target(text)
        for (token, share) in zip(next.tokens, next.probabilities) {
          longer[text + [token]] = probability * share
        }
      }
      outcomes = longer
    }
    return outcomes
  }
}

/// A deliberate mistake: what was refused is drawn again from the whole distribution.
final class ForgetfulVerifier: Verifier {
  func verify(
    _ draft: Draft, pass: ForwardPass, history: TokenHistory, sampler: inout SamplerChain
  ) throws(InferenceError) -> Verification {
    let prospects = sampler.prospects(pass.row(0), history: history)
    let random = RandomNumbers(seed: sampler.settings.seed)
    for (rank, child) in draft.children(of: -1).enumerated() {
      let token = draft.tokens[child]
      let chance = prospects.distribution[token] / draft.proposals[child][token]
      if random.uniform(at: history.count, for: .acceptance, index: rank) < chance {
        return Verification(accepted: [child], tokens: [prospects.sampled(token)])
      }
    }
    return Verification(accepted: [], tokens: [sampler.sample(pass.row(0), history: history)])
  }
}
