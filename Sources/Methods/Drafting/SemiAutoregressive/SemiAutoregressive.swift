import Compute
import Inference

/// Drafts blocks of tokens with a small network of its own that reads the model's hidden states.
///
/// Source: Gao et al., "Falcon: Faster and Parallel Inference of Large Language Models through Enhanced
/// Semi-Autoregressive Drafting and Custom-Designed Decoding Tree", arXiv:2412.12639, sections 3.1 and 3.3. How the
/// network was trained, and where it differs from the authors', is told in assets/training/semi_autoregressive.
package struct SemiAutoregressive: DecodingMethod {
  package var passes = 1
  package var width = 1
  package var branch = 2
  package var nodes = 4

  package init() {}

  package static let card = MethodCard(
    id: "semi-autoregressive", title: "Semi-autoregressive drafter",
    paper: .init(
      authors: "Gao et al.", year: 2024,
      title: "Falcon: Faster and Parallel Inference of Large Language Models through Enhanced "
        + "Semi-Autoregressive Drafting and Custom-Designed Decoding Tree",
      reference: "arXiv:2412.12639"),
    summary: "A small trained network drafts two tokens a pass from the model's hidden states.",
    slots: [.drafter], guarantee: .sameTokens, needs: [.trainedWeights])

  package static let knobs: [Knob<SemiAutoregressive>] = [
    Knob(
      "passes", \.passes, in: 1...3, default: 1,
      summary: "Passes of the drafter at most; each adds one block of tokens."),
    Knob(
      "width", \.width, in: 1...4, default: 1,
      summary: "Blocks that a further pass continues, the most probable ones."),
    Knob(
      "branch", \.branch, in: 1...4, default: 2,
      summary: "Tokens that are considered for each place of a block."),
    Knob(
      "nodes", \.nodes, in: 1...48, largeStep: 4, default: 4, unit: "tok",
      summary: "Tokens that are drafted at most."),
  ]

  /// The file of its weights.
  package static let weightFile = "smollm2-semi-autoregressive"

  package func install(
    in plan: inout DecodingPlan, context: MethodContext
  ) throws(InferenceError) {
    let model = plan.model
    let weights = try context.memory.value(Self.card.id) { () throws(InferenceError) in
      let file: any WeightFile
      do throws(InferenceError) {
        file = try context.weights(Self.weightFile)
      } catch {
        throw InferenceError(
          .invalidRequest,
          "no drafter was trained yet (\(error.message)); assets/training/semi_autoregressive tells "
            + "how one is")
      }
      return try SemiAutoregressiveWeights(file, for: model)
    }
    let network = SemiAutoregressiveNetwork(weights, capacity: plan.cache.capacity)
    plan.drafter = SemiAutoregressiveDrafter(
      network, layer: model.shape.layers - 1, shape: self, pool: context.pool)
    plan.draftLimit = nodes
  }
}
