import CNcurses
import CTerminal
import Glibc

/// What ended a wait for input.
package struct ScreenInput: Sendable {
  /// Bytes from the keyboard, for the input router.
  package var bytes: [UInt8] = []

  /// The deadline has passed and nothing else happened.
  package var isDeadline = false

  /// The size changed, or the screen was left and taken again: draw a new frame.
  package var needsFrame = false

  /// Another thread called `Wakeup.wake`.
  package var isWoken = false

  /// Another process asks to stop: save what matters and call `Screen.suspend`.
  package var isStopRequested = false

  /// The signal that asks the programme to end, if one came: save and call `TerminalGuard.die`.
  package var terminationSignal: Int32?

  /// The terminal is gone: save and end.
  package var isClosed = false
}

extension Screen {
  /// Waits until something happens: input, a signal, a wake-up, the deadline, or a terminal that
  /// takes bytes again.
  ///
  /// Uses no processor time meanwhile.
  ///
  /// - Parameters:
  ///   - deadline: when to return at the latest; never when nil.
  ///   - wakeup: what other threads end the wait with.
  package func wait(until deadline: ContinuousClock.Instant? = nil, wakeup: Wakeup? = nil)
    -> ScreenInput
  {
    var input = ScreenInput()
    if isTerminationPending {
      isTerminationPending = false
      input.terminationSignal = TerminalGuard.terminationSignal
      return input
    }
    var descriptors = [
      pollfd(
        fd: descriptor, events: Int16(POLLIN | (output.isEmpty ? 0 : POLLOUT)), revents: 0),
      pollfd(fd: signalDescriptor, events: Int16(POLLIN), revents: 0),
    ]
    if let wakeup {
      descriptors.append(pollfd(fd: wakeup.descriptor, events: Int16(POLLIN), revents: 0))
    }
    let ready = unsafe poll(
      &descriptors, nfds_t(descriptors.count), Screen.milliseconds(until: deadline))
    takeEvents(into: &input)
    guard ready > 0 else {
      input.isDeadline = ready == 0
      return input
    }
    if descriptors[0].revents & Int16(POLLOUT) != 0 { resumeOutput() }
    if descriptors[0].revents & Int16(POLLIN | POLLHUP | POLLERR | POLLNVAL) != 0 {
      readBytes(into: &input)
    }
    if let wakeup, descriptors.count > 2, descriptors[2].revents != 0 {
      wakeup.drain()
      input.isWoken = true
    }
    if output.isBroken { input.isClosed = true }
    return input
  }

  private static func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
    guard let deadline else { return -1 }
    let left = deadline - .now
    guard left > .zero else { return 0 }
    // Rounded up: waking a little early would only mean waiting again.
    return Int32(min(86_400_000, (left / .milliseconds(1)).rounded(.up)))
  }

  private func takeEvents(into input: inout ScreenInput) {
    let events = TerminalGuard.takeEvents()
    guard !events.isEmpty else { return }
    if events.contains(.continued), isEntered {
      // Stopped and continued behind our back: the shell has set its own modes meanwhile.
      var raw = Screen.rawModes(from: savedModes)
      unsafe tcsetattr(descriptor, TCSADRAIN, &raw)
      output.append(strings.enter(hasMouse: hasMouse, title: nil))
      cn_repaint()
      applySize()
      input.needsFrame = true
    }
    if events.contains(.resized), isEntered {
      if applySize() { cn_repaint() }
      input.needsFrame = true
    }
    if events.contains(.stopRequested) { input.isStopRequested = true }
    if events.contains(.terminationRequested) {
      input.terminationSignal = TerminalGuard.terminationSignal
    }
  }

  private func readBytes(into input: inout ScreenInput) {
    // Sound: the buffer has the capacity that is read at most, and only what was read is kept.
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
      let result = unsafe read(descriptor, buffer.baseAddress, 65536)
      if result == 0 || (result < 0 && errno != EAGAIN && errno != EINTR) { input.isClosed = true }
      count = max(0, result)
    }
    input.bytes = bytes
  }

  /// Reads what arrives within `milliseconds`, for a prompt in need of one more byte.
  package func readMore(milliseconds: Int32) -> [UInt8] {
    var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard unsafe poll(&wait, 1, milliseconds) > 0 else { return [] }
    var input = ScreenInput()
    readBytes(into: &input)
    return input.bytes
  }

  private func resumeOutput() {
    output.flush()
    guard output.isEmpty, let frame = waiting else { return }
    present(frame)
  }
}
