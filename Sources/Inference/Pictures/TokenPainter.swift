import Compute

/// Paints a picture out of tokens, scale by scale; how many tokens come from one pass is what methods differ in.
///
/// Source: Tian et al., "Visual autoregressive modeling", arXiv:2404.02905, section 3.2 and the guidance that grows with
/// the scales of its published sampler; classifier-free guidance after Ho and Salimans, arXiv:2207.12598.
package struct TokenPainter: Painter {
  package var tokenizer: any PictureTokenizer
  package var transformer: any PictureTransformer
  package var settings: TokenPaintingSettings
  /// Whether each token has a pass of its own.
  package var isRaster: Bool
  /// Scales beyond this side take the likeliest tokens: nothing was learned of them.
  package var boldestSide = Int.max

  package init(
    tokenizer: any PictureTokenizer, transformer: any PictureTransformer,
    settings: TokenPaintingSettings, isRaster: Bool = false
  ) throws(InferenceError) {
    guard tokenizer.scales == transformer.scales, tokenizer.codes == transformer.codes else {
      throw InferenceError(
        .modelFile, "the weights of the tokenizer and the transformer were not made for each other")
    }
    self.tokenizer = tokenizer
    self.transformer = transformer
    self.settings = settings
    self.isRaster = isRaster
  }

  package func begin(_ subject: PaintingSubject) -> any PaintingRun {
    TokenPaintingRun(painter: self, subject: subject)
  }
}

/// A picture of tokens while it is painted: one step for each scale.
private final class TokenPaintingRun: PaintingRun {
  private let painter: TokenPainter
  private let subject: PaintingSubject
  private let sequences: any PictureSequences
  private let total: Buffer
  /// One for each worker.
  private let choices: [TokenChoice]
  private var index = 0
  private var evaluations = 0.0
  private var tokenCount = 0
  private var previews: Previews
  /// What the last token stands for; nil before the first.
  private var latest: [Float]?

  init(painter: TokenPainter, subject: PaintingSubject) {
    self.painter = painter
    self.subject = subject
    previews = Previews(wanted: subject.isWatched ? painter.settings.previews : 1)
    sequences = painter.transformer.begin(
      painter.settings.isGuided ? [subject.text, nil] : [subject.text])
    total = painter.tokenizer.emptyMap(pictures: 1)
    choices = (0..<painter.transformer.pool.count).map { _ in
      TokenChoice(codes: painter.transformer.codes)
    }
  }

  var stepCount: Int { min(painter.settings.scaleCount, painter.tokenizer.scales.count) }

  func step() throws(InferenceError) -> PaintingStep {
    guard index < stepCount else {
      throw InferenceError(.invalidRequest, "the picture is finished")
    }
    let (tokenizer, side) = (painter.tokenizer, painter.tokenizer.scales[index])
    let drawn = painter.isRaster ? drawOneByOne(side * side) : drawTogether(side * side)
    tokenizer.add(drawn.map(\.token), scale: index, to: total)
    tokenCount += drawn.count
    let picture = previews.picture(
      after: index, of: stepCount, side: tokenizer.pictureSide(after: index)
    ) { tokenizer.paint(total, pictures: 1, after: index)[0] }
    let step = PaintingStep(
      index: index, count: stepCount, label: "scale \(side)", picture: picture,
      evaluations: evaluations, tokens: tokenCount,
      entropy: drawn.reduce(0) { $0 + $1.entropy } / Double(max(drawn.count, 1)),
      byteCount: sequences.byteCount)
    index += 1
    return step
  }

  /// All tokens of the scale from one pass, which is told the map of the coarser scales.
  private func drawTogether(_ count: Int) -> [DrawnToken] {
    let told = index == 0 ? [] : painter.tokenizer.smaller(total, pictures: 1, scale: index)
    let logits = forward(told, rows: count)
    let drawn = Storage<DrawnToken>(count: count)
    painter.transformer.pool.run { worker in
      for row in worker.share(of: count) {
        drawn[row] = draw(
          logits, row: row, rows: count, position: tokenCount + row, choices[worker.index])
      }
    }
    return drawn.array(0..<count)
  }

  /// A pass for each token, which is told the one before it.
  private func drawOneByOne(_ count: Int) -> [DrawnToken] {
    (0..<count).map { place in
      let logits = forward(latest ?? [], rows: 1)
      let drawn = draw(logits, row: 0, rows: 1, position: tokenCount + place, choices[0])
      latest = painter.tokenizer.vector(of: drawn.token)
      return drawn
    }
  }

  private func forward(_ told: [Float], rows: Int) -> Buffer {
    let copies = painter.settings.isGuided ? 2 : 1
    evaluations += Double(copies)
    return sequences.logits(
      told: Array(repeatElement(told, count: copies).joined()), rows: rows)
  }

  private func draw(
    _ logits: Buffer, row: Int, rows: Int, position: Int, _ choice: TokenChoice
  ) -> DrawnToken {
    let codes = painter.transformer.codes
    let values = choice.logits
    values.copy(from: logits, row * codes..<(row + 1) * codes, to: 0)
    if painter.settings.isGuided {
      let last = Double(max(painter.tokenizer.scales.count - 1, 1))
      let (floor, full) = (painter.settings.guidanceFloor, painter.settings.guidance)
      let strength = Float(floor + (full - floor) * Double(index) / last)
      let free = (rows + row) * codes
      for code in 0..<codes {
        values[code] += strength * (values[code] - logits[free + code])
      }
    }
    var settings = painter.settings
    if painter.tokenizer.scales[index] > painter.boldestSide { settings.topK = 1 }
    return choice.draw(
      settings, RandomNumbers(seed: subject.seed(at: index)), position: position)
  }
}
