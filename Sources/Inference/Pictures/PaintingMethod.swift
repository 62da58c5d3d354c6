/// A method of painting pictures.
package protocol PaintingMethod: Method {
  /// The painter that it is raced against; a method that does not paint itself changes that one, where no other was chosen.
  static var baseline: String? { get }
  /// Fills the method's slots.
  ///
  /// - Throws: `invalidRequest` where the plan or the context lacks what it needs; `modelFile` for weights that are
  ///   missing or broken.
  func install(
    in plan: inout PaintingPlan, context: PaintingContext
  ) throws(InferenceError)
}

extension PaintingMethod {
  package static var baseline: String? { nil }
}

/// What pictures are painted with: methods fill its slots.
package struct PaintingPlan {
  package var painter: (any Painter)?
  /// Whether the networks multiply in 8 bits, where their weights allow it.
  package var usesIntegers = false

  package init() {}

  /// The painter, as one that takes noise away.
  ///
  /// - Throws: `invalidRequest` where it paints otherwise.
  package func denoisingPainter(for method: String) throws(InferenceError) -> DenoisingPainter {
    guard let painter = painter as? DenoisingPainter else {
      throw InferenceError(
        .invalidRequest, "\(method) needs a painter that takes noise away, such as flow")
    }
    return painter
  }

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
  package typealias Load<Network> = () throws(InferenceError) -> Network

  /// Turns tokens of scales, and feature maps, into pictures.
  package var tokenizer: Load<any PictureTokenizer>
  /// Foretells all tokens of a scale at once.
  package var scales: Load<any PictureTransformer>
  /// Foretells one token after the other.
  package var raster: Load<any PictureTransformer>
  /// Tokenizer and transformer for scales of any sides, ascending from 1.
  package var flexible:
    ([Int]) throws(InferenceError) -> (
      tokenizer: any PictureTokenizer, transformer: any PictureTransformer
    )
  /// Takes noise away.
  package var denoiser: Load<any PictureDenoiser>
  /// Takes all noise away in a few passes, guidance included.
  package var student: Load<any PictureDenoiser>
  /// What a search looks for; never what pictures are measured with.
  package var verifier: Load<any PictureJudge>

  package init(
    tokenizer: @escaping Load<any PictureTokenizer>,
    scales: @escaping Load<any PictureTransformer>,
    raster: @escaping Load<any PictureTransformer>,
    flexible:
      @escaping ([Int]) throws(InferenceError) -> (
        tokenizer: any PictureTokenizer, transformer: any PictureTransformer
      ),
    denoiser: @escaping Load<any PictureDenoiser>,
    student: @escaping Load<any PictureDenoiser>,
    verifier: @escaping Load<any PictureJudge>
  ) {
    self.tokenizer = tokenizer
    self.scales = scales
    self.raster = raster
    self.flexible = flexible
    self.denoiser = denoiser
    self.student = student
    self.verifier = verifier
  }
}
