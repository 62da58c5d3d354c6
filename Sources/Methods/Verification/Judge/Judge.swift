import Compute
import Inference

/// Accepts drafted tokens that are good enough, though not those that the model would have written.
///
/// Source: Bachmann et al., "Judge Decoding: Faster Speculative Sampling Requires Going Beyond Model Alignment",
/// arXiv:2501.19309; the judge is trained without hand-made labels as in Garipov et al., "AutoJudge: Judge Decoding
/// Without Manual Annotation", arXiv:2504.20039, on the model's hidden state alone. See assets/training/judge. Outside
/// of the tasks it was trained on, what it accepts may change answers for the worse.
package struct Judge: DecodingMethod {
  package var threshold = 0.5
  package var window = 8

  package init() {}

  package static let card = MethodCard(
    id: "judge", title: "Judge decoding",
    paper: .init(
      authors: "Bachmann et al.", year: 2025,
      title: "Judge Decoding: Faster Speculative Sampling Requires Going Beyond Model Alignment",
      reference: "arXiv:2501.19309"),
    summary: "Lets drafted tokens stand that a trained judge finds harmless, whoever drafts them.",
    slots: [.verifier], guarantee: .approximate, needs: [.trainedWeights])

  package static let knobs: [Knob<Judge>] = [
    Knob(
      "threshold", \.threshold, in: 0.05...1, step: 0.05, default: 0.5, off: 1,
      summary: "How sure the judge has to be; 1 leaves every decision to the model."),
    Knob(
      "window", \.window, in: 1...24, default: 8, unit: "tok",
      summary: "Tokens that are drafted and judged in one pass at most."),
  ]

  /// The file with the judge of a model.
  ///
  /// - Parameter model: the name of the model's file, without its ending.
  package static func weightFile(of model: String) -> String { "\(model)-judge" }

  package func install(
    in plan: inout DecodingPlan, context: MethodContext
  ) throws(InferenceError) {
    let shape = plan.model.shape
    let head = try context.memory.value(Self.card.id) { () throws(InferenceError) in
      let file: any WeightFile
      do throws(InferenceError) {
        file = try context.weights(Self.weightFile(of: context.modelName))
      } catch {
        throw InferenceError(
          .invalidRequest,
          "no judge was trained for \(context.modelName) (\(error.message)); "
            + "assets/training/judge tells how one is")
      }
      return try JudgeHead(file, width: shape.width)
    }
    plan.verifier = JudgeVerifier(head, layer: shape.layers - 1, threshold: threshold)
    plan.draftLimit = window
  }
}
