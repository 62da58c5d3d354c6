/// How many workers the next run has: fewer than there are while other programs compete for the processors.
///
/// A team is as slow as its slowest member, so one that waits for a processor holds up all others at every barrier; on
/// two processors, with one busy program beside, two workers can be many times slower than one. The kernel tells how
/// long threads were ready but had no processor. Where that is a noticeable part of the time, the team shrinks, and
/// tries again after a while that grows as long as the competition stays.
package struct TeamSize {
  private static let window: UInt64 = 20_000_000
  private static let toleratedShare = 0.2
  private static let shortestHold: UInt64 = 250_000_000
  private static let longestHold: UInt64 = 2_000_000_000

  package let greatest: Int
  package private(set) var current: Int
  private var elapsed: UInt64 = 0
  private var delayed: UInt64 = 0
  private var hold = shortestHold
  /// When a shrunken team tries its full size again.
  private var retryTime: UInt64 = 0

  package init(greatest: Int) {
    self.greatest = greatest
    current = greatest
  }

  /// Chooses the size of a run that starts at `now`.
  package mutating func beginRun(now: UInt64) {
    guard current < greatest, now >= retryTime else { return }
    current = greatest
    (elapsed, delayed) = (0, 0)
  }

  /// Takes note of a run of `elapsed` nanoseconds, in which the workers together waited `delayed` for a processor.
  package mutating func endRun(now: UInt64, elapsed: UInt64, delayed: UInt64) {
    self.elapsed += elapsed
    self.delayed += delayed
    guard self.elapsed >= Self.window else { return }
    let share = Double(self.delayed) / Double(self.elapsed * UInt64(current))
    (self.elapsed, self.delayed) = (0, 0)
    if share > Self.toleratedShare, current > 1 {
      current -= 1
      retryTime = now + hold
      hold = min(2 * hold, Self.longestHold)
    } else if current == greatest {
      hold = Self.shortestHold
    }
  }
}
