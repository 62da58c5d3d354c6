import Glibc

/// Times as RFC 3339 writes them, in UTC and to the millisecond: `2026-03-01T12:30:05.250Z`.
package enum Timestamp {
  /// Seconds since 1970, now.
  package static var now: Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec / 1_000_000) / 1000
  }

  /// Times outside the years 1 to 9999 are written as the nearest one inside.
  package static func text(_ seconds: Double) -> String {
    let limited = seconds.isNaN ? 0 : min(max(seconds, -62_135_596_800), 253_402_300_799.999)
    let milliseconds = Int((limited * 1000).rounded())
    let (days, rest) = flooredDivision(milliseconds, 86_400_000)
    let (year, month, day) = date(ofDay: days)
    let clock = [rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60].map { padded($0, 2) }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
      + clock.joined(separator: ":") + ".\(padded(rest % 1000, 3))Z"
  }

  /// Seconds since 1970, or nil where the text is no such time.
  ///
  /// Offsets from UTC and any count of decimals are read.
  package static func seconds(_ text: String) -> Double? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes[4] == 45, bytes[7] == 45, bytes[10] == 84 || bytes[10] == 116,
      bytes[13] == 58, bytes[16] == 58, let year = number(bytes[0..<4]),
      let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
      let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]),
      let second = number(bytes[17..<19]), (1...12).contains(month), (1...31).contains(day),
      hour < 24, minute < 60, second < 61
    else { return nil }
    var rest = bytes[19...]
    var fraction = 0.0
    if rest.first == 46 {
      let digits = rest.dropFirst().prefix { (48...57).contains($0) }
      guard !digits.isEmpty, let value = Double("0." + String(decoding: digits, as: UTF8.self))
      else { return nil }
      fraction = value
      rest = rest.dropFirst(1 + digits.count)
    }
    guard let offset = offset(rest) else { return nil }
    let whole = dayNumber(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
    return Double(whole) + fraction
  }

  /// Seconds east of UTC.
  private static func offset(_ text: ArraySlice<UInt8>) -> Int? {
    if text.count == 1, let zulu = text.first, zulu == 90 || zulu == 122 { return 0 }
    let bytes = Array(text)
    guard bytes.count == 6, bytes[0] == 43 || bytes[0] == 45, bytes[3] == 58,
      let hours = number(bytes[1..<3]), let minutes = number(bytes[4..<6]), hours < 24, minutes < 60
    else { return nil }
    return (bytes[0] == 43 ? 1 : -1) * (hours * 3600 + minutes * 60)
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
    guard digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return digits.reduce(0) { $0 * 10 + Int($1 - 48) }
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  private static func flooredDivision(_ value: Int, _ divisor: Int) -> (quotient: Int, rest: Int) {
    let rest = (value % divisor + divisor) % divisor
    return ((value - rest) / divisor, rest)
  }

  // The Gregorian calendar repeats every 400 years, which are 146 097 days. Years are counted from March, so that the
  // leap day is the last of its year; month m (from March, 0) begins on day (153 m + 2) / 5.

  private static func date(ofDay day: Int) -> (year: Int, month: Int, day: Int) {
    let (era, dayOfEra) = flooredDivision(day + 719_468, 146_097)
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let year = era * 400 + yearOfEra + (month >= 10 ? 1 : 0)
    return (year, month < 10 ? month + 3 : month - 9, dayOfYear - (153 * month + 2) / 5 + 1)
  }

  /// Days since 1970 of a date.
  private static func dayNumber(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let (era, yearOfEra) = flooredDivision(month <= 2 ? year - 1 : year, 400)
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}
