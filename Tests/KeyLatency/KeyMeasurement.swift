import Foundation
import Glibc
import TestSupport

/// Types keys into the playground, one answer after another, until there are enough.
struct KeyMeasurement {
  let program: String
  let model: String
  let endTokens: [Int32]
  let size: (columns: Int, rows: Int)
  let busy: Int
  let keys: Int
  /// Whether pictures are painted meanwhile, in place of answers.
  let paints: Bool
  let seed: UInt64
  /// A folder for what the playground keeps.
  let home: String
  /// Whether slow keys are named on standard error.
  let traces: Bool

  func run() throws -> KeyReport {
    let burning = try BusyProcesses(busy)
    defer { burning.stop() }
    var plan = KeyPlan(seed: seed)
    var samples: [TypingRun.Sample] = []
    var tokens = 0
    var time = Duration.zero
    var others = 0.0
    var answers = 0
    var ownDelay = 0.0
    while samples.count < keys {
      let run = TypingRun(try start(), paints: paints)
      try run.begin()
      plan.startOver()
      let watched = [getpid(), run.pty.process] + burning.identifiers
      let before = ProcessorTime.machine() - watched.map(ProcessorTime.process).reduce(0, +)
      let delayBefore = ProcessorTime.delay()
      try run.type(keys - samples.count, plan: &plan)
      ownDelay += ProcessorTime.delay() - delayBefore
      others += ProcessorTime.machine() - watched.map(ProcessorTime.process).reduce(0, +) - before
      try run.end()
      samples += run.samples
      if traces { trace(run.samples) }
      tokens += run.tokens
      time += run.typingTime
      answers += 1
    }
    let seconds = time / .seconds(1)
    let all = Latencies(samples.map(\.milliseconds))
    return KeyReport(
      model: (model as NSString).lastPathComponent, paints: paints, columns: size.columns,
      rows: size.rows, busy: busy, keys: all.count, p50: all.percentile(50),
      p90: all.percentile(90),
      p99: all.percentile(99), max: all.greatest,
      kinds: Dictionary(grouping: samples, by: \.kind.rawValue).mapValues {
        Latencies($0.map(\.milliseconds)).percentile(99)
      }, answers: answers, tokensPerSecond: Double(tokens) / seconds,
      others: Swift.max(0, others / seconds), ownDelay: ownDelay)
  }

  private func trace(_ samples: [TypingRun.Sample]) {
    for (index, sample) in samples.enumerated() where sample.milliseconds >= KeyReport.target {
      let line =
        "key \(index), \(sample.kind.rawValue): \(Int(sample.milliseconds)) ms, context \(sample.used)\n"
      FileHandle.standardError.write(Data(line.utf8))
    }
  }

  /// The playground on a terminal of its own.
  private func start() throws -> Pty {
    let bans = endTokens.map { "\($0):-inf" }.joined(separator: ",")
    var arguments = [program, "--model", model, "--greedy"]
    if !bans.isEmpty { arguments += ["--set", "bias=" + bans] }
    var environment = ProcessInfo.processInfo.environment
    environment.merge(
      [
        "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "INPUTRC": "/dev/null",
        "PACELINE_HOME": home,
      ]
    ) { $1 }
    return try Pty(arguments, environment: environment, size: size)
  }
}
