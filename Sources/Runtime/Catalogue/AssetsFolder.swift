import Foundation
import Inference

/// Where the program's own data files lie.
package enum AssetsFolder {
  /// The folder that holds `models.yaml`.
  ///
  /// It is `PACELINE_ASSETS` where that is set; otherwise `assets` or `share/paceline` in the executable's folder or
  /// one above it.
  ///
  /// - Throws: `environment`, with the places that were tried.
  package static func find(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    executable: String? = try? FileManager.default.destinationOfSymbolicLink(
      atPath: "/proc/self/exe")
  ) throws(InferenceError) -> String {
    if let folder = environment["PACELINE_ASSETS"], !folder.isEmpty {
      guard holdsCatalogue(folder) else {
        throw InferenceError(
          .environment, "PACELINE_ASSETS names '\(folder)', which has no models.yaml")
      }
      return folder
    }
    var folder = executable ?? CommandLine.arguments.first ?? "."
    while folder.count > 1, folder.hasPrefix("/") {
      folder = (folder as NSString).deletingLastPathComponent
      for candidate in [folder + "/assets", folder + "/share/paceline"]
      where holdsCatalogue(candidate) { return candidate.replacing("//", with: "/") }
    }
    throw InferenceError(
      .environment,
      "assets/models.yaml was not found beside the program: set PACELINE_ASSETS to its folder")
  }

  private static func holdsCatalogue(_ folder: String) -> Bool {
    FileManager.default.isReadableFile(atPath: folder + "/models.yaml")
  }
}
