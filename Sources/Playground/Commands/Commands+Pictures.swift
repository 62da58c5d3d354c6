import Runtime
import Terminal

extension Commands {
  static let paint = Command(
    "paint", "F9", in: .anywhere, "paint what is written, or the last words",
    argument: "WORDS", hint: ("paint", 8), unless: noPainter
  ) { state, words in state.paint(words) }

  static let pictures: [Command] = [
    Command("picture-earlier", "h <left>", in: .pictures, "the step before", hint: ("steps", 1)) {
      state, _ in state.scrub(-1)
    },
    Command("picture-later", "l <right>", in: .pictures, "the step after", hint: ("steps", 1)) {
      state, _ in state.scrub(1)
    },
    Command(
      "picture-branch", "b", in: .pictures, "paint on from the shown step with a new seed",
      hint: ("branch", 2), unless: noPainter
    ) { state, _ in state.branchPicture() },
    Command(
      "picture-again", "r <enter>", in: .pictures, "paint the same words with the next seed",
      hint: ("again", 3), unless: noPainter
    ) { state, _ in state.paintAgain() },
    Command(
      "picture-race", "R", in: .pictures, "paint the same in another way, beside it",
      hint: ("race", 3), unless: noPainter
    ) { state, _ in state.racePicture() },
    Command("picture-next", "J", in: .pictures, "the next picture", hint: ("picture", 4)) {
      state, _ in state.showWork(1)
    },
    Command("picture-previous", "K", in: .pictures, "the picture before", hint: ("picture", 4)) {
      state, _ in state.showWork(-1)
    },
    Command(
      "picture-zoom", "z", in: .pictures, "the picture on the whole screen, or not",
      hint: ("zoom", 4),
      unless: { $0.pictures.picture == nil ? "paint a picture first: F9" : nil }
    ) { state, _ in state.toggle(.picture) },
    Command(
      "painter", in: .pictures, "choose how to paint, such as flow:steps=10",
      argument: "ID[:KNOB=N,...]", unless: noPainter
    ) { state, text in state.choosePainter(text) },
    Command("paint-lower", "-", in: .pictures, "the chosen value a step down", hint: ("value", 5)) {
      state, _ in state.movePictureKnob(by: -1)
    },
    Command("paint-raise", "=", in: .pictures, "the chosen value a step up", hint: ("value", 5)) {
      state, _ in state.movePictureKnob(by: 1)
    },
    Command("paint-lower-much", "H", in: .pictures, "the chosen value a big step down") {
      state, _ in state.movePictureKnob(by: -1, large: true)
    },
    Command("paint-raise-much", "L", in: .pictures, "the chosen value a big step up") {
      state, _ in state.movePictureKnob(by: 1, large: true)
    },
    Command(
      "picture-save", "s", in: .pictures, "write a PNG that can be painted on",
      argument: "FILE", hint: ("save", 6)
    ) { state, path in state.savePicture(path) },
    Command(
      "open-picture", in: .pictures, "show a PNG, JPEG or WebP file",
      argument: "FILE"
    ) { state, path in
      path.isEmpty
        ? state.say(.info, "name a file, such as: /open-picture heart.png")
        : [.openPicture(path: path)]
    },
    Command("picture-symbols", "p", in: .pictures, "other characters", hint: ("characters", 7)) {
      state, _ in
      state.changeLook { look in
        let all = PictureCells.Symbols.allCases
        look.symbols = all[((all.firstIndex(of: look.symbols) ?? 0) + 1) % all.count]
        return look.symbols.title
      }
    },
    Command("picture-dither", "d", in: .pictures, "another dither, for few colours") { state, _ in
      state.changeLook { look in
        let all = PictureCells.Dither.allCases
        look.dither = all[((all.firstIndex(of: look.dither) ?? 0) + 1) % all.count]
        return look.dither.title
      }
    },
    Command("picture-invert", "v", in: .pictures, "for a light background, or a dark one") {
      state, _ in
      state.changeLook { look in
        look.isInverted.toggle()
        return look.isInverted ? "for a light background" : "for a dark background"
      }
    },
    Command("picture-colours", "c", in: .pictures, "all colours, 256, 16 or none") { state, _ in
      state.changeLook { look in
        switch look.depth {
        case .full: look.depth = .palette
        case .palette: look.depth = .sixteen
        case .sixteen: look.depth = .none
        default: look.depth = .full
        }
        return look.depth == .none
          ? "no colours" : look.depth == .full ? "all colours" : "\(look.depth.rawValue) colours"
      }
    },
  ]

  private static let noPainter: @Sendable (PlaygroundState) -> String? = { state in
    state.pictures.entries.isEmpty ? "this program was built without painters" : nil
  }
}
