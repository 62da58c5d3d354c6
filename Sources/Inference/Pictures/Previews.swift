/// The pictures of a run that are shown on the way: to decode one takes about as long as a step.
struct Previews {
  /// How many are decoded; where there are several, the first and the last step's are among them, else the last alone.
  let wanted: Int
  private var latest: Picture?

  init(wanted: Int) { self.wanted = wanted }

  /// The picture to show after a step: a new one where one is due, else the latest, or an empty one before the first.
  ///
  /// - Parameters:
  ///   - step: from 0.
  ///   - side: pixels of the empty picture.
  mutating func picture(
    after step: Int, of count: Int, side: Int, decode: () -> Picture
  ) -> Picture {
    let isFirst = step == 0 && wanted > 1
    let isDue = (step + 1) * wanted / count > step * wanted / count
    guard isFirst || isDue else {
      let picture = latest ?? Picture(width: side, height: side) { _, _ in -1 }
      latest = picture
      return picture
    }
    let picture = decode()
    latest = picture
    return picture
  }
}
