import Compute
import Glibc
import Inference
import Methods
import Models
import TestSupport
import Testing

@Suite struct JudgeTests {
  /// A judge that says the same of every token.
  static func indifferent(_ width: Int, bias: Float) -> MemoryWeights {
    var file = MemoryWeights()
    file.tensors["judge.weight"] = Tensor(
      values: Array(repeating: 0, count: width), rows: 1, columns: width)
    file.tensors["judge.bias"] = Tensor(values: [bias], rows: 1, columns: 1)
    return file
  }

  /// A pass over random logits and states, row by row.
  static func pass(rows: Int, vocabulary: Int, width: Int) -> ForwardPass {
    var random = SplitMix64(seed: 9)
    let logits = Buffer(count: rows * vocabulary)
    logits.replace(at: 0, with: (0..<rows * vocabulary).map { _ in random.normal() * 2 })
    let states = Buffer(count: rows * width)
    states.replace(at: 0, with: (0..<rows * width).map { _ in random.normal() * 3 })
    return ForwardPass(logits: logits, vocabulary: vocabulary, features: [1: states])
  }

  static func best(_ pass: ForwardPass, _ row: Int) -> TokenID {
    TokenID(Kernels.shared.argmax(pass.logits, pass.range(row)))
  }

  @Test func theHeadIsALogisticRegressionOfNormedStates() {
    let states = Buffer(count: 8)
    states.replace(at: 0, with: [9, 9, 9, 9, 3, -4, 0, 0])
    let head = JudgeHead(weights: [1, -0.5, 7, 0.25], bias: -1)
    // The second row's root mean square is 2.5.
    let wanted = 1 / (1 + exp(-(3 / 2.5 + 0.5 * 4 / 2.5 - 1)))
    #expect(abs(head.probability(states, row: 1) - wanted) < 1e-6)
  }

  @Test func aTokenIsAcceptedByTheModelOrTheJudgeAndTheFirstDoubleNoEndsIt() throws {
    let (vocabulary, width) = (40, 8)
    let pass = Self.pass(rows: 6, vocabulary: vocabulary, width: width)
    let weights = DrafterFixture.numbers(3, 1, width)
    var outcomes: Set<Int> = []
    for bias in stride(from: Float(-3), through: 3, by: 0.5) {
      let head = JudgeHead(weights: weights, bias: bias)
      // The model itself would write the second token.
      var tokens = (0..<5).map { (Self.best(pass, $0) + 1) % TokenID(vocabulary) }
      tokens[1] = Self.best(pass, 1)
      let draft = Draft(tokens: tokens, parents: Array(-1..<4))
      var sampler = SamplerChain(settings: .greedy)
      let verifier = JudgeVerifier(head, layer: 1, threshold: 0.5)
      let verification = try verifier.verify(
        draft, pass: pass, history: TokenHistory(prompt: [1]), sampler: &sampler)
      let states = try #require(pass.features[1])
      let passes = (0..<5).map { $0 == 1 || head.probability(states, row: $0 + 1) >= 0.5 }
      let count = passes.firstIndex(of: false) ?? 5
      #expect(verification.accepted == Array(0..<count))
      #expect(verification.tokens.map(\.token) == tokens.prefix(count) + [Self.best(pass, count)])
      #expect(verification.lenient == count - (count > 1 ? 1 : 0))
      outcomes.insert(count)
    }
    #expect(outcomes.count >= 3)
  }

  @Test func amongBranchesTheModelsOwnTokenGoesFirstAndThenTheJudgesFavourite() throws {
    let pass = Self.pass(rows: 4, vocabulary: 40, width: 8)
    let states = try #require(pass.features[1])
    let head = JudgeHead(weights: DrafterFixture.numbers(3, 1, 8), bias: 5)
    let own = Self.best(pass, 0)
    let others = (1...3).map { (own + $0) % 40 }
    var sampler = SamplerChain(settings: .greedy)
    let verifier = JudgeVerifier(head, layer: 1, threshold: 0.05)
    func accepted(_ tokens: [TokenID]) throws -> Verification {
      try verifier.verify(
        Draft(tokens: tokens, parents: [-1, -1, -1]), pass: pass,
        history: TokenHistory(prompt: [1]), sampler: &sampler)
    }
    let strict = try accepted([others[0], own, others[1]])
    #expect(strict.accepted == [1] && strict.lenient == 0)
    let favourite = (0..<3).max {
      head.probability(states, row: $0 + 1) < head.probability(states, row: $1 + 1)
    }
    let lenient = try accepted(others)
    #expect(lenient.accepted == [try #require(favourite)] && lenient.lenient == 1)
    // Its record tells what the model made of it.
    let token = try #require(lenient.tokens.first)
    let logits = pass.row(0)
    let ratio =
      logits.logits[Int(token.token)] - logits.logits[Int(own)]
      + (try #require(strict.tokens.first)).modelLogProbability
    #expect(abs(token.modelLogProbability - ratio) < 1e-5 && token.probability == 0)
  }

  @Test(arguments: [SamplerSettings.greedy, .drawn(seed: 2)])
  func theThresholdDecidesHowMuchPasses(settings: SamplerSettings) throws {
    let lab = try MethodLab()
    let plain = try lab.run(.none, settings: settings)
    let width = lab.target.model.shape.width
    func run(bias: Float, threshold: Double) throws -> MethodLab.Outcome {
      lab.memory = MethodMemory()
      lab.weights["tiny-judge"] = Self.indifferent(width, bias: bias)
      let judge = MethodChoice("judge", values: ["threshold": threshold, "window": 4])
      return try lab.run(
        MethodSelection([MethodChoice("prompt-lookup"), judge], isGoverned: false),
        settings: settings)
    }
    #expect(try run(bias: -9, threshold: 0.5).tokens == plain.tokens)
    #expect(try run(bias: 9, threshold: 1).tokens == plain.tokens)
    let lenient = try run(bias: 9, threshold: 0.5)
    #expect(lenient.rounds.drafted > 0 && lenient.rounds.acceptance == 1)
    #expect(lenient.tokens.count == plain.tokens.count)
  }

  @Test func theJudgeInTheRepositoryDoubtsSomeStates() throws {
    let width = 1536
    let name = Judge.weightFile(of: "Qwen2.5-Coder-1.5B-Instruct.Q4_K_M")
    let head = try JudgeHead(
      GGUFWeightFile(path: RealModel.assets + "/weights/\(name).gguf"), width: width)
    var random = SplitMix64(seed: 4)
    let states = Buffer(count: 200 * width)
    states.replace(at: 0, with: (0..<200 * width).map { _ in random.normal() })
    let found = (0..<200).map { head.probability(states, row: $0) }
    #expect(found.allSatisfy { $0 > 0 && $0 < 1 })
    #expect(found.contains { $0 < 0.5 } && found.contains { $0 > 0.5 })
  }

  @Test func aModelWithoutAJudgeIsNamed() throws {
    let lab = try MethodLab()
    let selection = MethodSelection([MethodChoice("prompt-lookup"), MethodChoice("judge")])
    func message() -> String {
      let error = #expect(throws: InferenceError.self) {
        try lab.run(selection, settings: .greedy)
      }
      return error?.message ?? ""
    }
    #expect(message().contains("no judge was trained for tiny"))
    lab.weights["tiny-judge"] = Self.indifferent(3, bias: 0)
    #expect(message().contains("judge.weight"))
  }
}
