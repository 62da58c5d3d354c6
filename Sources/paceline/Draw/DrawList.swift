import Foundation
import Inference
import PictureFiles
import Runtime

/// Many pictures from a list of captions, as files that a set of pictures is judged by.
struct DrawList {
  let engine: Engine
  let captions: [String]
  /// Seeds of each caption, from the first one on.
  let seed: UInt64
  let repeats: Int
  let methods: [MethodChoice]
  let folder: String

  /// Captions of a file, one a line; empty lines are left out.
  static func captions(in path: String) throws -> [String] {
    let data = try InputFile.contents(of: path)
    let captions = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
      .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    guard !captions.isEmpty else {
      throw InferenceError(.invalidRequest, "\(path) holds no captions: write one a line")
    }
    return captions
  }

  /// Paints them to `FOLDER/LINE-SEED.png`, lines counted from 1.
  func run(progress: (Int, Int) -> Void, onJob: @Sendable (Job) -> Void) async throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (line, caption) in captions.enumerated() {
      for number in 0..<repeats {
        progress(line * repeats + number + 1, captions.count * repeats)
        let request = PaintingRequest(
          description: caption, seed: seed &+ UInt64(number), methods: methods, isWatched: false)
        let report = try await engine.paint(request, onJob: onJob)
        guard let picture = report.picture else { continue }
        let path = "\(folder)/\(line + 1)-\(request.seed).png"
        try PaintedPicture(request, step: report.steps.last).file(picture).write(to: path)
      }
    }
  }
}

extension Engine {
  /// Paints a picture to its end.
  ///
  /// - Throws: what painting throws; a cancelled painting throws as well.
  func paint(_ request: PaintingRequest, onJob: @Sendable (Job) -> Void) async throws
    -> PaintingReport
  {
    let job = submit(.paint(request))
    onJob(job)
    for await event in job.events {
      switch event {
      case .failed(let error): throw error
      case .painting(.finished(let report)):
        if report.isCancelled { throw ExitStatus.interrupted }
        return report
      default: break
      }
    }
    throw ExitStatus.interrupted
  }
}
