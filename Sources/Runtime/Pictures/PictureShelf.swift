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
  /// By the prefix of their tensors.
  private var networks: [String: any PictureNetwork] = [:]
  /// Those that the latest painter uses.
  private var inUse: Set<String> = []
  private var captions: CaptionBook?
  private(set) lazy var figures = supplies.weightsFolder.map(PainterFigures.load) ?? [:]
  private var encoder: SentenceEncoder?

  init(supplies: MethodSupplies, pool: WorkerPool) {
    self.supplies = supplies
    self.pool = pool
  }

  /// Bytes of the weights that the latest painter uses, and of feature maps since it was made.
  var byteCount: Int {
    inUse.reduce(compute.arena.peakByteCount) { $0 + (networks[$1]?.byteCount ?? 0) }
      + (compute.usesIntegers ? compute.integerByteCount : 0)
  }

  /// What paints by a choice of methods.
  ///
  /// - Throws: `invalidRequest` for methods that do not exist or do not go together; `modelFile` for missing weights.
  func painter(_ choices: [MethodChoice]) throws(InferenceError) -> any Painter {
    let methods = try supplies.paintingMethods.makePainting(
      choices, standard: PaintingRequest.defaultPainter)
    inUse = []
    compute.arena.forgetPeak()
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
        try network("tokenizer", in: "next-scale") { (file) throws(InferenceError) in
          try ScaleTokenizer(file, on: compute)
        }
      },
      scales: { [self] () throws(InferenceError) in
        try transformer("scales", in: "next-scale")
      },
      raster: { [self] () throws(InferenceError) in
        try transformer("raster", in: "raster-scan")
      },
      flexible: { [self] (scales) throws(InferenceError) in
        let tokenizer = try network(
          "flexible.tokenizer", in: "flexible-scales"
        ) { (file) throws(InferenceError) in
          try FlexibleTokenizer(file, prefix: "flexible.tokenizer", on: compute)
        }
        let transformer = try transformer(
          "flexible.transformer", in: "flexible-scales", isFlexible: true)
        return (tokenizer.with(scales: scales), try transformer.with(scales: scales))
      },
      denoiser: { [self] () throws(InferenceError) in try denoiser("denoiser") },
      student: { [self] () throws(InferenceError) in try denoiser("student") },
      verifier: { [self] () throws(InferenceError) in try judge("verifier") })
  }

  /// A network that is loaded when first asked for.
  private func network<Network: PictureNetwork>(
    _ name: String, in file: String,
    _ load: (GGUFWeightFile) throws(InferenceError) -> Network
  ) throws(InferenceError) -> Network {
    inUse.insert(name)
    if let known = networks[name] as? Network { return known }
    let loaded = try load(weights(file))
    networks[name] = loaded
    return loaded
  }

  private func transformer(
    _ prefix: String, in file: String, isFlexible: Bool = false
  ) throws(InferenceError) -> ScaleTransformer {
    try network(prefix, in: file) { (file) throws(InferenceError) in
      try ScaleTransformer(file, prefix: prefix, isFlexible: isFlexible, on: compute)
    }
  }

  private func denoiser(_ name: String) throws(InferenceError) -> MapDenoiser {
    try network(name, in: name) { (file) throws(InferenceError) in
      try MapDenoiser(file, prefix: name, on: compute)
    }
  }

  /// - Parameter name: `judge` measures pictures, `verifier` is what a search looks for.
  private func judge(_ name: String) throws(InferenceError) -> ConvolutionJudge {
    try network(name, in: "judges") { (file) throws(InferenceError) in
      try ConvolutionJudge(file, prefix: name, on: compute)
    }
  }

  /// How well a picture goes with words, by a judge that nothing was searched with; nil where its weights are absent.
  func agreement(of picture: Picture, with text: TextVector) -> Double? {
    try? judge("judge").look(at: [picture]).first?.agreement(with: text)
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
