import Compute
import Foundation
import Inference
import Models

/// Where a draft model would have written another token than the model: whether that token does any harm.
///
/// Source: Garipov et al., "AutoJudge: Judge Decoding Without Manual Annotation", arXiv:2504.20039, algorithm 1: from
/// left to right the draft's token is put in the place of each mismatch and the model finishes the answer. Where the
/// result stays the same, the token does no harm and stays; otherwise it matters, and the model's own comes back. Items
/// that the model itself gets wrong are left out.
///
/// A sequence of the recording is one mismatch: its "token" is the label, 1 for a token that does no harm, its states are
/// the model's at that token, and its number is the item's.
struct Mismatches {
  let target: Speaker
  let draft: Speaker
  let folder: String
  let options: Options

  init(target: String, draft: String, folder: String, options: Options) throws {
    self.target = try Speaker(target)
    self.draft = try Speaker(draft)
    self.folder = folder
    self.options = options
    guard self.target.tokenizer.vocabularySize == self.draft.tokenizer.vocabularySize else {
      throw Failure("\(target) and \(draft) have different vocabularies")
    }
  }

  func run() throws {
    let width = target.loaded.model.shape.width
    let recording = try Recording(folder: folder, width: width, tokens: "labels.i32")
    let pool = WorkerPool(count: options.threads)
    defer { pool.shutDown() }
    let targetSteps = Lockstep(model: target.loaded.model, pool: pool)
    let draftSteps = Lockstep(model: draft.loaded.model, pool: pool)
    var number = max(recording.greatestMark + 1, Item.first(seed: options.seed))
    var trials: [Trial] = []
    func next() throws -> Trial {
      defer { number += 1 }
      return try Trial(number: number, target: target, draft: draft)
    }
    while trials.count < options.batch { trials.append(try next()) }
    while recording.rows < options.labels {
      let (pass, states, parts) = try targetSteps.step(trials.map(\.target))
      let own = parts.map { part in part.logits.map { Self.best(pass, $0) } }
      let (draftPass, _, draftParts) = try draftSteps.step(trials.map(\.draft))
      for (place, part) in parts.enumerated() {
        guard let token = own[place], let logits = draftParts[place].logits else { continue }
        let last = part.rows.upperBound - 1
        let trial = trials[place]
        trial.take(token, draft: Self.best(draftPass, logits)) {
          Recording.halves(states, last * width..<(last + 1) * width)
        }
        if let label = trial.label {
          try recording.append(tokens: [label], mark: trial.number, states: trial.states)
          trial.label = nil
        }
        if trial.isOver { trials[place] = try next() }
      }
    }
  }

  private static func best(_ pass: ForwardPass, _ row: Int) -> TokenID {
    TokenID(Kernels.shared.argmax(pass.logits, pass.range(row)))
  }
}

/// One item while its mismatches are tried.
private final class Trial {
  let number: Int
  let target: Strand
  let draft: Strand
  private let item: Item
  private let tokenizer: any Tokenizer
  private let promptCount: Int
  /// The answer as it stands, prompt included; empty before the first is finished.
  private var current: [TokenID] = []
  /// What the draft model would have written at each place of `current`, and of the attempt that runs.
  private var currentGuesses: [TokenID] = []
  private var guesses: [TokenID] = []
  /// The mismatch that is tried.
  private var place: Int?
  private var needsState = false
  /// What was found of the mismatch before, until it is written down.
  var label: TokenID?
  /// The model's hidden state at the mismatch.
  private(set) var states: [Float16] = []
  private(set) var isOver = false

  private static let answerLimit = 240

  init(number: Int, target: Speaker, draft: Speaker) throws {
    self.number = number
    item = Item(number: number)
    tokenizer = target.tokenizer
    let prompt = target.prompt(item.question)
    promptCount = prompt.count
    self.target = try Strand(model: target.loaded.model, capacity: 640)
    self.draft = try Strand(model: draft.loaded.model, capacity: 640)
    guesses = prompt
    for strand in [self.target, self.draft] { strand.append(prompt) }
  }

  /// Takes what both models would write next.
  func take(_ token: TokenID, draft guess: TokenID, state: () -> [Float16]) {
    if needsState {
      states = state()
      needsState = false
    }
    let ended = place != nil && tokenizer.endTokens.contains(target.tokens.last ?? -1)
    if !ended {
      guesses.append(guess)
      let isEnd = tokenizer.endTokens.contains(token)
      for strand in [target, draft] { strand.append([token]) }
      guard isEnd || target.tokens.count - promptCount >= Self.answerLimit else { return }
    }
    finish(target.tokens)
  }

  /// An attempt has come to its end.
  private func finish(_ tokens: [TokenID]) {
    let text = tokenizer.text(of: Array(tokens.dropFirst(promptCount)), special: false)
    let isRight =
      tokenizer.endTokens.contains(tokens.last ?? -1) && Item.answer(in: text) == item.answer
    if let place {
      label = isRight ? 1 : 0
      if isRight { (current, currentGuesses) = (tokens, guesses) }
      tryMismatch(from: place + 1)
    } else if isRight {
      (current, currentGuesses) = (tokens, guesses)
      tryMismatch(from: promptCount)
    } else {
      isOver = true
    }
  }

  private func tryMismatch(from border: Int) {
    let end = min(current.count, currentGuesses.count)
    guard
      let place = (border..<max(border, end)).first(where: { current[$0] != currentGuesses[$0] })
    else {
      isOver = true
      return
    }
    self.place = place
    let attempt = current.prefix(place) + [currentGuesses[place]]
    guesses = Array(currentGuesses.prefix(place + 1))
    needsState = true
    for strand in [target, draft] { strand.become(Array(attempt)) }
  }
}
