import Inference
import Methods
import Testing

/// What every method of the catalogue has to keep, whatever it does.
@Suite struct ConformanceTests {
  static let entries = MethodCatalog.all
  /// Those that run on a tiny model without trained weights.
  static let runnable = entries.filter { !$0.card.needs.contains(.trainedWeights) }

  @Test func everyMethodHasANameAndKnobsOfItsOwn() {
    #expect(!Self.entries.isEmpty)
    #expect(Set(Self.entries.map(\.card.id)).count == Self.entries.count)
    for entry in Self.entries {
      let card = entry.card
      #expect(card.id.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "-" }, "\(card.id)")
      #expect(!card.slots.isEmpty && !card.summary.isEmpty && card.summary.hasSuffix("."))
      #expect(card.paper.year > 1990 && !card.paper.reference.isEmpty)
      #expect(Set(entry.knobs.map(\.id)).count == entry.knobs.count, "\(card.id)")
      for knob in entry.knobs {
        let inRange = knob.range.contains(knob.defaultValue) || knob.defaultValue == knob.offValue
        #expect(inRange, "\(card.id): \(knob.id)")
        #expect(!knob.summary.isEmpty)
      }
    }
  }

  @Test(arguments: entries)
  func aKnobOutOfItsRangeIsRefusedInWords(_ entry: MethodEntry) {
    for knob in entry.knobs {
      let choice = MethodChoice(entry.card.id, values: [knob.id: knob.range.upperBound + 1e6])
      #expect {
        _ = try entry.make(choice)
      } throws: { error in
        (error as? InferenceError)?.message.contains(knob.id) == true
      }
    }
    #expect(throws: InferenceError.self) {
      _ = try entry.make(MethodChoice(entry.card.id, values: ["no-such-knob": 1]))
    }
  }

  @Test func twoMethodsThatWantOneSlotAreRefusedByName() throws {
    for (index, first) in Self.entries.enumerated() {
      for second in Self.entries[index...] {
        let selection = MethodSelection([
          MethodChoice(first.card.id), MethodChoice(second.card.id),
        ])
        let clash =
          first.card.id == second.card.id
          || !first.card.slots.isDisjoint(with: second.card.slots)
        guard clash else { continue }
        #expect {
          _ = try MethodCatalog.all.make(selection)
        } throws: { error in
          let message = (error as? InferenceError)?.message ?? ""
          return message.contains(first.card.id) && message.contains(second.card.id)
        }
      }
    }
  }

  @Test(arguments: runnable, ["llama", "qwen2", "gemma3"])
  func theOutputIsWhatTheGuaranteePromises(_ entry: MethodEntry, _ architecture: String) throws {
    let lab = try MethodLab(architecture: architecture)
    for isGoverned in [true, false] {
      let problems = try Self.problems(entry, lab, isGoverned: isGoverned)
      #expect(problems.isEmpty, "\(problems)")
    }
  }

  @Test(arguments: runnable)
  func aRunRepeatsBitForBit(_ entry: MethodEntry) throws {
    for settings in [SamplerSettings.greedy, .drawn(seed: 5)] {
      // Each has a memory of its own.
      let first = try MethodLab().run(Self.ungoverned(entry), settings: settings)
      let second = try MethodLab().run(Self.ungoverned(entry), settings: settings)
      #expect(first.tokens == second.tokens)
    }
  }

  @Test(arguments: runnable.filter { $0.card.guarantee == .sameTokens })
  func whatIsKeptBetweenAnswersChangesNoToken(_ entry: MethodEntry) throws {
    let lab = try MethodLab()
    let selection = Self.ungoverned(entry)
    for seed in [UInt64(3), 3, 4] {
      let expected = try lab.run(.none, settings: .drawn(seed: seed))
      let got = try lab.run(selection, settings: .drawn(seed: seed))
      #expect(got.tokens == expected.tokens)
    }
  }

  @Test(arguments: SabotagedCache.Mistake.allCases)
  func aBrokenCacheIsNoticed(_ mistake: SabotagedCache.Mistake) throws {
    let lab = try MethodLab()
    let exact = Self.runnable.filter {
      $0.card.guarantee == .sameTokens && $0.card.slots.contains(.drafter)
    }
    let expected = try lab.run(.none, settings: .greedy)
    lab.sabotage = { $0.cache = SabotagedCache($0.cache, mistake) }
    let caught = try exact.filter { entry in
      try lab.run(Self.ungoverned(entry), settings: .greedy).tokens != expected.tokens
    }
    #expect(!caught.isEmpty, "no method noticed it")
  }

  @Test func aBiasedAcceptanceIsNoticed() throws {
    let lab = try MethodLab()
    let exact = Self.runnable.filter {
      $0.card.guarantee == .sameTokens && $0.card.slots.contains(.drafter)
    }
    let expected = try lab.run(.none, settings: .drawn(seed: 1))
    lab.sabotage = { $0.verifier = CredulousVerifier() }
    for entry in exact {
      let got = try lab.run(Self.ungoverned(entry), settings: .drawn(seed: 1))
      #expect(got.rounds.drafted == 0 || got.tokens != expected.tokens, "\(entry.card.id)")
    }
  }

  // MARK: What a guarantee promises

  private static func ungoverned(_ entry: MethodEntry) -> MethodSelection {
    MethodSelection([MethodChoice(entry.card.id)], isGoverned: false)
  }

  /// Where a method's output is not what it promises.
  private static func problems(
    _ entry: MethodEntry, _ lab: MethodLab, isGoverned: Bool
  ) throws -> [String] {
    let selection = MethodSelection([MethodChoice(entry.card.id)], isGoverned: isGoverned)
    var problems: [String] = []
    for settings in [SamplerSettings.greedy, .drawn(seed: 1), .drawn(seed: 2)] {
      let expected = try lab.run(.none, settings: settings)
      let got = try lab.run(selection, settings: settings)
      let name = "\(entry.card.id), \(settings.summary)"
      switch entry.card.guarantee {
      case .sameTokens:
        if got.tokens != expected.tokens { problems.append("\(name): other tokens") }
      case .sameDistribution:
        // The distribution itself is tested where the draws are.
        if settings.isGreedy, got.tokens != expected.tokens {
          problems.append("\(name): other tokens")
        }
      case .approximate:
        if got.tokens.isEmpty { problems.append("\(name): nothing came") }
      }
      if got.tokens.contains(where: { $0 < 0 || Int($0) >= lab.target.model.shape.vocabulary }) {
        problems.append("\(name): tokens outside of the vocabulary")
      }
    }
    return problems
  }
}

extension MethodEntry: CustomTestStringConvertible {
  public var testDescription: String { card.id }
}
