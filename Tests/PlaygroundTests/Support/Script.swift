import Inference
import Runtime

/// Plays a model: cuts a text into tokens and gives each one plausible circumstances, always the same ones.
struct Script {
  static let model = ModelSummary(
    name: "SmolLM2-135M-Instruct", path: "/models/SmolLM2-135M-Instruct.Q4_1.gguf",
    architecture: "llama", format: "Q4_1", parameters: 134_515_008, fileBytes: 98_000_000,
    shape: ModelShape(
      layers: 30, width: 576, heads: 9, kvHeads: 3, headDimension: 64, feedForward: 1536,
      vocabulary: 49152, contextLength: 2048),
    contextLength: 2048, template: "ChatML", templateNote: nil, instructionSet: "avx512-vnni",
    threads: 2, loadSeconds: 0.31)

  var settings: SamplerSettings
  /// Monotonic time at which the prompt was read.
  var time: UInt64
  var index = 0
  var context = 24
  private let begun: UInt64

  init(settings: SamplerSettings, start: UInt64) {
    self.settings = settings
    begun = start
    time = start + 180_000_000
  }

  /// One chunk a word, each of one token.
  mutating func chunks(of text: String) -> [TokenChunk] {
    var words: [String] = []
    for character in text {
      if words.isEmpty || character == " " || character == "\n" { words.append("") }
      words[words.count - 1].append(character)
    }
    return words.map { chunk($0) }
  }

  /// Settings that act from the next token on.
  private var pending: SamplerSettings?

  mutating func change(to settings: SamplerSettings) { pending = settings }

  mutating func chunk(_ text: String) -> TokenChunk {
    // A slow swing and a small step make a graph with a shape.
    let swing = UInt64((index * 7) % 23) * 900_000
    time += index == 0 ? 0 : 38_000_000 + swing
    let operations = index == 0 ? promptOperations : tokenOperations(swing)
    let token = TokenID(100 + index)
    let record = TokenRecord(
      sampled: SampledToken(
        token: token, probability: 0.61, modelLogProbability: -0.6, reports: reports,
        alternatives: [
          Candidate(token: token, probability: 0.61), Candidate(token: 7, probability: 0.142),
          Candidate(token: 8, probability: 0.061),
        ]),
      index: index, time: time, operations: operations, settings: pending)
    if let pending { settings = pending }
    pending = nil
    index += 1
    context += 1
    return TokenChunk(
      text: text, records: [record], pieces: [token: text, 7: " L3", 8: " line"],
      contextCount: context)
  }

  private func tokenOperations(_ swing: UInt64) -> OperationTotals {
    totals([
      (.feedForward, 22_000_000 + swing, 52_000_000, 159_000_000),
      (.projection, 8_000_000, 20_000_000, 53_000_000),
      (.attention, 3_100_000, 4_000_000, 9_000_000),
      (.head, 3_400_000, 16_000_000, 57_000_000), (.norm, 900_000, 0, 0),
      (.sampling, 600_000, 0, 0),
    ])
  }

  var promptOperations: OperationTotals {
    totals([
      (.feedForward, 68_000_000, 52_000_000, 5_570_000_000),
      (.projection, 24_000_000, 20_000_000, 1_860_000_000),
      (.attention, 5_000_000, 4_000_000, 278_000_000),
      (.head, 4_400_000, 16_000_000, 57_000_000), (.norm, 7_600_000, 0, 0),
      (.embedding, 200_000, 0, 0), (.sampling, 600_000, 0, 0),
    ])
  }

  private func totals(_ entries: [(OperationClass, UInt64, Int, Int)]) -> OperationTotals {
    entries.reduce(into: OperationTotals()) {
      $0.add($1.0, nanoseconds: $1.1, bytes: $1.2, operations: $1.3)
    }
  }

  private var reports: [StageReport] {
    [
      StageReport(
        stage: .topK, candidatesIn: 49152, candidatesOut: 40, entropy: 3.1, changed: true),
      StageReport(stage: .topP, candidatesIn: 40, candidatesOut: 19, entropy: 2.42, changed: true),
      StageReport(stage: .minP, candidatesIn: 19, candidatesOut: 7, entropy: 1.52, changed: true),
      StageReport(
        stage: .temperature, candidatesIn: 7, candidatesOut: 7, entropy: 1.31, changed: true),
    ]
  }

  /// Seconds that pass before a chunk.
  func gap(before chunk: TokenChunk) -> Double { 0.045 }

  func profile() -> ProfileSample {
    ProfileSample(
      time: time, weightBytes: 98_000_000, cacheBytes: 47_185_920, scratchBytes: 6_300_000,
      residentBytes: 171_000_000, operations: OperationTotals(), threads: 2,
      roofs: Roofs(bytesPerSecond: 5.2e9, operationsPerSecond: 96e9))
  }

  func provenance(_ finish: FinishReason, promptTokens: Int) -> Provenance {
    Provenance(
      model: Self.model.name, settings: settings, promptTokens: promptTokens, reusedTokens: 0,
      tokens: index, finish: finish, promptSeconds: 0.17,
      generationSeconds: Double(time - begun) / 1e9 - 0.18, timeToFirstToken: 0.18)
  }
}
