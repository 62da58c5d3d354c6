/// What one row of a benchmark measures.
package enum BenchTest: Hashable, Sendable {
  /// Reads a prompt of `count` tokens behind `depth` others.
  case prompt(count: Int, depth: Int)
  /// Computes `count` tokens one after another behind `depth` others.
  case generation(count: Int, depth: Int)
  /// Computes `count` tokens one after another while another process keeps a processor busy.
  case busy(count: Int)
  /// Passes of so many rows at once, with the logits of all: what verifying drafted tokens takes.
  case verification(rows: Int)
  /// A fresh process, from its start until its model is loaded.
  case ready
  /// A fresh process, from its start to the first token after a one-word prompt.
  case start
  /// A fresh process, from its start to the first token after a prompt of 64 tokens.
  case firstToken
  /// Peak memory of a fresh process that reads 64 tokens and generates 128.
  case memory

  /// Tokens of a test of `verification`, whatever its rows.
  private static let verifiedTokens = 64

  /// Tokens of the prompt of `firstToken` and `memory`.
  package static let promptTokens = 64
  /// Tokens that `memory` generates.
  package static let memoryTokens = 128

  /// The short set.
  package static let usual: [BenchTest] = [
    .prompt(count: 512, depth: 0), .generation(count: 128, depth: 0),
  ]

  /// Every figure that a person at the terminal feels.
  package static let full: [BenchTest] =
    [32, 128, 512].map { .prompt(count: $0, depth: 0) }
    + [0, 512, 2048, 8192].map { .generation(count: 128, depth: $0) }
    + [.busy(count: 128)] + [1, 2, 4, 8].map { .verification(rows: $0) }
    + [.ready, .start, .firstToken, .memory]

  package var name: String {
    switch self {
    case .prompt(let count, let depth): "pp\(count)" + (depth > 0 ? "@\(depth)" : "")
    case .generation(let count, let depth): "tg\(count)" + (depth > 0 ? "@\(depth)" : "")
    case .busy(let count): "busy\(count)"
    case .verification(let rows): "v\(rows)"
    case .ready: "ready"
    case .start: "start"
    case .firstToken: "ttft\(Self.promptTokens)"
    case .memory: "memory"
    }
  }

  /// The test of that name, such as `pp512`, `tg128@2048` or `start`; nil where there is none.
  package init?(name: String) {
    let whole: [BenchTest] = [.ready, .start, .firstToken, .memory]
    if let found = whole.first(where: { $0.name == name }) {
      self = found
      return
    }
    if name.first == "v", let rows = Int(name.dropFirst()), (1...64).contains(rows) {
      self = .verification(rows: rows)
      return
    }
    if name.hasPrefix("busy"), let count = Int(name.dropFirst(4)), (1...4096).contains(count) {
      self = .busy(count: count)
      return
    }
    let parts = name.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    let limit = 1...(1 << 20)
    guard let head = parts.first, let count = Int(head.dropFirst(2)), limit.contains(count),
      let depth = parts.count > 1 ? Int(parts[1]) : 0, depth == 0 || limit.contains(depth)
    else { return nil }
    switch head.prefix(2) {
    case "pp": self = .prompt(count: count, depth: depth)
    case "tg": self = .generation(count: count, depth: depth)
    default: return nil
    }
  }

  /// The tests of a comma-separated list, in which `full` stands for all of the full set.
  ///
  /// - Returns: nil, and the first word that is no test, or no word at all.
  package static func list(_ text: String) -> (tests: [BenchTest]?, unknown: String) {
    var tests: [BenchTest] = []
    for word in text.split(separator: ",").map(String.init) {
      if word == "full" {
        tests += full
      } else if let test = BenchTest(name: word) {
        tests.append(test)
      } else {
        return (nil, word)
      }
    }
    var seen: Set<BenchTest> = []
    tests = tests.filter { seen.insert($0).inserted }
    return (tests.isEmpty ? nil : tests, "")
  }

  /// Tokens that are timed, and those that stand before them; nil for tests of whole processes.
  package var speed: (count: Int, depth: Int, isPrompt: Bool)? {
    switch self {
    case .prompt(let count, let depth): (count, depth, true)
    case .generation(let count, let depth): (count, depth, false)
    case .busy(let count): (count, 0, false)
    case .verification: (Self.verifiedTokens, 0, false)
    case .ready, .start, .firstToken, .memory: nil
    }
  }

  /// Whether only figures of this program are compared with one another.
  package var isOwn: Bool {
    if case .verification = self { true } else { false }
  }

  /// Whether another process keeps a processor busy meanwhile.
  package var isBusy: Bool {
    if case .busy = self { true } else { false }
  }

  /// Rows of one pass after the prompt.
  package var passRows: Int {
    if case .verification(let rows) = self { rows } else { 1 }
  }

  /// Positions of a context that the test fills.
  package var positions: Int {
    switch self {
    case .prompt(let count, let depth), .generation(let count, let depth): count + depth
    case .busy(let count): count
    case .verification: Self.verifiedTokens
    case .ready, .start: 16
    case .firstToken: Self.promptTokens + 1
    case .memory: Self.promptTokens + Self.memoryTokens
    }
  }
}

extension BenchTest {
  /// Whether the comparison also runs it with this program's other instruction sets.
  package var comparesInstructionSets: Bool {
    self == .prompt(count: 512, depth: 0) || self == .generation(count: 128, depth: 0)
  }

  /// The figures that one run of the test gives.
  package var figures: [(name: String, unit: BenchUnit)] {
    switch self {
    case .prompt, .generation, .busy, .verification: [(name, .tokensPerSecond)]
    case .ready, .start, .firstToken: [(name, .milliseconds)]
    case .memory: [("rss", .mebibytes), ("private", .mebibytes)]
    }
  }

  /// Runs that one process times of this test, after a warm-up of its own.
  package var repetitionsOfACell: Int {
    guard let speed, speed.isPrompt else { return 2 }
    return min(max(512 / speed.count, 2), 8)
  }
}
