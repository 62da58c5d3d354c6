import Inference

/// How the program ends; scripts rely on the numbers.
enum ExitStatus: Int32, Error, CaseIterable {
  case success = 0
  /// Such as a file that is missing or cannot be read.
  case failure = 1
  /// Wrong arguments, or a file among them that is not of the kind wanted.
  case usage = 2
  /// `bench` found a regression.
  case regression = 3
  /// A model is missing, broken or of a kind that cannot be run.
  case model = 4
  case outOfMemory = 5
  /// A remote engine failed.
  case remote = 6
  /// `replay` came to another token.
  case diverged = 7
  case interrupted = 130

  /// The status for each kind of failure.
  init(_ code: InferenceError.Code) {
    self =
      switch code {
      case .modelFile, .unsupportedModel: .model
      case .contextFull, .environment: .failure
      case .outOfMemory: .outOfMemory
      case .cancelled: .interrupted
      case .invalidRequest: .usage
      }
  }
}
