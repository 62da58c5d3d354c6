import Inference

/// A small model that stays in memory writes a tree of tokens, which the large one checks in one pass.
///
/// Source: Xu et al., "LLMCad", arXiv:2309.04255, sections 3.2 to 3.4. Where the large model's weights are streamed
/// from disk, the small one goes on while they are on their way. Two things differ from the paper: the tree has a
/// limit of nodes beside the fallback rule, because a check is not free where weights are in memory; and the next
/// token goes to the branch of the highest cumulative confidence, which for the expected number of accepted tokens is
/// the best choice at each step, where the paper keeps the lengths of branches in proportion to it (eq. 1 and 2).
package struct ResidentDrafter: DecodingMethod {
  /// Cumulative confidence below which the large model checks.
  package var alpha = 0.01
  /// 1 adjusts alpha after each check.
  package var adaptive = 1
  /// 0 chooses by where the weights are.
  package var nodes = 0
  package var width = 3
  /// 1 lets the small model go on while the large one waits for its weights.
  package var overlap = 1
  /// Thousands of tokens that the small model chooses from; 0 is all of them.
  package var shortlist = 16

  package init() {}

  package static let card = MethodCard(
    id: "resident-drafter", title: "Resident small model",
    paper: .init(
      authors: "Xu et al.", year: 2023,
      title: "LLMCad: Fast and Scalable On-device Large Language Model Inference",
      reference: "arXiv:2309.04255"),
    summary: "A small model writes a tree of tokens until it is unsure; then the large one checks.",
    slots: [.drafter], guarantee: .sameTokens, needs: [.draftModel])

  package static let knobs: [Knob<ResidentDrafter>] = [
    Knob(
      "alpha", \.alpha, in: 0.001...0.5, step: 0.001, largeStep: 0.05, default: 0.01, decimals: 3,
      summary: "The large model checks when no branch is more probable than this."),
    Knob(
      "adaptive", \.adaptive, in: 0...1, default: 1, off: 0,
      summary: "Lowers alpha after a check without errors, and raises it after others."),
    Knob(
      "nodes", \.nodes, in: 0...48, default: 0, off: 0, unit: "tok",
      summary: "Tokens of the tree at most; 0 takes 4, or 24 where weights are streamed."),
    Knob(
      "width", \.width, in: 1...8, default: 3, unit: "tok",
      summary: "Continuations of a token that may be in the tree."),
    Knob(
      "overlap", \.overlap, in: 0...1, default: 1, off: 0,
      summary: "Lets the small model go on while the large one waits for its weights."),
    Knob(
      "shortlist", \.shortlist, in: 0...128, step: 4, largeStep: 16, default: 16, off: 0,
      unit: "k",
      summary:
        "Thousands of frequent tokens that it chooses from, with those of the text; 0 is all."),
  ]

  package func install(
    in plan: inout DecodingPlan, context: MethodContext
  ) throws(InferenceError) {
    let model = try context.keptDraftModel()
    let kept = context.memory.value("resident-drafter") { KeptResident(model) }
    let target = plan.model.shape.vocabulary
    guard abs(kept.model.model.shape.vocabulary - target) * 20 <= target else {
      throw InferenceError(
        .invalidRequest,
        "the draft model's vocabulary has \(kept.model.model.shape.vocabulary) tokens, the model's "
          + "\(target): load a draft model of the same family")
    }
    let waiting = plan.model as? any WaitsForWeights
    let limit = nodes > 0 ? nodes : waiting == nil ? 4 : 24
    if kept.threshold.start != alpha { kept.threshold = FallbackThreshold(start: alpha) }
    plan.drafter = ResidentTreeDrafter(
      kept, vocabulary: target, width: width, adapts: adaptive == 1,
      waiting: overlap == 1 ? waiting : nil,
      shortlist: DraftShortlist(
        thousands: shortlist, vocabulary: kept.model.model.shape.vocabulary))
    plan.draftLimit = limit
  }
}

/// What stays warm from answer to answer: the small model with its cache, and the threshold it has come to.
package final class KeptResident {
  package let model: DraftModel
  package var threshold = FallbackThreshold(start: 0.01)

  package init(_ model: DraftModel) { self.model = model }
}
