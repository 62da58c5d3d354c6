/// Sums over a row of logits that need every one of them.
enum LogitSums {
  private typealias Lanes = SIMD16<Float>

  /// Mean and standard deviation (of the population) of the logits above -infinity.
  static func spread(_ x: Span<Float>) -> (mean: Double, deviation: Double) {
    let middle = sampleMean(x)
    var count = 0
    var sum = 0.0
    var squares = 0.0
    let whole = x.count / 16
    // Distances from about the mean, so that few digits cancel; lanes are added up in double precision every so often.
    for start in stride(from: 0, to: whole, by: 16) {
      var sums = Lanes()
      var squaredSums = Lanes()
      var counts = SIMD16<Int32>()
      for block in start..<min(start + 16, whole) {
        let part = x.extracting(block * 16..<block * 16 + 16)
        var values = Lanes()
        for lane in 0..<16 { values[lane] = part[lane] }
        let isPossible = values .> -Float.infinity
        values -= middle
        values.replace(with: 0, where: .!isPossible)
        counts.replace(with: counts &+ 1, where: isPossible)
        sums += values
        squaredSums += values * values
      }
      count += Int(counts.wrappedSum())
      sum += Double(sums.sum())
      squares += Double(squaredSums.sum())
    }
    for index in whole * 16..<x.count where x[index] > -.infinity {
      let distance = Double(x[index] - middle)
      count += 1
      sum += distance
      squares += distance * distance
    }
    guard count > 0 else { return (Double(middle), 0) }
    let mean = sum / Double(count)
    let variance = max(0, squares / Double(count) - mean * mean)
    return (Double(middle) + mean, variance.squareRoot())
  }

  /// The mean of a few logits above -infinity; 0 where none of them is.
  private static func sampleMean(_ x: Span<Float>) -> Float {
    var count: Float = 0
    var sum: Float = 0
    for index in stride(from: 0, to: x.count, by: 64) where x[index] > -.infinity {
      count += 1
      sum += x[index]
    }
    return count > 0 ? sum / count : 0
  }
}
