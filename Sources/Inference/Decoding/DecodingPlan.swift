import Compute

/// What a session decodes with: methods fill its slots.
package struct DecodingPlan {
  package var model: any LanguageModel
  package var cache: any KVCache
  package var drafter: (any Drafter)?
  package var verifier: any Verifier
  package var sampler: SamplerChain
  package var loop: any DecodingLoop
  /// Chooses how much is drafted; nil leaves it at `draftLimit`.
  package var governor: Governor?
  /// The most rows that one pass verifies beyond the first.
  package var draftLimit = 16
  /// Bytes that methods keep beside model, cache and drafter.
  package var extraByteCount = 0

  package init(
    model: any LanguageModel, cache: any KVCache, drafter: (any Drafter)? = nil,
    verifier: any Verifier, sampler: SamplerChain, loop: any DecodingLoop
  ) {
    self.model = model
    self.cache = cache
    self.drafter = drafter
    self.verifier = verifier
    self.sampler = sampler
    self.loop = loop
  }

  /// Lets the methods fill their slots, in order of `MethodSlot`.
  ///
  /// - Throws: `invalidRequest` where two of them want the same slot, and what a method throws that lacks something.
  package mutating func install(
    _ methods: [any DecodingMethod], context: MethodContext
  ) throws(InferenceError) {
    try MethodCard.checkTogether(methods.map { type(of: $0).card })
    for slot in MethodSlot.allCases {
      for method in methods where type(of: method).card.slots.min() == slot {
        try method.install(in: &self, context: context)
      }
    }
  }
}
