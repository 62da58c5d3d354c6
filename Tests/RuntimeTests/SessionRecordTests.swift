import Inference
import Runtime
import Testing

@Suite struct SessionRecordTests {
  static let all: [SessionRecord] =
    [.header(.sample(id: "a"))] + sampleRecords() + [
      .system(nil), .head(1), .head(nil), .title("A title"), .resumed(tornBytes: 12),
      .model(ModelReference(name: "m", path: "/m", hash: "", contextLength: 5)),
      .answerStarted(
        message: 1, settings: .greedy, promptTokens: 1, maximumTokens: 2,
        source: .raw("x", parsesSpecial: true)),
      .answerStarted(
        message: 1, settings: .greedy, promptTokens: 1, maximumTokens: 2,
        source: .chat([
          ChatTurn(role: .user, text: "q"), ChatTurn(role: .assistant, text: "a", tokens: [1]),
        ])),
      .answerStarted(
        message: 1, settings: .greedy, promptTokens: 1, maximumTokens: 2, methods: lookup),
      .race(race, prompt: .chat([ChatTurn(role: .user, text: "q\n")])),
    ]

  static let lookup = MethodSelection(
    [MethodChoice("prompt-lookup", values: ["length": 7])], isGoverned: false)

  static var race: RaceResult {
    var rounds = RoundTotals()
    rounds.add(
      RoundRecord(parents: [-1, 0], accepted: [0], emitted: 2, rows: 3, passNanoseconds: 5))
    let lane = LaneResult(
      methods: lookup, tokens: [4, 5], text: "a \"b\"", finish: .length, promptSeconds: 0.5,
      generationSeconds: 0.25, rounds: rounds, extraBytes: 9)
    var other = lane
    other.methods = .none
    other.tokens = [4]
    return RaceResult(
      lanes: [lane, other],
      difference: RaceResult.Difference(
        index: 1, tokens: [5, nil], probabilities: [0.25, nil]), ratios: [1.5, 2.5, 2])
  }

  @Test(arguments: all) func everyRecordComesBackFromItsLine(record: SessionRecord) throws {
    let line = record.line
    #expect(!line.contains("\n"))
    #expect(line.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 })
    #expect(try SessionRecord.parse(Array(line.utf8)) == record)
  }

  @Test func everySettingComesBack() throws {
    var settings = SamplerSettings()
    for (index, entry) in SamplerSettings.knobs.enumerated() {
      entry.knob.move(by: 1 + index % 3, in: &settings)
      // A knob that stands at its upper end goes down instead.
      if entry.knob.value(in: settings) == entry.knob.value(in: SamplerSettings()) {
        entry.knob.move(by: -1 - index % 3, in: &settings)
      }
    }
    settings.seed = .max
    settings.order = settings.order.reversed()
    settings.logitBias = [3: -0.1, 1: .infinity]
    let record = SessionRecord.knobs(
      message: 0, change: KnobChange(tokenIndex: 3, settings: settings))
    #expect(try SessionRecord.parse(Array(record.line.utf8)) == record)
    for (knob, _) in SamplerSettings.knobs {
      #expect(
        knob.value(in: settings) != knob.value(in: SamplerSettings()), "\(knob.id) did not move")
    }
  }

  @Test func aPersonCanReadALine() {
    let record = SessionRecord.message(message(3, 2, .user, "how are you?"))
    #expect(
      record.line
        == #"{"type":"message","id":3,"parent":2,"role":"user","text":"how are you?","time":"2026-03-01T12:30:05.250Z"}"#
    )
  }

  @Test func recordsOfAnUnknownKindAreNoError() throws {
    #expect(try SessionRecord.parse(Array(#"{"type":"hologram","text":{"x":1}}"#.utf8)) == nil)
  }

  @Test(arguments: [
    ("", "not valid JSON"), ("{", "not valid JSON"), ("[1]", "wrong kind of value"),
    ("{}", #"field "type" is missing"#), (#"{"type":"message"}"#, #"field "id" is missing"#),
    (#"{"type":"message","id":-1}"#, "no message number"),
    (#"{"type":"message","id":0,"role":"god","text":"","time":""}"#, "none of system"),
    (#"{"type":"message","id":0,"role":"user","text":"","time":"noon"}"#, "no RFC 3339"),
    (#"{"type":"tokens","message":0,"text":"x","ids":[99999999999]}"#, "out of range"),
    (#"{"type":"head","message":"x"}"#, "wrong kind of value"),
    (#"{"type":"head","message":-3}"#, "out of range"),
    (
      #"{"type":"knobs","message":0,"at":1,"settings":{"order":["magic"]}}"#,
      "no sampler stage magic"
    ),
    (#"{"type":"done","message":0}"#, #"field "made" is missing"#),
  ])
  func badLinesSayWhatIsWrong(line: String, reason: String) {
    do throws(SessionLineError) {
      _ = try SessionRecord.parse(Array(line.utf8))
      Issue.record("\(line) was read")
    } catch {
      #expect(error.reason.contains(reason), "\(error.reason)")
    }
  }

  @Test func linesOfRandomBytesNeverTrap() {
    var generator = SplitMix(state: 7)
    let base = SessionRecordTests.all.map { Array($0.line.utf8) }
    for round in 0..<4000 {
      var line = base[round % base.count]
      for _ in 0...Int(generator.next() % 4) where !line.isEmpty {
        let place = Int(generator.next() % UInt64(line.count))
        switch generator.next() % 3 {
        case 0: line[place] = UInt8(truncatingIfNeeded: generator.next())
        case 1: line.remove(at: place)
        default: line.insert(UInt8(truncatingIfNeeded: generator.next()), at: place)
        }
      }
      _ = try? SessionRecord.parse(line)
    }
  }
}

/// A small generator with a known seed.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

@Suite struct TimestampTests {
  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000Z"), (1_772_368_205.25, "2026-03-01T12:30:05.250Z"),
    (951_782_400, "2000-02-29T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.000Z"),
    (4_107_542_399.999, "2100-02-28T23:59:59.999Z"), (4_107_542_400, "2100-03-01T00:00:00.000Z"),
  ])
  func timesAreWrittenAndRead(seconds: Double, text: String) {
    #expect(Timestamp.text(seconds) == text)
    #expect(Timestamp.seconds(text).map { abs($0 - seconds) < 0.0005 } == true)
  }

  @Test func everyDayOfFourCenturiesComesBack() {
    for day in stride(from: -80_000, to: 80_000, by: 11) {
      let seconds = Double(day) * 86_400
      #expect(Timestamp.seconds(Timestamp.text(seconds)) == seconds)
    }
  }

  @Test func offsetsAndDecimalsAreRead() {
    #expect(Timestamp.seconds("2026-03-01T14:30:05.5+02:00") == 1_772_368_205.5)
    #expect(Timestamp.seconds("2026-03-01T12:30:05Z") == 1_772_368_205)
    #expect(Timestamp.seconds("2026-03-01T12:30:05") == nil)
    #expect(Timestamp.seconds("2026-13-01T12:30:05Z") == nil)
    #expect(Timestamp.seconds("2026-03-01T12:30:05+2:00") == nil)
  }

  @Test func timesThatAreNoneAreWrittenAllTheSame() {
    #expect(Timestamp.text(.nan) == "1970-01-01T00:00:00.000Z")
    #expect(Timestamp.text(.infinity).hasPrefix("9999-12-31"))
  }
}
