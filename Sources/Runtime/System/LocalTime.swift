import Glibc

/// The time zone of the person at the terminal.
package enum LocalTime {
  /// Seconds east of UTC at a moment, given in seconds since 1970.
  package static func utcOffset(at seconds: Double) -> Int {
    guard seconds.isFinite, seconds.magnitude < 1e12 else { return 0 }
    var time = time_t(seconds)
    var fields = unsafe tm()
    unsafe localtime_r(&time, &fields)
    return unsafe fields.tm_gmtoff
  }
}
