import CReadline
import Glibc

/// The functions that the prompt adds to readline, with names for the inputrc.
enum PromptCommands {
  typealias Function = @convention(c) (Int32, Int32) -> Int32

  /// `pace-send`: sends the line, unless it is empty; a backslash at its end becomes a line end.
  static let send: Function = { count, key in
    let bytes = lineBytes()
    if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0A }) { return 0 }
    let point = Int(cr_point())
    let isAtLineEnd = point >= bytes.count || bytes[point] == 0x0A
    if point > 0, point <= bytes.count, isAtLineEnd, bytes[point - 1] == 0x5C,
      point < 2 || bytes[point - 2] != 0x5C
    {
      rl_begin_undo_group()
      rl_delete_text(Int32(point - 1), Int32(point))
      cr_set_point(Int32(point - 1))
      unsafe rl_insert_text("\n")
      rl_end_undo_group()
      return 0
    }
    return rl_newline(count, key)
  }

  /// `pace-newline`: puts a line end at the cursor.
  static let newline: Function = { _, _ in
    unsafe rl_insert_text("\n")
    return 0
  }

  /// `pace-editor`: asks the application for the external editor.
  static let editor: Function = { _, _ in
    MainActor.assumeIsolated { Prompt.current?.onEditor() }
    return 0
  }

  /// `pace-backspace`: deletes whole clusters, unlike readline, which deletes code points.
  static let backspace: Function = { count, key in
    if count < 0 { return delete(-count, key) }
    let point = cr_point()
    guard point > 0 else { return rl_ding() }
    let target = boundary(from: Int(point), by: -Int(count))
    rl_delete_text(target, point)
    cr_set_point(target)
    return 0
  }

  /// `pace-delete`: deletes whole clusters at the cursor.
  static let delete: Function = { count, key in
    let point = cr_point()
    if count < 0 { return backspace(-count, key) }
    guard point < cr_end() else { return rl_ding() }
    rl_delete_text(point, boundary(from: Int(point), by: Int(count)))
    return 0
  }

  /// `pace-left`: moves by whole clusters.
  static let left: Function = { count, _ in
    cr_set_point(boundary(from: Int(cr_point()), by: -Int(count)))
    return 0
  }

  /// `pace-right`: moves by whole clusters.
  static let right: Function = { count, _ in
    cr_set_point(boundary(from: Int(cr_point()), by: Int(count)))
    return 0
  }

  private static func lineBytes() -> [UInt8] {
    // Sound: readline's buffer ends in a zero byte and is copied at once.
    unsafe Array(String(cString: cr_buffer()).utf8)
  }

  /// The byte offset of the cluster boundary `count` clusters away.
  private static func boundary(from point: Int, by count: Int) -> Int32 {
    let text = unsafe String(cString: cr_buffer())
    // Invalid bytes are longer in the decoded text than in the buffer.
    return min(cr_end(), Int32(GraphemeOffsets.boundary(in: text, from: point, by: count)))
  }
}

/// Cluster boundaries as offsets in UTF-8 bytes.
package enum GraphemeOffsets {
  /// The boundary `count` clusters from the one at or around `offset`; stops at the ends.
  package static func boundary(in text: String, from offset: Int, by count: Int) -> Int {
    var starts = [0]
    for character in text { starts.append(starts[starts.count - 1] + character.utf8.count) }
    // Between two boundaries the way back ends at the nearer one.
    let after = starts.firstIndex { $0 >= offset } ?? starts.count - 1
    let isBetween = starts[after] != offset
    let index = count > 0 && isBetween ? after - 1 + count : after + count
    return starts[min(max(0, index), starts.count - 1)]
  }
}
