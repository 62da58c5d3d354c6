import Inference
import Runtime
import Terminal

/// The shown picture alone, as large as the screen allows: in real pixels where the terminal can, else as characters.
enum PictureZoom {
  /// Where title, picture and keys stand.
  private static func places(in size: Size) -> (title: Rect, picture: Rect, keys: Rect) {
    let (title, rest) = Rect(size: size).splitTop(1)
    let (picture, keys) = rest.splitBottom(1)
    return (title, picture, keys)
  }

  /// The picture at the size of the whole screen; nil while it is not shown so.
  static func wanted(_ state: PlaygroundState) -> PicturesState.CellsKey? {
    guard state.overlays.contains(.picture), let picture = state.pictures.picture else {
      return nil
    }
    let size = PictureCells.fit(
      width: picture.width, height: picture.height, in: places(in: state.size).picture.size)
    guard size.width > 0, size.height > 0 else { return nil }
    return .init(picture: picture, size: size, look: state.pictures.look)
  }

  /// - Parameter isTop: whether nothing lies over it; real pixels would hide that.
  static func draw(_ state: PlaygroundState, isTop: Bool, on frame: inout Frame) {
    let places = places(in: frame.size)
    frame.fill(frame.bounds)
    frame.cursor = nil
    drawTitle(state, in: places.title, on: &frame)
    StatusLine.drawHints(state, in: places.keys, on: &frame)
    if isTop, let picture = state.pictures.picture, let graphics = frame.graphics {
      let size = PictureCells.fit(
        width: picture.width, height: picture.height, in: places.picture.size, cell: graphics.cell)
      frame.picture = PixelPicture(
        pixels: picture.pixels, width: picture.width, height: picture.height,
        area: places.picture.centred(size))
    } else if let key = wanted(state), let cells = state.pictures.cells[key] {
      frame.draw(cells, at: places.picture.centred(key.size).origin)
    } else {
      frame.write("no picture yet", at: places.picture.origin, style: Style(.dim))
    }
  }

  private static func drawTitle(_ state: PlaygroundState, in row: Rect, on frame: inout Frame) {
    var facts: [String] = []
    if let step = state.pictures.shownStep { facts.append(step.label) }
    if let picture = state.pictures.picture {
      facts.append("\(picture.width) x \(picture.height)")
    }
    drawRule(
      row, left: (state.pictures.work?.title ?? "picture").headline(max(8, row.width - 30)),
      right: facts.joined(separator: "  "), focused: true, on: &frame)
  }
}
