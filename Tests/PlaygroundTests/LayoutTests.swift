import Playground
import Terminal
import Testing

/// The layout at every size.
@Suite struct LayoutTests {
  private static func stages() -> [Stage] {
    var stages: [Stage] = []
    for pane in PaneID.allCases {
      for preset in 0..<5 {
        for zoom in [false, true] {
          var stage = Stage()
          stage.press("a<M-enter>b<M-enter>c")
          stage.state.focus = pane
          stage.state.preset = preset
          stage.state.isZoomed = zoom
          stages.append(stage)
        }
      }
    }
    return stages
  }

  @Test func areasAreInsideAndNeverOverlap() {
    for (number, stage) in Self.stages().enumerated() {
      var state = stage.state
      // Every size once; the other arrangements at sizes that differ from one to the next.
      let step = number == 0 ? 1 : 9
      for width in stride(from: 1 + number % step, through: 300, by: number == 0 ? 1 : 7) {
        for height in stride(from: 1 + number % step, through: 100, by: number == 0 ? 1 : 5) {
          state.size = Size(width: width, height: height)
          let layout = Layout(state)
          let screen = Rect(size: state.size)
          let areas =
            layout.panes.map(\.area) + [layout.title, layout.prompt, layout.hints, layout.status]
          var covered = 0
          for area in areas where !area.isEmpty {
            guard area.intersection(screen) == area else {
              Issue.record("\(width)x\(height): \(area) sticks out")
              return
            }
            covered += area.width * area.height
          }
          for (index, area) in areas.enumerated() where !area.isEmpty {
            for other in areas[(index + 1)...] where !area.intersection(other).isEmpty {
              Issue.record("\(width)x\(height): \(area) overlaps \(other)")
              return
            }
          }
          if layout.kind != .tooSmall, covered != width * height {
            Issue.record("\(width)x\(height): \(width * height - covered) cells belong to nobody")
            return
          }
          let inner = layout.panes.map(\.content) + [layout.promptText]
          for area in inner where !area.isEmpty && area.intersection(screen) != area {
            Issue.record("\(width)x\(height): content \(area) sticks out")
            return
          }
        }
      }
    }
  }

  @Test func drawingWorksAtEverySizeWithEveryLayer() {
    let layers = ["", "<F1>", "<F2>", "<esc>m", "<esc>/x", "<esc>3<enter>", "<esc>:log<enter>"]
    for layer in layers {
      var stage = ScreenGoldenTests.midGeneration(80, 24)
      stage.press(layer)
      for width in [
        1, 2, 3, 5, 8, 13, 19, 20, 21, 39, 40, 41, 60, 79, 80, 81, 109, 110, 130, 170, 300,
      ] {
        for height in [1, 2, 3, 4, 5, 6, 9, 10, 11, 15, 17, 18, 22, 24, 30, 40, 60, 100] {
          stage.send(.resize(Size(width: width, height: height)))
          var frame = Frame(size: stage.state.size)
          draw(stage.state, on: &frame)
          if let cursor = frame.cursor { #expect(frame.bounds.contains(cursor)) }
        }
      }
    }
  }

  @Test func aRaceIsDrawnAtEverySize() {
    for turns in [0, 4, 100] {
      var stage = Stage()
      stage.press("hello<enter>")
      stage.answer("hi")
      stage.press("<esc>6r")
      guard let request = stage.effects.races.last else {
        Issue.record("no race was started")
        return
      }
      stage.play(race: RaceScript(request, parts: true).events(turns: turns))
      for width in [1, 5, 19, 20, 21, 39, 40, 60, 66, 67, 68, 79, 80, 110, 170, 300] {
        for height in [1, 4, 5, 6, 8, 9, 10, 11, 15, 18, 20, 24, 40, 100] {
          stage.send(.resize(Size(width: width, height: height)))
          stage.press("kd")
          var frame = Frame(size: stage.state.size)
          draw(stage.state, on: &frame)
          #expect(frame.cursor == nil || width < 20 || height < 5)
        }
      }
    }
  }

  @Test func aResizeShowsWhatAFreshStartWouldShow() {
    for (width, height) in ScreenGoldenTests.sizes where width >= 40 {
      var resized = ScreenGoldenTests.midGeneration(150, 50)
      resized.send(.resize(Size(width: width, height: height)))
      #expect(resized.screen() == ScreenGoldenTests.midGeneration(width, height).screen())
    }
  }

  @Test func theChatIsTheLastToGiveWay() throws {
    var state = Stage().state
    for height in 18...40 {
      state.size = Size(width: 90, height: height)
      let layout = Layout(state)
      let chat = try #require(layout.panes.first { $0.id == .chat })
      #expect(chat.area.height >= 6)
    }
  }

  @Test func presetsChangeTheNeighboursAndComeRound() {
    var stage = Stage(120, 40)
    let start = Layout(stage.state).panes.map(\.id)
    stage.press("<esc>+")
    #expect(Layout(stage.state).panes.map(\.id) != start)
    stage.press("_")
    #expect(Layout(stage.state).panes.map(\.id) == start)
    stage.press("+++++")
    #expect(Layout(stage.state).panes.map(\.id) == start)
  }

  @Test func theFocusedPaneIsAlwaysVisible() {
    for (width, height) in [(80, 24), (120, 40), (200, 60), (60, 15)] {
      for preset in 0..<5 {
        for pane in PaneID.allCases {
          var stage = Stage(width, height)
          stage.state.preset = preset
          stage.state.focus = pane
          #expect(
            Layout(stage.state).panes.contains { $0.id == pane }, "\(width) \(preset) \(pane)")
        }
      }
    }
  }

  @Test func thePromptGrowsToSixLines() {
    var stage = Stage()
    let before = Layout(stage.state).prompt.height
    stage.press("1<M-enter>2<M-enter>3")
    #expect(Layout(stage.state).prompt.height == before + 2)
    stage.press(String(repeating: "<M-enter>x", count: 20))
    #expect(Layout(stage.state).promptText.height == 6)
    #expect(stage.screen().contains("> 1") == false)
  }
}
