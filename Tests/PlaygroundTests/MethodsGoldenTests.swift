import Inference
import Playground
import Runtime
import Terminal
import Testing

/// Screens of methods, races and drafting as text.
@Suite struct MethodsGoldenTests {
  @Test(arguments: [(80, 24), (120, 40), (200, 60)])
  func thePaneShowsSwitchesFiguresAndKnobs(_ width: Int, _ height: Int) {
    var (stage, request) = RaceTests.started(width, height)
    stage.play(race: RaceScript(request).all())
    stage.press("q<space>j")
    expectGolden(stage.screen(), "methods-on-\(width)x\(height)")
  }

  @Test(arguments: [(80, 24), (120, 40)])
  func aRunningRaceShowsBothLanes(_ width: Int, _ height: Int) {
    var (stage, request) = RaceTests.started(width, height)
    stage.play(race: RaceScript(request).events(turns: 5))
    expectGolden(stage.screen(), "race-running-\(width)x\(height)")
  }

  @Test(arguments: [(80, 24), (120, 40)])
  func aRaceOfEqualTextsEndsWithAVerdict(_ width: Int, _ height: Int) {
    var (stage, request) = RaceTests.started(width, height)
    stage.play(race: RaceScript(request).all())
    expectGolden(stage.screen(), "race-\(width)x\(height)")
  }

  @Test(arguments: [(80, 24), (120, 40), (60, 15)])
  func aRaceWhoseTextsPartMarksThePlace(_ width: Int, _ height: Int) {
    var (stage, request) = RaceTests.started(width, height)
    stage.play(race: RaceScript(request, parts: true).all(ratios: [0.93]))
    expectGolden(stage.screen(), "race-parted-\(width)x\(height)")
  }

  @Test(arguments: [(80, 24), (120, 40), (200, 60)])
  func draftingIsProfiled(_ width: Int, _ height: Int) {
    var stage = DraftingTests.midDrafting(width, height)
    expectGolden(stage.screen(), "drafting-\(width)x\(height)")
    stage.press("<esc>2")
    expectGolden(stage.screen(), "drafting-profile-\(width)x\(height)")
    stage.press("z")
    expectGolden(stage.screen(), "drafting-zoom-\(width)x\(height)")
  }
}
