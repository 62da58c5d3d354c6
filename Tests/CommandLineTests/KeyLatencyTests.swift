import Testing
import key_latency

/// What the verdict on key to paint rests on.
struct KeyLatencyTests {
  @Test func aPercentileIsATimeThatWasMeasured() {
    let latencies = Latencies((1...200).reversed().map(Double.init))
    #expect(latencies.percentile(50) == 100)
    #expect(latencies.percentile(99) == 198)
    #expect(latencies.percentile(99.6) == 200)
    #expect(latencies.percentile(0) == 1)
    #expect(latencies.percentile(100) == 200)
    #expect(latencies.greatest == 200)
  }

  @Test func fewTimesGiveTheirGreatestAsTheirTail() {
    #expect(Latencies([7, 3, 5]).percentile(99) == 7)
    #expect(Latencies([4]).percentile(1) == 4)
    #expect(Latencies([]).percentile(99) == 0)
  }
}
