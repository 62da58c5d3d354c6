import Inference

/// Reads the model's weights from disk while it computes, so that it runs in less memory than its file takes.
///
/// The paper's setting: a target model that does not fit, whose layers are loaded while others compute (section 3.4).
/// On a machine with memory to spare the cap is there to see what it would cost; the throttle stands for slower flash.
package struct StreamedWeights: DecodingMethod {
  /// In millions of bytes.
  package var cap = 300
  /// In millions of bytes a second; 0 reads as fast as it can.
  package var throttle = 0

  package init() {}

  package static let card = MethodCard(
    id: "streamed-weights", title: "Streamed weights",
    paper: .init(
      authors: "Xu et al.", year: 2023,
      title: "LLMCad: Fast and Scalable On-device Large Language Model Inference",
      reference: "arXiv:2309.04255"),
    summary: "Reads layers from disk while others compute, under a cap on memory for weights.",
    slots: [.weights], guarantee: .sameTokens)

  package static let knobs: [Knob<StreamedWeights>] = [
    Knob(
      "cap", \.cap, in: 50...4000, step: 10, largeStep: 100, default: 300, unit: "MB",
      summary: "Memory for weights; what does not fit is read again for every pass."),
    Knob(
      "throttle", \.throttle, in: 0...3000, step: 100, largeStep: 500, default: 0, off: 0,
      unit: "MB/s", summary: "Reads no faster than this, to stand for a slower disk; 0 is off."),
  ]

  package func install(
    in plan: inout DecodingPlan, context: MethodContext
  ) throws(InferenceError) {
    let options = StreamingOptions(
      byteCap: cap * 1_000_000, bytesPerSecond: throttle > 0 ? throttle * 1_000_000 : nil)
    let kept = context.memory.value("streamed-weights") { KeptStream() }
    if kept.options != options {
      // The old one's memory goes first.
      kept.forget()
      kept.model = try context.streamed(options)
      kept.options = options
    }
    guard let model = kept.model else { return }
    plan.model = model
  }
}

/// A streamed model, kept from answer to answer.
private final class KeptStream {
  var options: StreamingOptions?
  var model: (any LanguageModel)?

  func forget() {
    options = nil
    model = nil
  }
}
