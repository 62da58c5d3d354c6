import Inference
import PictureFiles
import Playground
import Runtime
import Terminal
import Testing

/// The pane of pictures: painting, looking, branching, saving and opening.
@Suite struct PicturesTests {
  /// A disc on nothing, the larger the later the step.
  static func picture(_ step: Int) -> Picture {
    Picture(width: 16, height: 16) { pixel, channel in
      let (x, y) = (Double(pixel % 16) - 7.5, Double(pixel / 16) - 7.5)
      let inside = (x * x + y * y).squareRoot() < 3 + Double(step)
      guard inside else { return -1 }
      return channel == 0 || channel == 3 ? 1 : -1
    }
  }

  static func step(_ index: Int, of count: Int = 4) -> PaintingStep {
    PaintingStep(
      index: index, count: count, label: "scale \(index + 1)", picture: picture(index),
      evaluations: Double(2 * (index + 1)), tokens: (index + 1) * (index + 1), entropy: 2.5)
  }

  static func cost(_ index: Int) -> StepCost {
    StepCost(seconds: 0.01 * Double(index + 1), operations: OperationTotals())
  }

  /// What the engine tells of a picture with four steps.
  static func events(
    _ request: PaintingRequest, upTo last: Int = 3, cancelled: Bool = false
  ) -> [JobEvent] {
    let steps = (0...last).map { step($0) }
    let costs = (0...last).map { cost($0) }
    return [.painting(.started(steps: 4, note: nil))]
      + zip(steps, costs).map { .painting(.step($0, $1)) }
      + [
        .painting(
          .finished(
            PaintingReport(
              request: request, steps: steps, costs: costs, preparation: 0.1,
              isCancelled: cancelled, byteCount: 30_000_000)))
      ]
  }

  /// Types words, presses F9, and plays the whole picture.
  static func painted(_ width: Int = 80, _ height: Int = 24) -> Stage {
    var stage = Stage(width, height)
    stage.press("a red disc<F9>")
    if let (ticket, request) = stage.takeEffects().painting {
      stage.play(events(request), ticket: ticket)
    }
    return stage
  }

