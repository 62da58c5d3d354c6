/// What a search looks for in a picture.
package struct PictureReward: Sendable, Equatable {
  /// The weight of the judge's agreement with the words, from -1 to 1.
  package var words = 1.0
  /// The weight of likeness between left and right, from 0 to 1.
  package var symmetry = 0.0
  /// The weight of the share of the picture that is not empty, from 0 to 1.
  package var ink = 0.0

  package init() {}

  package static let knobs: [Knob<PictureReward>] = [
    Knob(
      "words", \.words, in: 0...4, step: 0.25, default: 1, off: 0,
      summary: "What the judge's agreement with the words counts."),
    Knob(
      "symmetry", \.symmetry, in: -4...4, step: 0.25, default: 0, off: 0,
      summary: "What likeness between left and right counts."),
    Knob(
      "ink", \.ink, in: -4...4, step: 0.25, default: 0, off: 0,
      summary: "What the share of the picture that is not empty counts."),
  ]

  /// The reward of each picture.
  package func score(
    _ pictures: [Picture], text: TextVector, by judge: any PictureJudge
  ) -> [Double] {
    let opinions = words == 0 ? [] : judge.look(at: pictures)
    return pictures.indices.map { index in
      (words == 0 ? 0 : words * opinions[index].agreement(with: text))
        + (symmetry == 0 ? 0 : symmetry * pictures[index].likenessOfSides)
        + (ink == 0 ? 0 : ink * pictures[index].coverage)
    }
  }
}

extension Picture {
  /// 1 where the left is the mirrored right, less by the mean difference of colours times alpha.
  package var likenessOfSides: Double {
    var difference = 0
    for row in 0..<height {
      for column in 0..<width / 2 {
        let left = 4 * (row * width + column)
        let right = 4 * (row * width + width - 1 - column)
        for channel in 0..<4 {
          difference += abs(ink(left, channel) - ink(right, channel))
        }
      }
    }
    return 1 - Double(difference) / Double(max(255 * 4 * height * (width / 2), 1))
  }

  /// The mean of alpha.
  package var coverage: Double {
    let sum = stride(from: 3, to: pixels.count, by: 4).reduce(0) { $0 + Int(pixels[$1]) }
    return Double(sum) / Double(255 * width * height)
  }

  /// A channel of the pixel at `start`, a colour multiplied by alpha.
  private func ink(_ start: Int, _ channel: Int) -> Int {
    let alpha = Int(pixels[start + 3])
    return channel == 3 ? alpha : Int(pixels[start + channel]) * alpha / 255
  }
}
