/// Lets text through up to the first stop string, and holds back what may be the beginning of one.
struct StopStringFilter {
  private let stops: [[UInt8]]
  private var held: [UInt8] = []
  private(set) var hasStopped = false

  /// Empty stop strings are ignored.
  init(_ stops: [String]) { self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty } }

  /// The text that is now certain to belong to the answer.
  mutating func append(_ text: String) -> String {
    guard !hasStopped else { return "" }
    guard !stops.isEmpty else { return text }
    held += text.utf8
    if let end = firstMatch() {
      hasStopped = true
      return take(end)
    }
    return take(held.count - possibleBeginning())
  }

  /// What was held back, once no more text comes.
  mutating func finish() -> String { hasStopped ? "" : take(held.count) }

  private mutating func take(_ count: Int) -> String {
    // Whole characters go in and stop strings begin with a whole one, so the cut never splits a character.
    let text = String(decoding: held[..<count], as: UTF8.self)
    held.removeFirst(count)
    return text
  }

  /// Where the earliest stop string begins.
  private func firstMatch() -> Int? {
    held.indices.first { start in stops.contains { held[start...].starts(with: $0) } }
  }

  /// Length of the longest suffix that begins a stop string.
  private func possibleBeginning() -> Int {
    let longest = stops.map { $0.count - 1 }.max() ?? 0
    for length in stride(from: min(longest, held.count), to: 0, by: -1) {
      let suffix = held.suffix(length)
      if stops.contains(where: { $0.count > length && $0.starts(with: suffix) }) { return length }
    }
    return 0
  }
}
