import Inference

/// What the engine builds a decoding plan from.
package struct DecodingParts: Sendable {
  package var loop: any DecodingLoop
  package var makeVerifier: @Sendable () -> any Verifier

  package init(loop: any DecodingLoop, makeVerifier: @escaping @Sendable () -> any Verifier) {
    self.loop = loop
    self.makeVerifier = makeVerifier
  }

  func plan(
    model: any LanguageModel, tokenizer: any Tokenizer, cache: any KVCache,
    settings: SamplerSettings
  ) -> DecodingPlan {
    DecodingPlan(
      model: model, cache: cache, verifier: makeVerifier(), sampler: SamplerChain(settings: settings),
      loop: loop)
  }
}
