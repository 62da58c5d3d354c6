import Inference

/// Methods that say what real ones say, and do nothing: what the pane shows does not hang on the catalogue.
enum TestMethods {
  static let all = [
    MethodEntry(LookaheadTrie.self), MethodEntry(PromptLookup.self), MethodEntry(DraftTree.self),
    MethodEntry(Judge.self),
  ]

  static let painters = [
    MethodEntry(DDIM.self), MethodEntry(EncoderReuse.self), MethodEntry(NextScale.self),
    MethodEntry(RasterScan.self),
  ]

  struct NextScale: PaintingMethod {
    var guidance = 3.0

    static let card = MethodCard(
      id: "next-scale", title: "Next scale", paper: paper(5),
      summary: "All tokens of a scale come from one pass.", slots: [.painter],
      guarantee: .approximate)
    static let knobs: [Knob<Self>] = [
      Knob(
        "guidance", \.guidance, in: 0...8, step: 0.5, default: 3, decimals: 1,
        summary: "How closely it follows the words.")
    ]
    static let baseline: String? = "raster-scan"
    func install(
      in plan: inout PaintingPlan, context: PaintingContext
    ) throws(InferenceError) {}
  }

  struct DDIM: PaintingMethod {
    static let card = MethodCard(
      id: "ddim", title: "DDIM", paper: paper(7), summary: "Takes noise away.", slots: [.painter],
      guarantee: .approximate)
    static let knobs: [Knob<Self>] = []
    func install(
      in plan: inout PaintingPlan, context: PaintingContext
    ) throws(InferenceError) {}
  }

  struct EncoderReuse: PaintingMethod {
    static let card = MethodCard(
      id: "encoder-reuse", title: "Encoder reuse", paper: paper(8),
      summary: "Keeps features.", slots: [.features], guarantee: .approximate)
    static let knobs: [Knob<Self>] = []
    static let baseline: String? = "ddim"
    func install(
      in plan: inout PaintingPlan, context: PaintingContext
    ) throws(InferenceError) {}
  }

  struct RasterScan: PaintingMethod {
    static let card = MethodCard(
      id: "raster-scan", title: "Raster scan", paper: paper(6),
      summary: "A pass for each token.", slots: [.painter], guarantee: .approximate)
    static let knobs: [Knob<Self>] = []
    func install(
      in plan: inout PaintingPlan, context: PaintingContext
    ) throws(InferenceError) {}
  }

  static let trie = MethodSelection([MethodChoice("lookahead-trie")])

  static func paper(_ number: Int) -> MethodCard.Paper {
    MethodCard.Paper(
      authors: "Author et al.", year: 2020 + number, title: "A paper of ours",
      reference: "arXiv:0000.0000\(number)")
  }

  struct LookaheadTrie: DecodingMethod {
    var nodes = 8
    var decay = 0.5

    static let card = MethodCard(
      id: "lookahead-trie", title: "Lookahead trie", paper: paper(1),
      summary: "Drafts what followed the same words before, from a trie of all that was read.",
      slots: [.drafter], guarantee: .sameTokens)
    static let knobs: [Knob<Self>] = [
      Knob("nodes", \.nodes, in: 1...48, default: 8, unit: "rows", summary: "Rows of a draft."),
      Knob(
        "decay", \.decay, in: 0...1, step: 0.05, default: 0.5, summary: "How fast it forgets."),
    ]
    func install(in plan: inout DecodingPlan, context: MethodContext) throws(InferenceError) {}
  }

  struct PromptLookup: DecodingMethod {
    static let card = MethodCard(
      id: "prompt-lookup", title: "Prompt lookup", paper: paper(2),
      summary: "Drafts what followed the last words earlier in the text.",
      slots: [.drafter], guarantee: .sameTokens)
    static let knobs: [Knob<Self>] = []
    func install(in plan: inout DecodingPlan, context: MethodContext) throws(InferenceError) {}
  }

  struct DraftTree: DecodingMethod {
    static let card = MethodCard(
      id: "draft-tree", title: "Draft tree", paper: paper(3),
      summary: "Grows a tree where a small model is sure.", slots: [.drafter, .verifier],
      guarantee: .sameDistribution, needs: [.draftModel])
    static let knobs: [Knob<Self>] = []
    func install(in plan: inout DecodingPlan, context: MethodContext) throws(InferenceError) {}
  }

  struct Judge: DecodingMethod {
    static let card = MethodCard(
      id: "judge", title: "Judge", paper: paper(4),
      summary: "Accepts good tokens that the model would not have chosen.", slots: [.verifier],
      guarantee: .approximate, needs: [.trainedWeights])
    static let knobs: [Knob<Self>] = []
    func install(in plan: inout DecodingPlan, context: MethodContext) throws(InferenceError) {}
  }
}
