/// The one error type below the command line and the screen: what went wrong, where, and the way out.
package struct InferenceError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kind of failure; command-line exit codes derive from it.
  package enum Code: String, Sendable, Codable {
    /// A model file is missing, unreadable or malformed.
    case modelFile
    /// The model is well-formed but not one that this program can run.
    case unsupportedModel
    /// The rows do not fit into the cache: the context is full.
    case contextFull
    /// Memory could not be had.
    case outOfMemory
    /// The work was cancelled on request.
    case cancelled
    /// A request or setting makes no sense.
    case invalidRequest
    /// Something outside, such as a file or a helper program, failed.
    case environment
  }

  package let code: Code
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  package var description: String { message }
}
