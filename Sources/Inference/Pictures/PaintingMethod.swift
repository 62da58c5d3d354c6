/// A method of painting pictures.
package protocol PaintingMethod: Method {
  /// Fills the method's slots.
  ///
  /// - Throws: `invalidRequest` where the plan or the context lacks what it needs; `modelFile` for weights that are
  ///   missing or broken.
  func install(
    in plan: inout PaintingPlan, context: PaintingContext
  ) throws(InferenceError)
}

/// What pictures are painted with: methods fill its slots.
package struct PaintingPlan {
  package var painter: (any Painter)?

  package init() {}

  /// Lets the methods fill their slots, in order of `MethodSlot`.
  ///
  /// - Throws: what a method throws that lacks something.
  package mutating func install(
    _ methods: [any PaintingMethod], context: PaintingContext
  ) throws(InferenceError) {
    for slot in MethodSlot.allCases {
      for method in methods where type(of: method).card.slots.min() == slot {
        try method.install(in: &self, context: context)
      }
    }
  }
}

/// What a method of painting may draw on; networks are loaded when first asked for.
package struct PaintingContext {
  /// Turns tokens of scales into pictures.
  package var tokenizer: () throws(InferenceError) -> any PictureTokenizer
  /// Foretells all tokens of a scale at once.
  package var scales: () throws(InferenceError) -> any PictureTransformer
  /// Foretells one token after the other.
  package var raster: () throws(InferenceError) -> any PictureTransformer

  package init(
    tokenizer: @escaping () throws(InferenceError) -> any PictureTokenizer,
    scales: @escaping () throws(InferenceError) -> any PictureTransformer,
    raster: @escaping () throws(InferenceError) -> any PictureTransformer
  ) {
    self.tokenizer = tokenizer
    self.scales = scales
    self.raster = raster
  }
}
