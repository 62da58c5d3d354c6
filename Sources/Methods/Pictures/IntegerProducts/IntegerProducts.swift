import Inference

/// Multiplies in 8 bits: weights and what they are multiplied with are rounded, in blocks of 32 with a scale each.
package struct IntegerProducts: PaintingMethod {
  package init() {}

  package static let card = MethodCard(
    id: "int8", title: "8-bit products",
    paper: .init(
      authors: "Jacob et al.", year: 2017,
      title:
        "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
      reference: "arXiv:1712.05877"),
    summary: "Rounds weights and activations to 8 bits, which a processor multiplies faster.",
    slots: [.weights], guarantee: .approximate, needs: [.trainedWeights])

  package static let knobs: [Knob<IntegerProducts>] = []

  package static let baseline: String? = "flow"

  package func install(
    in plan: inout PaintingPlan, context: PaintingContext
  ) throws(InferenceError) {
    plan.usesIntegers = true
  }
}
