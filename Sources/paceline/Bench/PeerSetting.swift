/// How llama.cpp is asked to run.
package struct PeerSetting: Codable, Hashable, Sendable, CustomStringConvertible {
  package var threads: Int
  package var flashAttention: Bool
  /// An empty pass before the first token; nil where the program decides.
  package var warmUp: Bool?
  /// Weights copied into another order at load; nil where the program decides.
  package var repack: Bool?

  package init(threads: Int, flashAttention: Bool, warmUp: Bool? = nil, repack: Bool? = nil) {
    self.threads = threads
    self.flashAttention = flashAttention
    self.warmUp = warmUp
    self.repack = repack
  }

  package var description: String {
    "t\(threads) fa \(flashAttention ? "on" : "off")"
      + (warmUp == false ? ", no warm-up" : "") + (repack == false ? ", no repack" : "")
  }

  /// Every setting that is tried for a test.
  package static func all(for test: BenchTest, threads: Int) -> [PeerSetting] {
    let counts = threads > 1 ? [1, threads] : [1]
    switch test {
    case .prompt, .generation, .busy:
      return counts.flatMap { count in
        [true, false].map { PeerSetting(threads: count, flashAttention: $0) }
      }
    case .start, .firstToken:
      // Loading decides; attention and a second thread make no difference to one short prompt.
      return [true, false].flatMap { warmUp in
        [true, false].map { repack in
          PeerSetting(threads: threads, flashAttention: true, warmUp: warmUp, repack: repack)
        }
      }
    case .ready, .verification: return []
    case .memory:
      return [true, false].flatMap { attention in
        [true, false].map { repack in
          PeerSetting(threads: threads, flashAttention: attention, repack: repack)
        }
      }
    }
  }

  /// The settings worth measuring in every round: the best by a first figure and those near it.
  ///
  /// Memory with and without repacking are rows of their own, so each keeps its best.
  package static func contenders(
    _ first: [PeerSetting: Double], test: BenchTest, unit: BenchUnit, margin: Double = 0.1,
    limit: Int = 3
  ) -> [PeerSetting] {
    let groups = Dictionary(grouping: first.keys) { test == .memory ? $0.repack : nil }
    return groups.values.flatMap { group -> [PeerSetting] in
      let sorted = group.sorted {
        let advantage = unit.advantage(of: first[$0] ?? 0, over: first[$1] ?? 0)
        return advantage == 1 ? $0.description < $1.description : advantage > 1
      }
      guard let best = sorted.first.flatMap({ first[$0] }) else { return [] }
      return Array(
        sorted.filter { unit.advantage(of: first[$0] ?? 0, over: best) >= 1 - margin }
          .prefix(limit))
    }.sorted { $0.description < $1.description }
  }
}
