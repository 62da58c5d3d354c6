import Compute
import Foundation
import Inference
import Models

/// Questions that a model asks itself, answered by itself, with the hidden states of every token.
///
/// A question is sampled from the model that is shown no more than the beginning of a user's turn, as in Xu et al.,
/// "Magpie: Alignment Data Synthesis from Scratch by Prompting Aligned LLMs with Nothing", arXiv:2406.08464; here some
/// opening words steer it to the kinds of work that people bring. Half of the answers are greedy.
struct Answers {
  let speaker: Speaker
  let folder: String
  let options: Options

  init(model: String, folder: String, options: Options) throws {
    speaker = try Speaker(model)
    self.folder = folder
    self.options = options
  }

  func run() throws {
    let weights = speaker.loaded.model.weights
    let width = speaker.loaded.model.shape.width
    let recording = try Recording(folder: folder, width: width)
    if !FileManager.default.fileExists(atPath: folder + "/norm.f16") {
      try Recording.write(weights.embedding, to: folder + "/embedding.f16")
      try Recording.write(weights.head, to: folder + "/head.f16")
      try Recording.write(weights.outputNorm, to: folder + "/norm.f16")
    }
    let pool = WorkerPool(count: options.threads)
    defer { pool.shutDown() }
    let lockstep = Lockstep(model: speaker.loaded.model, pool: pool)
    var seed = options.seed &* 1_000_003 &+ UInt64(recording.sequences)
    var talks: [Talk] = []
    while talks.count < options.batch {
      talks.append(try Talk(speaker, seed: seed))
      seed += 1
    }
    while recording.rows < options.tokens {
      let (pass, features, parts) = try lockstep.step(talks.map(\.strand))
      for (place, part) in parts.enumerated() {
        let talk = talks[place]
        talk.keep(features, rows: part.rows, width: width)
        guard let logits = part.logits, talk.takeToken(pass.row(logits)) else { continue }
        if let answer = talk.finished {
          // Its first tokens are the prompt's.
          try recording.append(tokens: answer, mark: talk.promptCount, states: talk.states)
          if recording.sequences % 50 == 0 { print(recording.sequences, recording.rows) }
        }
        talks[place] = try Talk(speaker, seed: seed)
        seed += 1
      }
    }
    print(recording.sequences, recording.rows)
  }
}

/// One question with its answer, while they grow.
private final class Talk {
  private let speaker: Speaker
  let strand: Strand
  private let beginning: String
  private var sampler: SamplerChain
  private let answerSettings: SamplerSettings
  /// Tokens of the prompt once the question is whole; 0 before.
  private(set) var promptCount = 0
  private(set) var states: [Float16] = []
  private var openCount = 0

  private static let questionLimit = 96
  private static let answerLimit = 224

  init(_ speaker: Speaker, seed: UInt64) throws {
    self.speaker = speaker
    strand = try Strand(model: speaker.loaded.model, capacity: 512)
    beginning = Self.openings[Int(seed % UInt64(Self.openings.count))]
    var question = SamplerSettings.greedy
    question.temperature = 1
    question.topP = 0.95
    question.seed = seed
    sampler = SamplerChain(settings: question)
    var answer = SamplerSettings.greedy
    if seed / UInt64(Self.openings.count) % 2 == 1 {
      answer.temperature = 0.8
      answer.topP = 0.95
      answer.seed = seed
    }
    answerSettings = answer
    let open = speaker.openQuestion(beginning)
    openCount = open.count
    strand.append(open)
  }

  func keep(_ features: Buffer, rows: Range<Int>, width: Int) {
    guard promptCount > 0 else { return }
    states += Recording.halves(features, rows.lowerBound * width..<rows.upperBound * width)
  }

  /// The whole sequence, where it is worth keeping.
  var finished: [TokenID]? {
    promptCount > 0 && strand.tokens.count >= promptCount + 8 ? strand.tokens : nil
  }

  /// Takes the next token; answers whether the talk is over.
  func takeToken(_ logits: LogitRow) -> Bool {
    if promptCount > 0, speaker.tokenizer.endTokens.contains(strand.tokens.last ?? -1) {
      return true
    }
    let token = sampler.sample(logits, history: TokenHistory(prompt: strand.tokens)).token
    let isEnd = speaker.tokenizer.endTokens.contains(token)
    guard promptCount == 0 else {
      guard isEnd || strand.tokens.count < promptCount + Self.answerLimit, strand.room > 1 else {
        return true
      }
      strand.append([token])
      return false
    }
    if isEnd || strand.tokens.count >= openCount + Self.questionLimit { return !ask() }
    strand.append([token])
    return false
  }

  /// Puts the question as a person's would be put.
  private func ask() -> Bool {
    let asked = Array(strand.tokens.dropFirst(openCount))
    let question = (beginning + speaker.tokenizer.text(of: asked, special: false))
      .trimmingCharacters(in: .whitespacesAndNewlines)
    guard question.count > 12 else { return false }
    let prompt = speaker.prompt(question)
    strand.truncate(to: 0)
    strand.append(prompt)
    promptCount = prompt.count
    sampler = SamplerChain(settings: answerSettings)
    return true
  }

  /// What questions begin with.
  private static let openings = [
    "", "", "", "What", "How do I", "Why", "Explain", "Can you", "Write a short",
    "Write a Python function", "Give me", "List", "I am", "My",
    "Summarize the following text:\n\n", "Rewrite this sentence", "Translate into French:",
    "Translate into Spanish:", "Fix the grammar:", "def ", "Read the text",
    "Complete this code:\n\n", "Compare", "Describe", "What is the difference between",
    "Help me write an email", "Correct the mistakes in",
    "Answer the question with the text below.\n\n", "Tell me", "Suggest", "Is it", "Write",
  ]
}
