import Inference

/// Writes several drafts at the price of one: each pass reads one blend of their last tokens.
///
/// The first pass gives the tokens that begin the drafts. From then on the model is fed the sum of the drafts' last
/// embeddings, weighted by the drafts' shares of probability, so that a step costs one row and one row of the cache
/// whatever the number of drafts. Its most probable tokens are weighed for each draft by an n-gram model.
///
/// As in the paper the drafts have a fixed length and then end, each with a writer's number, the best one first; they
/// are final only together, so no token is told before. Deviations: drafts that differ in nothing but how their text is
/// cut into tokens count as one; where an n-gram model would leave fewer drafts than wanted, tokens without support
/// fill the places; drafts that ended compete with the others by their score. The n-grams come from the conversations
/// of this session, where the paper counted 200,000 documents, so that few tokens have support and the later drafts
/// are weaker than the paper's. The sampler's settings do not act.
package struct SuperposedDrafts: DecodingMethod {
  package var drafts = 3
  package var length = 10
  /// Share of the n-gram model in the geometric mean.
  package var alpha = 0.54
  /// Longest n-gram looked up; less than 2 leaves them out.
  package var order = 6

  package init() {}

  package static let card = MethodCard(
    id: "superposed-drafts", title: "Superposed drafts",
    paper: .init(
      authors: "Shen et al.", year: 2024,
      title:
        "Superposed Decoding: Multiple Generations from a Single Autoregressive Inference Pass",
      reference: "arXiv:2405.18400"),
    summary: "Writes several short drafts at once, each pass reading a blend of their last tokens.",
    slots: [.loop], guarantee: .approximate)

  package static let knobs: [Knob<SuperposedDrafts>] = [
    Knob(
      "drafts", \.drafts, in: 2...5, default: 3, summary: "Drafts that are written at once."),
    Knob(
      "length", \.length, in: 4...24, largeStep: 5, default: 10, unit: "tok",
      summary: "Tokens of a draft, after which all of them end."),
    Knob(
      "alpha", \.alpha, in: 0...0.9, step: 0.02, default: 0.54, off: 0,
      summary: "Share of the n-gram model against the model; 0 leaves it out."),
    Knob(
      "order", \.order, in: 0...6, largeStep: 2, default: 6, off: 0,
      summary: "Longest n-gram that is looked up; 0 leaves them out."),
  ]

  package func install(
    in plan: inout DecodingPlan, context: MethodContext
  ) throws(InferenceError) {
    let ngrams = context.memory.value("superposed-drafts") { SuperposedNGrams() }
    plan.loop = SuperposedLoop(method: self, ngrams: ngrams, tokenizer: context.tokenizer)
    plan.extraByteCount += ngrams.byteCount
  }
}
