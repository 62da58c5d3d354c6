/// Says how well pictures go with words: what a search looks for, or what pictures are measured with.
package protocol PictureJudge: PictureNetwork {
  func look(at pictures: [Picture]) -> [PictureOpinion]
}

/// What a judge sees in a picture.
package struct PictureOpinion: Sendable, Equatable {
  /// What distances between sets of pictures are measured in.
  package let features: [Float]
  /// The caption that it sees, as a vector of length one.
  package let caption: [Float]

  package init(features: [Float], caption: [Float]) {
    self.features = features
    self.caption = caption
  }

  /// The cosine between the caption that is seen and some words, -1 to 1.
  package func agreement(with text: TextVector) -> Double {
    Double(zip(caption, text.values).reduce(0) { $0 + $1.0 * $1.1 })
  }
}
