import Inference

/// Drafts with a small model along a token tree that grows where that model is confident, and accepts by rejection.
package struct DynamicTree: DecodingMethod {
  package var nodes = 16
  package var threshold = 0.05
  /// 0 takes the answer's, and 1 where the answer is greedy.
  package var draftTemperature = 0.0
  /// 0 grows layer by layer, 1 node by node.
  package var order = 0
  /// 1 learns how often tokens of a probability stand, 0 takes the probability itself as the paper does.
  package var calibrates = 0
  /// Thousands of tokens that the small model chooses from; 0 is all of them.
  package var shortlist = 16
  /// A `DynamicTreeShape`.
  package var shape = 0

  package init() {}

  package static let card = MethodCard(
    id: "dynamic-tree", title: "Dynamic token tree",
    paper: .init(
      authors: "Xiong et al.", year: 2024,
      title: "DySpec: Faster Speculative Decoding with Dynamic Token Tree Structure",
      reference: "arXiv:2410.11744"),
    summary:
      "A small model drafts a token tree that grows where it is confident; rejection sampling keeps "
      + "the distribution.",
    slots: [.drafter, .verifier], guarantee: .sameDistribution, needs: [.draftModel])

  package static let knobs: [Knob<DynamicTree>] = [
    Knob(
      "nodes", \.nodes, in: 1...48, default: 16, unit: "tok",
      summary: "Tokens of a tree at most."),
    Knob(
      "threshold", \.threshold, in: 0...0.6, step: 0.01, default: 0.05, off: 0,
      summary: "Stops where verification comes with less probability than this."),
    Knob(
      "draft-temp", \.draftTemperature, in: 0...1.5, step: 0.05, default: 0, off: 0,
      summary: "Temperature of the small model; 0 takes the answer's, or 1 where that is greedy."),
    Knob(
      "order", \.order, in: 0...1, default: 0,
      summary: "0 drafts a layer in a pass of the small model, 1 a node: the same trees, slower."),
    Knob(
      "calibrate", \.calibrates, in: 0...1, default: 0, off: 0,
      summary: "1 learns how often drawn tokens stand, 0 takes their probability as the paper does."
    ),
    Knob(
      "shortlist", \.shortlist, in: 0...128, step: 4, largeStep: 16, default: 16, off: 0,
      unit: "k",
      summary:
        "Thousands of frequent tokens that it chooses from, with those of the text; 0 is all."),
    Knob(
      "shape", \.shape, in: 0...(DynamicTreeShape.allCases.count - 1), default: 0,
      summary: "0 grows trees; fixed ones for comparison: "
        + DynamicTreeShape.allCases.dropFirst().map { "\($0.rawValue) \($0.title)" }
        .joined(separator: ", ") + "."),
  ]

  package func install(
    in plan: inout DecodingPlan, context: MethodContext
  ) throws(InferenceError) {
    let draftModel = try context.keptDraftModel()
    let own = draftModel.model.shape.vocabulary
    let target = plan.model.shape.vocabulary
    guard own == target else {
      throw InferenceError(
        .invalidRequest,
        "draft vocabulary \(own), target \(target): load a draft model of the same family")
    }
    plan.drafter = DynamicTreeDrafter(model: draftModel, options: self)
    plan.verifier = RejectionVerifier()
    plan.draftLimit = nodes
  }
}
