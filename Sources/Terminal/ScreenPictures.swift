import CNcurses

/// Pictures in real pixels, over cells that ncurses leaves blank.
extension Screen {
  /// How this terminal shows pixels; nil where it did not say that it can, or where colours are off.
  package var graphics: PixelGraphics? {
    guard theme.depth > .none, let encoding = pixels.encoding else { return nil }
    return PixelGraphics(encoding: encoding, cell: cell)
  }

  /// Takes the picture off the terminal: before its cells get another content, and before leaving.
  func removePicture() {
    guard let shown = shownPicture else { return }
    shownPicture = nil
    output.append(shown.graphics.removal)
    // Sixels went with all the cells, behind the back of ncurses.
    if shown.graphics.encoding == .sixel { cn_repaint() }
    armGuard()
  }

  /// Shows a picture over the cells that were just sent.
  func show(_ picture: PixelPicture) {
    // A frame of another size is about to be replaced; its picture would stand in the wrong place.
    guard let graphics, Rect(size: size).intersection(picture.area) == picture.area else { return }
    shownPicture = (picture, graphics)
    armGuard()
    output.append(graphics.showing(picture))
  }
}
