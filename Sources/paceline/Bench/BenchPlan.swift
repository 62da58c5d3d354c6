/// What a comparison measures, and how often.
package struct BenchPlan: Sendable {
  /// Positions of the context in tests of whole processes.
  package static let contextLength = 2048
  /// Tokens of a chunk of the perplexity.
  package static let qualityContext = 512

  package var tests: [BenchTest]
  package var rounds: Int
  package var seed: UInt64
  /// Threads of both programs; llama.cpp is tried with one, too.
  package var threads: Int
  /// Instruction sets of this program that some tests are run with besides its best.
  package var otherSets: [String]

  /// Seconds after which a process is given up.
  package var limit: Int

  package init(
    tests: [BenchTest], rounds: Int, seed: UInt64, threads: Int, otherSets: [String] = [],
    limit: Int = 600
  ) {
    self.tests = tests
    self.rounds = rounds
    self.seed = seed
    self.threads = threads
    self.otherSets = otherSets
    self.limit = limit
  }

  /// One process of one engine.
  package struct Cell: Hashable, Sendable {
    package var test: BenchTest
    /// How llama.cpp is asked to run; nil where this program runs.
    package var setting: PeerSetting?
    /// The instruction set that this program is made to use; nil where it chooses.
    package var isa: String?

    package init(test: BenchTest, setting: PeerSetting? = nil, isa: String? = nil) {
      self.test = test
      self.setting = setting
      self.isa = isa
    }

    var title: String {
      setting.map { "llama.cpp \($0)" } ?? "paceline" + (isa.map { " " + $0 } ?? "")
    }
  }

  /// The cells of a round: tests in random order, and within a test the engines, so that what is compared stands
  /// close together in time.
  package func cells(
    round: Int, settings: [BenchTest: [PeerSetting]]
  ) -> [Cell] {
    var generator = SeededGenerator(seed: seed &+ UInt64(truncatingIfNeeded: round) &* 1_000_003)
    return tests.shuffled(using: &generator).flatMap { test in
      let own = [nil] + (test.comparesInstructionSets ? otherSets : [])
      return
        (own.map { Cell(test: test, isa: $0) }
        + (settings[test] ?? []).map { Cell(test: test, setting: $0) })
        .shuffled(using: &generator)
    }
  }
}
