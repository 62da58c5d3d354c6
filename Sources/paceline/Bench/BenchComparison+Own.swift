import Runtime

/// What a comparison tells about this program alone.
extension BenchComparison {
  /// Adds ratios of own figures, and profiles of the median rounds.
  func addOwn(
    _ plan: BenchPlan, _ samples: [BenchPlan.Cell: [Sample]], to report: inout ModelReport
  ) {
    func speeds(_ test: BenchTest, isa: String? = nil) -> [Int: Double] {
      figures(samples[.init(test: test, isa: isa)])
    }
    func arithmeticRoofs(_ test: BenchTest, isa: String? = nil) -> [Int: Double] {
      let found = (samples[.init(test: test, isa: isa)] ?? []).compactMap { sample in
        sample.profile?.roofs.operationsPerSecond.map { (sample.round, $0) }
      }
      return Dictionary(found, uniquingKeysWith: { $1 })
    }
    func target(_ name: String) -> Double? { targets[report.file, name] }
    let one = speeds(.verification(rows: 1))
    var ratios: [OwnRatio?] = plan.tests.map { test in
      guard case .verification(let rows) = test, rows > 1 else { return nil }
      // The time of a pass is its rows over its speed.
      return OwnRatio(
        "V(\(rows)): a pass of \(rows) rows over a pass of one",
        one.mapValues { $0 * Double(rows) }, over: speeds(test), target: target(test.name),
        isLimit: true)
    }
    for test in plan.tests where test.comparesInstructionSets {
      ratios += plan.otherSets.map { set in
        OwnRatio(
          "\(test.name): \(set) over the best instruction set", speeds(test, isa: set),
          over: speeds(test), target: target(set))
      }
      guard case .prompt = test else { continue }
      ratios += plan.otherSets.map { set in
        OwnRatio(
          "the arithmetic roof: \(set) over the best instruction set",
          arithmeticRoofs(test, isa: set), over: arithmeticRoofs(test), target: nil)
      }
    }
    for case .busy(let count) in plan.tests {
      let (busy, quiet) = (
        BenchTest.busy(count: count), BenchTest.generation(count: count, depth: 0)
      )
      ratios.append(
        OwnRatio(
          "\(quiet.name) kept beside one busy process", speeds(busy), over: speeds(quiet),
          target: target("kept")))
      ratios.append(
        OwnRatio(
          "the same of llama.cpp, each at its best setting", best(busy, samples),
          over: best(quiet, samples), target: nil))
    }
    for test in plan.tests {
      let own = samples[.init(test: test)] ?? []
      let profiles = own.compactMap { sample in sample.profile.map { (sample.round, $0) } }
      guard !profiles.isEmpty, !test.isBusy, !test.isOwn else { continue }
      if case .generation(_, 0) = test {
        ratios.append(
          OwnRatio(
            "\(test.name): bytes read in a second over the read roof",
            Dictionary(uniqueKeysWithValues: profiles.map { ($0, $1.bytesPerSecond) }),
            over: Dictionary(
              uniqueKeysWithValues: profiles.map { ($0, $1.roofs.bytesPerSecond ?? 0) }),
            target: target("reading")))
      }
      let sorted = profiles.map(\.1).sorted { $0.millisecondsPerToken < $1.millisecondsPerToken }
      report.profiles.append(
        NamedProfile(test: test.name, profile: sorted[sorted.count / 2]))
    }
    report.ratios = ratios.compactMap(\.self)
  }

  private func figures(_ samples: [Sample]?) -> [Int: Double] {
    Dictionary(
      (samples ?? []).compactMap { sample in sample.figures.first.map { (sample.round, $0) } },
      uniquingKeysWith: { $1 })
  }

  /// llama.cpp's figures with the setting whose median is best.
  private func best(_ test: BenchTest, _ samples: [BenchPlan.Cell: [Sample]]) -> [Int: Double] {
    samples.filter { $0.key.test == test && $0.key.setting != nil }
      .map { figures($0.value) }
      .max { Statistics.median(Array($0.values)) < Statistics.median(Array($1.values)) } ?? [:]
  }
}