  @Test func wordsInThePromptArePainted() throws {
    var stage = Stage()
    stage.press("a red disc<F9>")
    let (ticket, request) = try #require(stage.takeEffects().painting)
    #expect(
      request
        == PaintingRequest(
          description: "a red disc", seed: 1, methods: [MethodChoice("next-scale")]))
    #expect(stage.state.prompt.text.isEmpty && stage.state.focus == .pictures)
    #expect(stage.state.mode == .insert && stage.state.isBusy)
    stage.play(Self.events(request), ticket: ticket)
    #expect(!stage.state.isBusy && stage.state.pictures.shownStep == Self.step(3))
  }

  @Test func withoutWordsTheLastOnesArePaintedWithTheNextSeed() throws {
    var stage = Self.painted()
    stage.press("<F9>")
    let (_, request) = try #require(stage.takeEffects().painting)
    #expect(request.description == "a red disc" && request.seed == 2)
  }

  @Test func withoutAnyWordsItSaysWhatToDo() {
    var stage = Stage()
    stage.press("<F9>")
    #expect(stage.takeEffects().painting == nil)
    #expect(stage.state.notice?.text.contains("write what to paint") == true)
    #expect(stage.state.focus == .pictures && stage.state.mode == .insert)
  }

  @Test func stepsCanBeLookedAtAndBranchedFrom() throws {
    var stage = Self.painted()
    stage.press("<esc>4b")
    #expect(stage.takeEffects().painting == nil, "the last step has nothing to branch into")
    stage.press("hh")
    #expect(stage.state.pictures.shownStep == Self.step(1))
    stage.press("hhhhl")
    #expect(stage.state.pictures.shownStep == Self.step(1))
    stage.press("b")
    let (_, request) = try #require(stage.takeEffects().painting)
    #expect(request.seed == 1 && request.branches == [PaintingBranch(step: 2, seed: 2)])
  }

  @Test func valuesAreChosenAndTurned() throws {
    var stage = Self.painted()
    stage.press("<esc>4===")
    #expect(stage.state.pictures.seed == 4)
    stage.press("----------")
    #expect(stage.state.pictures.seed == 0)
    stage.press("jj==r")
    let (_, request) = try #require(stage.takeEffects().painting)
    #expect(request.methods == [MethodChoice("next-scale", values: ["guidance": 4])])
    let rival = stage.state.pictures.entries.firstIndex { $0.card.id == "raster-scan" }
    #expect(rival == stage.state.pictures.painter + 1)
    stage.press("k=r")
    let (_, second) = try #require(stage.takeEffects().painting)
    #expect(second.methods == [MethodChoice("raster-scan")])
  }

  @Test func stoppingKeepsTheSteps() throws {
    var stage = Stage()
    stage.press("a red disc<F9>")
    let (ticket, request) = try #require(stage.takeEffects().painting)
    stage.play([.painting(.started(steps: 4, note: nil))], ticket: ticket)
    stage.press("<C-c>")
    #expect(stage.takeEffects().cancels == [ticket])
    stage.play(Array(Self.events(request, upTo: 1, cancelled: true).dropFirst()), ticket: ticket)
    #expect(stage.state.pictures.shownStep == Self.step(1))
    #expect(stage.state.pictures.work?.isStopped == true)
  }

  @Test func aFailureGivesTheWordsBack() throws {
    var stage = Stage()
    stage.press("xyzzy<F9>")
    let (ticket, _) = try #require(stage.takeEffects().painting)
    stage.play(
      [.failed(InferenceError(.invalidRequest, "none of these words is known"))], ticket: ticket)
    #expect(stage.state.pictures.works.isEmpty && stage.state.prompt.text == "xyzzy")
    #expect(stage.state.notice?.level == .error)
  }

  @Test func savingHoldsWhatItWasPaintedFrom() throws {
    var stage = Self.painted()
    stage.press("<esc>4hs")
    let saved = try #require(
      stage.takeEffects().compactMap { effect -> (PictureFile, String, String)? in
        if case .savePicture(let file, let stem, let path) = effect {
          (file, stem, path)
        } else {
          nil
        }
      }.first)
    #expect(saved.1 == "a-red-disc-1" && saved.2.isEmpty)
    let painted = try #require(try PaintedPicture.read(saved.0))
    #expect(painted.description == "a red disc" && painted.steps == 3)
    #expect(saved.0.picture == Self.picture(2))
  }

  @Test func aPictureThatWasReadLeavesWhoTypesTyping() {
    var stage = Stage()
    stage.press("qu")
    stage.send(.pictureOpened(PictureFile(Self.picture(1)), path: "blue.png"))
    stage.press("ick")
    #expect(stage.state.prompt.text == "quick" && stage.state.mode == .insert)
    #expect(stage.state.focus == .pictures && !stage.state.isQuitting)
  }

  @Test func aPictureIsHashedByFewOfItsBytes() throws {
    // A photograph is looked up at every key.
    var pixels = [UInt8](repeating: 7, count: 4 * 300 * 200)
    let plain = try #require(Picture(width: 300, height: 200, pixels: pixels))
    pixels[1] = 8
    let other = try #require(Picture(width: 300, height: 200, pixels: pixels))
    #expect(plain != other && plain.hashValue == other.hashValue)
  }

  @Test func aBranchIsTold() throws {
    var stage = Self.painted(120, 40)
    stage.state.pictures.look.symbols = .ascii
    stage.press("<esc>4hb")
    let (ticket, request) = try #require(stage.takeEffects().painting)
    stage.play(Self.events(request), ticket: ticket)
    #expect(stage.screen().contains("[1>2]"))
  }

  @Test func anOpenedPictureCanBePaintedOn() throws {
    var stage = Stage()
    let request = PaintingRequest(
      description: "a blue disc", seed: 41,
      methods: [MethodChoice("next-scale", values: ["guidance": 5])])
    let file = PaintedPicture(request, step: nil).file(Self.picture(1))
    stage.press("<esc>")
    stage.send(.pictureOpened(file, path: "blue.png"))
    #expect(stage.state.focus == .pictures && stage.state.pictures.picture == Self.picture(1))
    stage.press("r")
    let (_, again) = try #require(stage.takeEffects().painting)
    #expect(again.description == "a blue disc" && again.seed == 42)
    #expect(again.methods == request.methods)
  }

  @Test(arguments: [(80, 24), (120, 40)])
  func twoWaysToPaintAreHeldAgainstEachOther(_ width: Int, _ height: Int) throws {
    var stage = Self.painted(width, height)
    stage.state.pictures.look.symbols = .ascii
    stage.press("<esc>4R")
    let (ticket, request) = try #require(stage.takeEffects().painting)
    #expect(request.methods == [MethodChoice("raster-scan")] && request.seed == 1)
    #expect(request.description == "a red disc")
    stage.play(Self.events(request).map(Self.slower), ticket: ticket)
    let pair = try #require(stage.state.pictures.pair)
    #expect(pair.0.request?.methods.first?.id == "next-scale" && pair.1.ticket == ticket)
    expectGolden(stage.screen(), "pictures-race-\(width)x\(height)")
    stage.press("K")
    #expect(stage.state.pictures.pair?.1.ticket == ticket)
  }

  /// The same event from a painter that takes four times as long.
  private static func slower(_ event: JobEvent) -> JobEvent {
    guard case .painting(.step(let step, var cost)) = event else { return event }
    cost.seconds *= 4
    return .painting(.step(step, cost))
  }

  /// A method that changes a painter comes with that painter as it is set, and is raced against it.
  @Test func whatChangesAPainterComesWithIt() throws {
    var stage = Self.painted()
    let entries = stage.state.pictures.entries
    stage.state.pictures.painter = try #require(
      entries.firstIndex { $0.card.id == "encoder-reuse" })
    stage.state.pictures.choices["ddim"] = MethodChoice("ddim", values: ["steps": 30])
    stage.press("<esc>4r")
    let (ticket, request) = try #require(stage.takeEffects().painting)
    let base = MethodChoice("ddim", values: ["steps": 30])
    #expect(request.methods == [MethodChoice("encoder-reuse"), base])
    stage.play(Self.events(request), ticket: ticket)
    stage.press("R")
    #expect(stage.takeEffects().painting?.1.methods == [base])
  }

  @Test func aPainterIsChosenByName() {
    var stage = Self.painted()
    stage.press("/painter next-scale:guidance=5<cr>")
    #expect(
      stage.state.pictures.methods(of: stage.state.pictures.entry)
        == [MethodChoice("next-scale", values: ["guidance": 5])])
    stage.press("/painter raster-scan<cr>")
    #expect(stage.state.pictures.entry?.card.id == "raster-scan")
    stage.press("/painter crayon<cr>")
    #expect(stage.state.pictures.entry?.card.id == "raster-scan")
    #expect(stage.state.notice?.text.contains("crayon") == true)
  }

  /// Words are sent while a picture is painted; the engine makes them its next step.
  @Test func anAnswerNeedNotWaitForAPicture() {
    var stage = Stage()
    stage.press("a red disc<F9>")
    #expect(stage.state.isBusy && stage.takeEffects().painting != nil)
    stage.press("hello<cr>")
    #expect(stage.state.running != nil && stage.state.chat.queue.isEmpty)
    #expect(stage.state.pictures.isPainting)
  }

  @Test(arguments: [(80, 24), (120, 40)])
  func whatCompetesIsShownSideBySide(_ width: Int, _ height: Int) throws {
    var stage = Stage(width, height)
    stage.state.pictures.look.symbols = .ascii
    stage.press("a red disc<F9>")
    let (ticket, request) = try #require(stage.takeEffects().painting)
    var step = Self.step(1)
    step.candidates = (0..<4).map {
      PaintingCandidate(
        picture: Self.picture($0), score: 0.1 * Double($0), parent: $0 == 3 ? 1 : nil)
    }
    stage.play(
      [.painting(.started(steps: 200, note: nil)), .painting(.step(Self.step(0), Self.cost(0)))],
      ticket: ticket)
    stage.play([.painting(.step(step, Self.cost(1)))], ticket: ticket)
    #expect(request.description == "a red disc")
    expectGolden(stage.screen(), "pictures-candidates-\(width)x\(height)")
  }

  @Test func theProfileIsThatOfThePictureWhileItIsLookedAt() throws {
    var stage = Stage(120, 40)
    stage.state.pictures.look.symbols = .ascii
    stage.press("a red disc<F9>")
    let (ticket, request) = try #require(stage.takeEffects().painting)
    var events = Self.events(request)
    var report = PaintingReport(
      request: request, steps: [Self.step(3)], costs: [Self.cost(3)], preparation: 0.1,
      isCancelled: false, byteCount: 30_000_000)
    report.agreement = 0.625
    report.figures = PainterFigures(
      pictures: 400, frechet: 12.5, copyFrechet: 8.25, agreement: 0.5, copyAgreement: 0.6)
    events[events.count - 1] = .painting(.finished(report))
    stage.play(events, ticket: ticket)
    expectGolden(stage.screen(), "pictures-profile-120x40")
    #expect(stage.screen().contains("agreement 0.63  of many"))
    stage.press("<esc>1")
    #expect(!stage.screen().contains("agreement 0.63  of many"), "the text's figures come back")
  }

  @Test func onlySomeWorksAreKept() {
    var stage = Self.painted()
    for _ in 0..<40 { stage.press("<F9>") }
    #expect(stage.state.pictures.works.count == 32)
    stage.press("<esc>4KKK")
    #expect(stage.state.pictures.shown == 28)
  }

  @Test(arguments: [(60, 15), (80, 24), (120, 40), (200, 60)])
  func thePaneShowsPictureStepsAndValues(_ width: Int, _ height: Int) {
    var stage = Self.painted(width, height)
    stage.state.pictures.look.symbols = .ascii
    stage.press("<F9>")
    if let (ticket, request) = stage.takeEffects().painting {
      stage.play(Array(Self.events(request).prefix(3)), ticket: ticket)
    }
    stage.press("<esc>4j")
    expectGolden(stage.screen(), "pictures-\(width)x\(height)")
  }
}

extension [Effect] {
  /// The last picture that was asked for.
  var painting: (ticket: Int, request: PaintingRequest)? {
    compactMap { effect -> (ticket: Int, request: PaintingRequest)? in
      if case .submit(let ticket, .paint(let request)) = effect { (ticket, request) } else { nil }
    }.last
  }
}
