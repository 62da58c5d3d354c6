import CReadline
import Glibc

/// The file of lines that were sent, shared by every run of the programme.
///
/// Each line is appended as it is sent, with its time, so that a crash loses nothing and two runs
/// do not overwrite each other. The file is readable by its owner only.
@MainActor final class PromptHistory {
  private let path: String?
  private let limit: Int32

  init(path: String?, limit: Int) {
    self.path = path
    self.limit = Int32(max(1, min(1_000_000, limit)))
  }

  func load() {
    using_history()
    clear_history()
    cr_prepare_history()
    stifle_history(limit)
    guard let path else { return }
    protect()
    unsafe read_history(path)
    if cr_history_length() >= limit {
      unsafe history_truncate_file(path, limit)
      protect()
    }
    using_history()
  }

  func add(_ line: String) {
    // Sound: the entry is compared at once; a repetition is no new line.
    if let last = unsafe cr_last_entry(), unsafe String(cString: last) == line { return }
    unsafe add_history(line)
    guard let path else { return }
    protect()
    unsafe append_history(1, path)
  }

  /// Creates the file where needed and takes it from other users.
  private func protect() {
    guard let path else { return }
    let descriptor = unsafe open(
      path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { return }
    fchmod(descriptor, 0o600)
    close(descriptor)
  }
}
