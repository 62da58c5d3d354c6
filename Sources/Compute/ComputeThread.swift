import CSystem
import Glibc

/// A plain thread with all signals blocked, so that they reach the thread that handles them.
///
/// It has the process's own priority, whatever that of the thread which starts it: those of Swift's pool do without
/// what `nice` asked for.
package enum ComputeThread {
  package static func start(name: String, _ body: @escaping @Sendable () -> Void) {
    final class Box {
      let body: @Sendable () -> Void
      let name: String
      init(_ body: @escaping @Sendable () -> Void, _ name: String) {
        self.body = body
        self.name = name
      }
    }
    let box = unsafe Unmanaged.passRetained(Box(body, name)).toOpaque()
    var all = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&all)
    unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
    var thread = pthread_t()
    let status = unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let box = unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue()
        unsafe cs_name_thread(String(box.name.prefix(15)))
        cs_take_process_priority()
        box.body()
        return nil
      }, box)
    unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    precondition(status == 0, "cannot start a thread: error \(status)")
    pthread_detach(thread)
  }
}
