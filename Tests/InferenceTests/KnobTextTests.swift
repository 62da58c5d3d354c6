import Inference
import Testing

@Suite struct KnobTextTests {
  @Test func everyKnobIsSetByItsName() throws {
    for (knob, _) in SamplerSettings.knobs {
      for value in [knob.range.lowerBound, knob.range.upperBound, knob.defaultValue] {
        var settings = SamplerSettings()
        try settings.set("\(knob.id)=\(Decimals.fixed(value, knob.decimals))")
        #expect(knob.value(in: settings) == value, "\(knob.id)")
        try settings.set(knob.id, to: "default")
        #expect(knob.value(in: settings) == knob.defaultValue)
        if let off = knob.offValue {
          try settings.set(knob.id, to: "off")
          #expect(knob.value(in: settings) == off)
        }
      }
    }
  }

  @Test func namesDoNotMindCaseHyphensAndSpaces() throws {
    var settings = SamplerSettings()
    try settings.set(" TOP_K = 7 ")
    try settings.set("minp=0.25")
    try settings.set("seed=18446744073709551615")
    #expect(settings.topK == 7 && settings.minP == 0.25 && settings.seed == .max)
  }

  @Test func anOrderIsNamesOfStagesOrTheirKnobs() throws {
    var settings = SamplerSettings()
    try settings.set("order=repeat, topK,top-p,temp")
    #expect(settings.order == [.penalties, .topK, .topP, .temperature])
    try settings.set("order=default")
    #expect(settings.order == SamplerStage.defaultOrder)
  }

  @Test func aBiasReplacesTheOneBefore() throws {
    var settings = SamplerSettings()
    try settings.set("bias=42:+1.5, 7:-inf,8:-2")
    #expect(settings.logitBias == [42: 1.5, 7: SamplerSettings.ban, 8: -2])
    try settings.set("bias", to: "1:2")
    #expect(settings.logitBias == [1: 2])
    try settings.set("bias=off")
    #expect(settings.logitBias.isEmpty)
  }

  @Test(arguments: [
    ("temp", "write it as name=value"), ("temp=3", "the range is 0 to 2"),
    ("xtc-min=1", "the range is 0.01 to 0.5"),
    ("temp=warm", "a number is wanted"), ("temp=nan", "a number is wanted"),
    ("temp=off", "cannot be off"), ("top-k=2.5", "a whole number"), ("top-k=-1", "the range is 0"),
    ("top-p=inf", "a number is wanted"), ("seed=-1", "a whole number"),
    ("order=temp,magic", "no stage is called magic"), ("order=", "names no stage"),
    ("order=penalties,temp,repeat", "penalties is named twice"),
    ("bias=4", "TOKEN:AMOUNT"), ("bias=-4:1", "TOKEN:AMOUNT"), ("bias=4:x", "TOKEN:AMOUNT"),
    ("colour=red", "no setting is called colour; there are temp, top-k"), ("=", "no setting"),
  ])
  func mistakesAreExplainedAndChangeNothing(line: String, part: String) {
    var settings = SamplerSettings()
    let error = #expect(throws: InferenceError.self) { try settings.set(line) }
    #expect(error?.code == .invalidRequest)
    #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    #expect(settings == SamplerSettings())
  }

  @Test func theSummaryListsWhatIsNotOff() throws {
    var settings = SamplerSettings()
    #expect(settings.summary == "T .80 k40 p.95 m.05 seed 42")
    try settings.set("temp=1.05")
    try settings.set("repeat=1.1")
    try settings.set("dry=0.8")
    try settings.set("xtc=.5")
    #expect(settings.summary == "T 1.05 rep1.10 dry.80 k40 p.95 m.05 xtc.50 seed 42")
    #expect(SamplerSettings.greedy.summary == "greedy")
    settings = SamplerSettings()
    settings.mirostat = 1
    #expect(settings.summary == "T .80 miro5.00 seed 42")
    settings = SamplerSettings()
    settings.order = [.temperature, .topK]
    #expect(settings.summary == "T .80 k40 seed 42 order temp>top-k")
  }

  @Test func decimalsRoundAndPad() {
    #expect(Decimals.fixed(1.005, 1) == "1.0")
    #expect(Decimals.fixed(0.995, 2) == "0.99" || Decimals.fixed(0.995, 2) == "1.00")
    #expect(Decimals.fixed(2.04, 2) == "2.04")
    #expect(Decimals.fixed(-0.001, 2) == "0.00")
    #expect(Decimals.fixed(-1.5, 0) == "-2")
    #expect(Decimals.short(-0.25, 2) == "-.25")
    #expect(Decimals.short(0, 0) == "0")
    #expect(Decimals.fixed(.infinity, 2) == "inf")
  }
}
