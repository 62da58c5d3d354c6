/// The values of an axis: a rounded upper end and labels short enough for a narrow column.
package enum Scale {
  /// The smallest of 1, 2, 2.5, 5 times a power of ten that is not below `value`.
  package static func roundedUp(_ value: Double) -> Double {
    guard value.isFinite, value > 0 else { return 1 }
    var power = 1.0
    while power * 10 <= value { power *= 10 }
    while power > value { power /= 10 }
    guard power > 0 else { return 1 }
    for factor in [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8] where factor * power >= value {
      return factor * power
    }
    return 10 * power
  }

  /// A number in at most five columns: `0`, `0.25`, `21.4`, `104`, `1.2k`, `34M`.
  package static func label(_ value: Double) -> String {
    guard value.isFinite else { return "?" }
    if value < 0 { return "-" + label(-value) }
    let units: [(Double, String)] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")]
    for (size, unit) in units where value >= size * 0.9995 {
      return short(value / size) + unit
    }
    return short(value)
  }

  /// Three significant digits at most, no trailing zeros after the point.
  private static func short(_ value: Double) -> String {
    if value >= 99.95 { return String(Int(min(value, 1e15).rounded())) }
    let scale: Double = value >= 9.995 ? 10 : 100
    let scaled = Int((value * scale).rounded())
    let whole = scaled / Int(scale)
    var fraction = String(scaled % Int(scale))
    while fraction.count < (scale == 10 ? 1 : 2) { fraction = "0" + fraction }
    while fraction.last == "0" { fraction.removeLast() }
    return fraction.isEmpty ? String(whole) : "\(whole).\(fraction)"
  }

  /// A duration before now, for a time axis: `0`, `15s`, `2m`, `1h`.
  package static func age(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return "?" }
    if seconds >= 3600 { return label(seconds / 3600) + "h" }
    if seconds >= 120 { return label(seconds / 60) + "m" }
    return (seconds >= 10 ? String(Int(seconds.rounded())) : label(seconds)) + "s"
  }
}
