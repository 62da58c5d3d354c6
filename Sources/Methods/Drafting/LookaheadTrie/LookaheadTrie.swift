import Inference

/// Drafts phrases of the prompt and of earlier answers, kept in a trie per first token, as a tree of several branches.
///
/// Source: Zhao et al., "Lookahead: An Inference Acceleration Framework for Large Language Model with Lossless
/// Generation Accuracy", arXiv:2312.12728. Windows of `branch + 1` tokens are inserted as text comes; every node counts
/// how often the prompt in hand and how often answers passed it; the longest suffix of the text that gives enough is
/// looked up; and at the end of a request the prompt's counts are zeroed while those of answers stay.
///
/// It differs in three things. What a shorter suffix gives is added to what a longer one gave, not put in its place.
/// A draft that comes to the end of a window goes on from its own last tokens. And rows stand in order of the estimated
/// probability that they are accepted, so that a governor may cut them anywhere: on a processor each row costs.
package struct LookaheadTrie: DecodingMethod {
  package var nodes = 8
  package var branch = 8
  package var suffix = 4
  package var sources = LookaheadTrieSource.allCases.count
  package var mode = 1

  package init() {}

  package static let card = MethodCard(
    id: "lookahead-trie", title: "Lookahead trie",
    paper: .init(
      authors: "Zhao et al.", year: 2023,
      title: "Lookahead: An Inference Acceleration Framework for Large Language Model with "
        + "Lossless Generation Accuracy", reference: "arXiv:2312.12728"),
    summary: "Drafts phrases of the prompt and of earlier answers from a trie, several at once.",
    slots: [.drafter], guarantee: .sameTokens)

  package static let knobs: [Knob<LookaheadTrie>] = [
    Knob(
      "nodes", \.nodes, in: 1...48, default: 8, unit: "tok",
      summary: "Tokens of a draft tree at most; the governor takes those that pay."),
    Knob(
      "branch", \.branch, in: 2...32, default: 8, unit: "tok",
      summary: "Tokens that a phrase of the trie has after its first."),
    Knob(
      "suffix", \.suffix, in: 1...6, default: 4, unit: "tok",
      summary: "Tokens of the text's end that are looked up, at most."),
    Knob(
      "sources", \.sources, in: 1...3, default: 3,
      summary: "What is drafted from: 1 the prompt, 2 this chat's answers too, 3 past chats too."),
    Knob(
      "mode", \.mode, in: 0...1, default: 1,
      summary: "0 drafts the most frequent branch only, 1 a tree of branches."),
  ]

  package func install(
    in plan: inout DecodingPlan, context: MethodContext
  ) throws(InferenceError) {
    let memory = context.memory.value("lookahead-trie") { LookaheadTrieMemory() }
    plan.drafter = LookaheadTrieDrafter(
      memory: memory, branch: branch,
      retrieval: LookaheadTrieRetrieval(
        branch: branch, suffix: min(suffix, branch),
        reach: LookaheadTrieSource(rawValue: UInt8(sources - 1)) ?? .past, isTree: mode == 1))
    plan.draftLimit = nodes
  }
}

/// Where a phrase comes from, the nearest first.
enum LookaheadTrieSource: UInt8, CaseIterable {
  case prompt
  /// Answers of the conversation in hand.
  case chat
  case past

  var title: String {
    switch self {
    case .prompt: "prompt"
    case .chat: "this chat"
    case .past: "past chats"
    }
  }
}

/// What stays from answer to answer: the phrases, and what was learned of how far to trust them.
final class LookaheadTrieMemory {
  var store = LookaheadTrieStore()
  var trust = LookaheadTrieTrust()
  /// The prompt before, as its length and fingerprint: a prompt that begins with it continues the conversation.
  private var lastPrompt = (count: 0, fingerprint: UInt64(0))

  /// The request before is over, and one with this prompt begins.
  func begin(_ prompt: [TokenID]) {
    let goesOn =
      lastPrompt.count > 0 && prompt.count >= lastPrompt.count
      && prompt.prefix(lastPrompt.count).fingerprint == lastPrompt.fingerprint
    store.endRequest(chatGoesOn: goesOn)
    lastPrompt = (prompt.count, prompt[...].fingerprint)
  }
}
