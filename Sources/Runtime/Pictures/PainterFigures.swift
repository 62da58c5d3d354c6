import Foundation

/// How good a painter's pictures are, measured with many of them on captions that it never learned from.
package struct PainterFigures: Codable, Sendable, Equatable {
  /// Pictures that were painted.
  package var pictures: Int
  /// The Fréchet distance of their features from those of the drawings held out (Heusel et al., arXiv:1706.08500, with the
  /// features of the judge in place of Inception's).
  package var frechet: Double
  /// That of copies: of each caption the picture learned from whose caption is nearest.
  package var copyFrechet: Double
  /// The judge's agreement with the words, on average.
  package var agreement: Double
  /// That of the copies.
  package var copyAgreement: Double

  package init(
    pictures: Int, frechet: Double, copyFrechet: Double, agreement: Double, copyAgreement: Double
  ) {
    self.pictures = pictures
    self.frechet = frechet
    self.copyFrechet = copyFrechet
    self.agreement = agreement
    self.copyAgreement = copyAgreement
  }

  /// The figures in a folder of weights, by the methods' title, such as `next-scale`; none where the file is absent or broken.
  static func load(_ folder: String) -> [String: PainterFigures] {
    guard let data = FileManager.default.contents(atPath: folder + "/painters.json") else {
      return [:]
    }
    return (try? JSONDecoder().decode([String: PainterFigures].self, from: data)) ?? [:]
  }
}
