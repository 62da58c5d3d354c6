import Inference

/// Lets several writers work on one answer at once, each reading what the others have written so far.
///
/// All writers go through the model as rows of one pass. Their keys and values lie in blocks that everyone shares; each
/// writer sees the blocks in an order of its own, which costs a rotation of its queries and nothing else
/// (`HogwildCache`). With one writer it is plain decoding, bit for bit.
///
/// Deviations from the paper: the model is told of the others at the beginning of its answer, since the prompt comes
/// made up; a writer sees a token of another's one pass later than there, so that no result depends on the order of
/// threads; a blank line ends a step whatever stands before it; no closing question asks for the answer when the budget
/// is spent. What a writer is handed, such as its name, is not told as its text. The prompt is read anew for each answer:
/// the conversation's cache keeps no blocks.
package struct HogwildWorkers: DecodingMethod {
  package var workers = 2
  package var layout = 0
  /// Tokens of all writers after which a writer is asked whether it repeats the others; 0 for never.
  package var check = 128
  /// Tokens of each writer; 0 leaves it to the answer's limit.
  package var budget = 0

  package init() {}

  package static let card = MethodCard(
    id: "hogwild-workers", title: "Hogwild! workers",
    paper: .init(
      authors: "Rodionov et al.", year: 2025,
      title: "Hogwild! Inference: Parallel LLM Generation via Concurrent Attention",
      reference: "arXiv:2504.06261"),
    summary: "Several writers work on one answer at once over one shared cache.",
    slots: [.loop], guarantee: .approximate)

  package static let knobs: [Knob<HogwildWorkers>] = [
    Knob("workers", \.workers, in: 1...4, default: 2, summary: "Writers at once."),
    Knob(
      "layout", \.layout, in: 0...2, default: 0,
      summary:
        "What a writer sees of the others: 0 all they write, 1 their finished steps, 2 nothing."),
    Knob(
      "check", \.check, in: 0...512, step: 16, largeStep: 64, default: 128, off: 0, unit: "tok",
      summary: "Tokens after which a writer is asked whether it repeats the others; 0 never."),
    Knob(
      "budget", \.budget, in: 0...4096, step: 16, largeStep: 256, default: 0, off: 0, unit: "tok",
      summary: "Tokens of each writer; 0 leaves it to the answer's limit."),
  ]

  package func install(
    in plan: inout DecodingPlan, context: MethodContext
  ) throws(InferenceError) {
    plan.loop = HogwildLoop(method: self, tokenizer: context.tokenizer)
  }
}

/// What a writer sees of the others.
///
/// Source: Rodionov et al., arXiv:2504.06261, section 3 (cache layouts).
package enum HogwildLayout: Int, Sendable, CaseIterable {
  /// The others' steps, the unfinished ones too.
  case combined
  /// The others' finished steps.
  case interleaved
  /// Nothing: writers that share no more than the prompt, to compare with.
  case `private`
}
