import Foundation
import Inference
import PictureFiles

/// What a picture's file says about how it was painted, so that it can be painted again.
package struct PaintedPicture: Codable, Sendable, Equatable {
  package var description: String
  package var seed: UInt64
  package var methods: [MethodChoice]
  package var branches: [PaintingBranch]?
  /// Steps that were painted, where it was stopped before the last.
  package var steps: Int?

  /// - Parameter step: the last step that the picture shows; nil where it is finished.
  package init(_ request: PaintingRequest, step: PaintingStep?) {
    description = request.description
    seed = request.seed
    methods = request.methods
    branches = request.branches.isEmpty ? nil : request.branches
    steps = step.flatMap { $0.isLast ? nil : $0.index + 1 }
  }

  package var request: PaintingRequest {
    PaintingRequest(
      description: description, seed: seed, methods: methods, branches: branches ?? [])
  }

  /// The key of the chunk of text that holds it.
  package static let key = "paceline"

  /// A file of the picture that holds this.
  package func file(_ picture: Picture) -> PictureFile {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let text = (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    return PictureFile(
      picture,
      texts: [
        PictureFile.Text("Description", description), PictureFile.Text(Self.key, text),
        PictureFile.Text("Software", "Paceline"),
      ])
  }

  /// Reads it back; nil where the file holds none.
  ///
  /// - Throws: `invalidRequest` where what the file holds makes no sense.
  package static func read(_ file: PictureFile) throws(InferenceError) -> PaintedPicture? {
    guard let text = file[key] else { return nil }
    do {
      return try JSONDecoder().decode(PaintedPicture.self, from: Data(text.utf8))
    } catch {
      throw InferenceError(.invalidRequest, "the picture's own parameters cannot be read")
    }
  }
}
