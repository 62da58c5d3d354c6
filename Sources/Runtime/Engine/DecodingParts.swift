import Inference

/// What the engine builds a decoding plan from.
package struct DecodingParts: Sendable {
  package var loop: any DecodingLoop
  package var makeVerifier: @Sendable () -> any Verifier

  package init(loop: any DecodingLoop, makeVerifier: @escaping @Sendable () -> any Verifier) {
    self.loop = loop
    self.makeVerifier = makeVerifier
  }

  /// Plain decoding, exact whatever may be drafted.
  package static let standard = DecodingParts(loop: SpeculativeLoop()) { SampleMatchVerifier() }

  func plan(
    model: any LanguageModel, tokenizer: any Tokenizer, cache: any KVCache,
    settings: SamplerSettings
  ) -> DecodingPlan {
    var sampler = SamplerChain(settings: settings)
    // What parts sentences and list entries may come again and again.
    for text in ["\n", ":", "\"", "*"] {
      let tokens = tokenizer.encode(text, parsesSpecial: false)
      if tokens.count == 1 { sampler.dryBreakers.formUnion(tokens) }
    }
    return DecodingPlan(
      model: model, cache: cache, verifier: makeVerifier(), sampler: sampler, loop: loop)
  }
}
