import Inference

/// Drafts what followed the longest suffix of the text where that came before.
package struct PromptLookup: DecodingMethod {
  package var longestMatch = 4
  package var length = 10

  package init() {}

  package static let card = MethodCard(
    id: "prompt-lookup", title: "Suffix lookup",
    paper: .init(
      authors: "Yang et al.", year: 2023,
      title: "Inference with Reference: Lossless Acceleration of Large Language Models",
      reference: "arXiv:2304.04487"),
    summary: "Drafts what followed the same words earlier in the prompt or the answer.",
    slots: [.drafter], guarantee: .sameTokens)

  package static let knobs: [Knob<PromptLookup>] = [
    Knob(
      "match", \.longestMatch, in: 1...8, default: 4, unit: "tok",
      summary: "Tokens of the suffix that is looked up, at most."),
    Knob(
      "length", \.length, in: 1...48, default: 10, unit: "tok",
      summary: "Tokens that are drafted at most."),
  ]

  package func install(
    in plan: inout DecodingPlan, context: MethodContext
  ) throws(InferenceError) {
    plan.drafter = PromptLookupDrafter(longestMatch: longestMatch)
    plan.draftLimit = length
  }
}
