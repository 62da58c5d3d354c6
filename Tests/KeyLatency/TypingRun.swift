import Foundation
import Glibc
import TestSupport

/// One answer of the playground, or one picture, and keys typed while it is being made.
final class TypingRun {
  struct Sample {
    let kind: KeyPlan.Kind
    let milliseconds: Double
    /// Positions of the context that were taken.
    let used: Int
  }

  private struct Pending {
    let key: KeyPlan.Key
    let time: ContinuousClock.Instant
  }

  private static let question = "Tell me a long story about the sea."
  /// A picture of a thousand steps.
  private static let picture = "/painter ddpm:steps=1000\r/paint red heart\r"
  /// A token that takes longer than this means that nothing is generated any more.
  private static let longestStandstill = Duration.seconds(3)
  /// A key whose effect does not show in this time counts as lost.
  private static let patience = Duration.seconds(5)
  /// Positions of the context, or steps of a picture, that are left when the run ends.
  private var reserve: Int { paints ? 20 : 256 }

  let pty: Pty
  private(set) var samples: [Sample] = []
  private(set) var tokens = 0
  private(set) var typingTime = Duration.zero
  private var pending: [Pending] = []
  private var used = 0
  private var capacity = 0
  private var lastToken = ContinuousClock.now
  private var knobRow: Int?
  private let paints: Bool

  private var view: PlaygroundView { PlaygroundView(screen: pty.model) }

  init(_ pty: Pty, paints: Bool) {
    self.pty = pty
    self.paints = paints
  }

  /// How far the answer or the picture is, and how far it can go.
  private func progress(_ view: PlaygroundView) -> (used: Int, capacity: Int)? {
    paints ? view.steps : view.context
  }

  /// Asks the question, or for a picture, and waits until it grows.
  func begin() throws {
    try pty.wait(for: "ready", seconds: 120)
    // The knob that was set last is the one that is picked.
    let settings = "/max-tokens 65536\r/temp 0\r"
    try pty.send(settings + (paints ? Self.picture : Self.question + "\r"))
    var growths = 0
    try pty.wait("an answer that streams", seconds: 120) { [self] pty in
      guard let progress = progress(view), paints || pty.model.text.contains(" generating ")
      else { return false }
      if progress.used > used { growths += 1 }
      used = progress.used
      capacity = progress.capacity
      return growths >= 5
    }
    pty.forgetOutput()
  }

  /// Types until `count` keys have been painted or the context is nearly full.
  func type(_ count: Int, plan: inout KeyPlan) throws {
    let start = ContinuousClock.now
    let firstUsed = used
    lastToken = start
    var next = start
    while samples.count + pending.count(where: { $0.key.kind != nil }) < count,
      used < capacity - reserve
    {
      try read(until: next)
      if plan.needsPainted, !pending.isEmpty {
        try read(until: .now + .milliseconds(1))
        continue
      }
      try press(&plan)
      next = max(next, .now) + .microseconds(Int(plan.gap() * 1000))
    }
    while !pending.isEmpty { try read(until: .now + .milliseconds(10)) }
    typingTime = .now - start
    tokens = used - firstUsed
  }

  /// Ends the playground, whatever it still does.
  func end() throws {
    kill(pty.process, SIGTERM)
    try pty.waitForExit(seconds: 30)
  }

  private func press(_ plan: inout KeyPlan) throws {
    // Whatever was painted up to now was not painted for this key.
    try read(until: .now)
    let knob = view.knob(nearRow: knobRow) ?? view.knob()
    knobRow = knob?.row
    let key = plan.next(
      isSettled: pending.isEmpty, knob: knob?.text, canScrollBack: !paints && view.canScrollBack)
    let time = ContinuousClock.now
    guard write(pty.master, key.bytes, key.bytes.count) == key.bytes.count else {
      throw PtyError("the playground's terminal takes no key")
    }
    pending.append(Pending(key: key, time: time))
  }

  /// Takes in what is painted until a moment, and at least what is there now.
  private func read(until end: ContinuousClock.Instant) throws {
    repeat {
      let left = max(.zero, end - .now)
      guard pty.hasOutput(within: Int32((left / .milliseconds(1)).rounded(.up))) else { break }
      let arrival = ContinuousClock.now
      guard pty.readOnce() else { throw PtyError("the playground ended:\n\(pty.model.text)") }
      pty.forgetOutput()
      settle(at: arrival)
    } while true
    let now = ContinuousClock.now
    if let late = pending.first, now - late.time > Self.patience {
      throw PtyError("a key was never painted: \(late.key)\n\(pty.model.text)")
    }
    if now - lastToken > Self.longestStandstill {
      throw PtyError("the answer stood still while keys were typed:\n\(pty.model.text)")
    }
  }

  /// Notes which keys the screen shows now.
  private func settle(at arrival: ContinuousClock.Instant) {
    let view = view
    if let progress = progress(view), progress.used != used {
      used = progress.used
      lastToken = arrival
    }
    guard !pending.isEmpty else { return }
    let prompt = view.prompt
    // A later text shows that the earlier ones were taken up too.
    let typed = pending.lastIndex { prompt.map(KeyPlan.Sign.prompt) == $0.key.sign } ?? -1
    var rest: [Pending] = []
    for (index, key) in pending.enumerated() {
      guard shows(key.key.sign, view) || (index < typed && key.key.isText) else {
        rest.append(key)
        continue
      }
      if let kind = key.key.kind {
        samples.append(
          Sample(kind: kind, milliseconds: (arrival - key.time) / .milliseconds(1), used: used))
      }
    }
    pending = rest
  }

  private func shows(_ sign: KeyPlan.Sign, _ view: PlaygroundView) -> Bool {
    switch sign {
    case .prompt(let text): view.prompt == text
    case .knob(let before): view.knob(nearRow: knobRow).map { $0.text != before } ?? false
    case .scrolledBack(let isBack): view.isScrolledBack == isBack
    case .typing(let isTyping): view.isTyping == isTyping
    }
  }
}
