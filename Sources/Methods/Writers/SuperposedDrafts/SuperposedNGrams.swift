import Inference
import Synchronization

/// How often tokens followed the one to five tokens before them, in all texts that it was given.
///
/// Contexts are known by their hashes alone. Source: Shen et al., arXiv:2405.18400, section 3 (n-gram interpolation);
/// the weights are those of the authors' published settings.
package final class SuperposedNGrams: Sendable {
  /// Tokens of the longest n-gram.
  package static let longest = 6
  /// Shares of the n-grams of two tokens, of three, and so on.
  package static let weights = [0.01, 0.04, 0.15, 0.18, 0.12]
  /// Counts that are kept at most; beyond it all are halved, and what came once is forgotten.
  private static let limit = 1 << 20

  private struct Counts {
    /// By the hash of a context, and of a context with what followed it.
    var counts: [UInt64: UInt32] = [:]
    /// The last text.
    var text: [TokenID] = []
  }

  private let state = Mutex(Counts())

  package init() {}

  package var byteCount: Int {
    state.withLock { $0.counts.capacity * 16 + $0.text.capacity * MemoryLayout<TokenID>.size }
  }

  /// Counts a text; what it begins with in common with the last one was counted then.
  package func learn(_ text: [TokenID]) {
    state.withLock { state in
      let limit = min(text.count, state.text.count)
      let known = (0..<limit).first { text[$0] != state.text[$0] } ?? limit
      state.text = text
      for end in max(known, 1)..<max(text.count, known, 1) {
        for length in 1..<Self.longest where length <= end {
          let context = Self.hash(text[(end - length)..<end])
          state.counts[context, default: 0] += 1
          state.counts[Self.hash(context, then: text[end]), default: 0] += 1
        }
      }
      guard state.counts.count > Self.limit else { return }
      state.counts = state.counts.compactMapValues { $0 > 1 ? $0 / 2 : nil }
    }
  }

  /// The interpolated share that each token had after the text's last tokens; 0 for one that never followed them.
  ///
  /// - Parameter order: tokens of the longest n-gram that counts.
  package func shares(
    of tokens: [TokenID], after text: ArraySlice<TokenID>, order: Int
  ) -> [Double] {
    var shares = [Double](repeating: 0, count: tokens.count)
    guard order > 1 else { return shares }
    state.withLock { state in
      for length in 1..<min(order, Self.longest) where length <= text.count {
        let context = Self.hash(text.suffix(length))
        guard let total = state.counts[context], total > 0 else { continue }
        for (index, token) in tokens.enumerated() {
          let count = state.counts[Self.hash(context, then: token)] ?? 0
          shares[index] += Self.weights[length - 1] * Double(min(count, total)) / Double(total)
        }
      }
    }
    return shares
  }

  private static func hash(_ context: ArraySlice<TokenID>) -> UInt64 {
    context.reduce(UInt64(context.count)) { mix($0, $1) }
  }

  /// Never the hash of a context one token longer.
  private static func hash(_ context: UInt64, then token: TokenID) -> UInt64 {
    mix(context ^ 0xA5A5_A5A5_5A5A_5A5A, token)
  }

  /// The output function of SplitMix64 over both.
  private static func mix(_ hash: UInt64, _ token: TokenID) -> UInt64 {
    var mixed = (hash ^ UInt64(UInt32(bitPattern: token))) &+ 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
