import Foundation
import Inference
import Models

/// Runs this program and llama.cpp in turns over one model.
struct BenchComparison {
  let own: OwnProgram
  let peer: Peer
  let plan: BenchPlan
  let cellGuard: CellGuard
  let targets: BenchTargets
  /// The text of the quality row; nil leaves it out.
  let qualityText: String?
  let interruption: Interruption

  struct Sample {
    var round: Int
    var figures: [Double]
    var profile: BenchProfile?
    var isNoisy: Bool
  }

  /// - Parameter progress: told of each cell before it runs, and whether it is the first of a round.
  func run(
    model path: String, progress: (_ text: String, _ isMilestone: Bool) -> Void
  ) throws(InferenceError) -> ModelReport {
    let loaded = try ModelLoader.load(path: path, contextLength: 1)
    let prompt = try BenchPrompt(loaded)
    var report = ModelReport(
      file: (path as NSString).lastPathComponent, name: loaded.name, format: loaded.format,
      promptTokens: prompt.tokens)
    var plan = plan
    plan.tests = plan.tests.filter {
      ($0.isOwn || peer.canRun($0)) && $0.positions <= loaded.model.shape.contextLength
    }
    var samples: [BenchPlan.Cell: [Sample]] = [:]
    var settings = Dictionary(
      uniqueKeysWithValues: plan.tests.map {
        ($0, PeerSetting.all(for: $0, threads: plan.threads))
      })
    for round in 0...plan.rounds {
      let cells = plan.cells(round: round, settings: settings)
      for (index, cell) in cells.enumerated() {
        progress(
          "\(report.file): round \(round)/\(plan.rounds), cell \(index + 1)/\(cells.count): "
            + "\(cell.test.name) \(cell.title)", index == 0)
        let repetitions = round == 0 ? 1 : cell.test.repetitionsOfACell
        // Round 0 warms the page cache and finds the settings to go on with; one retry is enough for it.
        var limits = cellGuard
        if round == 0 { limits.retries = min(limits.retries, 1) }
        let measured: (figures: [Double], profile: BenchProfile?)
        let conditions: CellConditions
        do throws(InferenceError) {
          (measured, conditions) = try limits.measure { () throws(InferenceError) in
            try CellGuard.watch { () throws(InferenceError) in
              try measure(cell, path, prompt, repetitions)
            }
          }
        } catch {
          // One program's failure shall not cost the other figures.
          guard error.code != .cancelled else { throw error }
          report.failures.append("\(cell.test.name), \(cell.title): \(error.message)")
          continue
        }
        samples[cell, default: []].append(
          Sample(
            round: round, figures: measured.figures, profile: measured.profile,
            isNoisy: conditions.isNoisy))
        guard round > 0 else { continue }
        report.cells += 1
        report.rejected += conditions.rejected
        report.noisy += conditions.isNoisy ? 1 : 0
      }
      if round == 0 {
        for test in plan.tests { settings[test] = contenders(test, settings[test] ?? [], samples) }
      }
    }
    samples = samples.mapValues { $0.filter { $0.round > 0 } }.filter { !$0.value.isEmpty }
    for test in plan.tests where peer.canRun(test) {
      add(test, samples, to: &report, path, prompt)
    }
    addOwn(plan, samples, to: &report)
    progress("\(report.file): perplexity", true)
    do throws(InferenceError) {
      report.quality = try quality(path)
    } catch {
      guard error.code != .cancelled else { throw error }
      report.failures.append("quality: \(error.message)")
    }
    return report
  }

  private func measure(
    _ cell: BenchPlan.Cell, _ path: String, _ prompt: BenchPrompt, _ repetitions: Int
  ) throws(InferenceError) -> (figures: [Double], profile: BenchProfile?) {
    guard let setting = cell.setting else {
      var own = own
      if let isa = cell.isa { own.isa = isa }
      return try own.measure(
        cell.test, model: path, prompt: prompt, repetitions: repetitions, interruption)
    }
    let figures = try peer.measure(
      cell.test, setting, model: path, prompt: prompt, repetitions: repetitions, interruption)
    return (figures, nil)
  }

  private func contenders(
    _ test: BenchTest, _ all: [PeerSetting], _ samples: [BenchPlan.Cell: [Sample]]
  ) -> [PeerSetting] {
    var first: [PeerSetting: Double] = [:]
    for setting in all {
      // Of memory, the private part is what the settings are chosen by.
      first[setting] = samples[.init(test: test, setting: setting)]?.first?.figures.last
    }
    return PeerSetting.contenders(
      first, test: test, unit: test.figures.last?.unit ?? .tokensPerSecond)
  }

  private func add(
    _ test: BenchTest, _ samples: [BenchPlan.Cell: [Sample]], to report: inout ModelReport,
    _ path: String, _ prompt: BenchPrompt
  ) {
    var ours: [Sample] = []
    var theirs: [PeerSetting: [Sample]] = [:]
    for (cell, list) in samples where cell.test == test && cell.isa == nil {
      if let setting = cell.setting { theirs[setting] = list } else { ours = list }
    }
    func byRound(_ samples: [Sample], _ index: Int) -> [Int: (Double, Bool)] {
      Dictionary(
        samples.compactMap { sample in
          sample.figures.indices.contains(index)
            ? (sample.round, (sample.figures[index], sample.isNoisy)) : nil
        }, uniquingKeysWith: { $1 })
    }
    // Without repacking llama.cpp takes less memory and is slower, so that this is a row of its own.
    let groups = test == .memory ? [nil, false] : [nil as Bool?]
    for repack in groups {
      let chosen = theirs.filter {
        test != .memory || ($0.key.repack == false) == (repack == false)
      }
      for (index, figure) in test.figures.enumerated() {
        let name = figure.name + (repack == false ? ", its no-repack" : "")
        let row = FigureReport(
          name: name, unit: figure.unit, ours: byRound(ours, index),
          theirs: chosen.mapValues { byRound($0, index) }, target: targets[report.file, name])
        if let row { report.figures.append(row) }
      }
    }
    report.commands += commands(test, report, theirs.keys, path, prompt)
  }

  /// The commands of a test: ours, and theirs with the best setting.
  private func commands(
    _ test: BenchTest, _ report: ModelReport, _ settings: some Sequence<PeerSetting>,
    _ path: String, _ prompt: BenchPrompt
  ) -> [String] {
    let repetitions = test.repetitionsOfACell
    let name = test.figures.last?.name
    let winner = report.figures.first { $0.name == name }?.setting
    var commands = [
      own.command(test, model: path, prompt: prompt, repetitions: repetitions)
    ]
    if let best = settings.first(where: { $0.description == winner }) {
      commands.append(
        peer.command(test, best, model: path, prompt: prompt, repetitions: repetitions))
    }
    return commands.map {
      $0.line.replacing(path, with: report.file).replacing(prompt.text, with: "PROMPT")
    }
  }

  private func quality(_ path: String) throws(InferenceError) -> QualityReport? {
    guard let qualityText else { return nil }
    let ours = try own.perplexity(model: path, text: qualityText, interruption)
    let theirs = try peer.perplexity(
      model: path, text: qualityText, threads: plan.threads, interruption)
    return QualityReport(theirs: theirs, ours: ours)
  }
}
