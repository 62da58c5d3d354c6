import Compute
import Foundation
import Inference
import Models

/// The networks that pictures are painted with, loaded when first asked for; belongs to the engine's thread.
final class PictureShelf {
  /// Made with the first picture: who paints none shall not wait for its memory.
  private(set) lazy var compute = MapCompute(pool: pool)
  private let supplies: MethodSupplies
  private let pool: WorkerPool
  private var tokenizer: ScaleTokenizer?
  private var flexible: FlexibleTokenizer?
  private var transformers: [String: ScaleTransformer] = [:]
  private var denoisers: [String: MapDenoiser] = [:]
  private var judges: [String: ConvolutionJudge] = [:]
  private var captions: CaptionBook?
  private(set) lazy var figures = supplies.weightsFolder.map(PainterFigures.load) ?? [:]
  private var encoder: SentenceEncoder?

  init(supplies: MethodSupplies, pool: WorkerPool) {
    self.supplies = supplies
    self.pool = pool
  }

  /// Bytes of the weights that are loaded, and of feature maps.
  var byteCount: Int {
    transformers.values.reduce(compute.arena.peakByteCount + compute.integerByteCount) {
      $0 + $1.byteCount
    }
      + denoisers.values.reduce(0) { $0 + $1.byteCount }
      + judges.values.reduce(0) { $0 + $1.byteCount }
  }

  /// What paints by a choice of methods.
  ///
  /// - Throws: `invalidRequest` for methods that do not exist or do not go together; `modelFile` for missing weights.
  func painter(_ choices: [MethodChoice]) throws(InferenceError) -> any Painter {
    let methods = try supplies.paintingMethods.makePainting(
      choices, standard: PaintingRequest.defaultPainter)
    var plan = PaintingPlan()
    try plan.install(methods, context: context)
    compute.usesIntegers = plan.usesIntegers
    guard let painter = plan.painter else {
      throw InferenceError(.invalidRequest, "none of the methods paints")
    }
    return painter
  }

  private var context: PaintingContext {
    PaintingContext(
      tokenizer: { [self] () throws(InferenceError) in
        if let tokenizer { return tokenizer }
        let loaded = try ScaleTokenizer(weights("next-scale"), on: compute)
        tokenizer = loaded
        return loaded
      },
      scales: { [self] () throws(InferenceError) in
        try transformer("scales", in: "next-scale")
      },
      raster: { [self] () throws(InferenceError) in
        try transformer("raster", in: "raster-scan")
      },
      flexible: { [self] (scales) throws(InferenceError) in
        let transformer = try transformer(
          "flexible.transformer", in: "flexible-scales", isFlexible: true)
        return (try flexibleTokenizer().with(scales: scales), try transformer.with(scales: scales))
      },
      denoiser: { [self] () throws(InferenceError) in try denoiser("denoiser") },
      student: { [self] () throws(InferenceError) in try denoiser("student") },
      verifier: { [self] () throws(InferenceError) in try judge("verifier") })
  }

  private func flexibleTokenizer() throws(InferenceError) -> FlexibleTokenizer {
    if let flexible { return flexible }
    let loaded = try FlexibleTokenizer(
      weights("flexible-scales"), prefix: "flexible.tokenizer", on: compute)
    flexible = loaded
    return loaded
  }

  private func denoiser(_ name: String) throws(InferenceError) -> MapDenoiser {
    if let denoiser = denoisers[name] { return denoiser }
    let loaded = try MapDenoiser(weights(name), prefix: name, on: compute)
    denoisers[name] = loaded
    return loaded
  }

  /// - Parameter name: `judge` measures pictures, `verifier` is what a search looks for.
  private func judge(_ name: String) throws(InferenceError) -> ConvolutionJudge {
    if let judge = judges[name] { return judge }
    let loaded = try ConvolutionJudge(weights("judges"), prefix: name, on: compute)
    judges[name] = loaded
    return loaded
  }

  /// How well a picture goes with words, by a judge that nothing was searched with; nil where its weights are absent.
  func agreement(of picture: Picture, with text: TextVector) -> Double? {
    try? judge("judge").look(at: [picture]).first?.agreement(with: text)
  }

  private func transformer(
    _ prefix: String, in file: String, isFlexible: Bool = false
  ) throws(InferenceError) -> ScaleTransformer {
    if let transformer = transformers[prefix] { return transformer }
    let loaded = try ScaleTransformer(
      weights(file), prefix: prefix, isFlexible: isFlexible, on: compute)
    transformers[prefix] = loaded
    return loaded
  }

  private func path(_ name: String) throws(InferenceError) -> String {
    guard let folder = supplies.weightsFolder else {
      throw InferenceError(.modelFile, "there is no folder of trained weights")
    }
    let path = "\(folder)/\(name).gguf"
    guard FileManager.default.fileExists(atPath: path) else {
      throw InferenceError(
        .modelFile,
        "the weights \(path) are missing: they come with the sources, or from assets/training/pictures"
      )
    }
    return path
  }

  private func weights(_ name: String) throws(InferenceError) -> GGUFWeightFile {
    try GGUFWeightFile(path: path(name))
  }

  // MARK: Words

  /// The vector of a description, and what to say where not all of it was understood.
  ///
  /// - Throws: `invalidRequest` where nothing of it is understood.
  func read(
    _ description: String
  ) throws(InferenceError) -> (vector: TextVector, note: String?) {
    let words = description.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !words.isEmpty else {
      throw InferenceError(.invalidRequest, "say what to paint, such as: a red heart")
    }
    let reading = try captionBook().read(words)
    if let reading, reading.isCaption { return (reading.vector, nil) }
    if let encoder = try sentenceEncoder(),
      let vector = encoder.encode(words.decomposedStringWithCanonicalMapping)
    {
      return (vector, nil)
    }
    guard let reading else {
      throw InferenceError(
        .invalidRequest,
        "none of these words is known without the encoder of sentences: "
          + "`paceline models get minilm` (91 MB) fetches it")
    }
    let unknown = reading.unknown.joined(separator: ", ")
    return (
      reading.vector,
      unknown.isEmpty
        ? nil
        : "not known and left out: \(unknown) (`paceline models get minilm` brings all words)"
    )
  }

  private func captionBook() throws(InferenceError) -> CaptionBook {
    if let captions { return captions }
    let loaded = try CaptionBook(path: path("captions"))
    captions = loaded
    return loaded
  }

  /// nil where it was not fetched.
  private func sentenceEncoder() throws(InferenceError) -> SentenceEncoder? {
    if let encoder { return encoder }
    guard let files = supplies.sentenceEncoder() else { return nil }
    guard let vocabulary = FileManager.default.contents(atPath: files.vocabulary) else {
      throw InferenceError(.modelFile, "\(files.vocabulary) cannot be read")
    }
    let loaded = try SentenceEncoder(
      weights: Safetensors(path: files.weights),
      vocabulary: String(decoding: vocabulary, as: UTF8.self), on: pool)
    encoder = loaded
    return loaded
  }
}
