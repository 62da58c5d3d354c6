import Foundation
import PackagePlugin

/// Writes the list of methods while the package is built: a method is a folder `Family/Name` with `Name.swift` in it.
@main
struct CatalogPlugin: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
    guard let module = target.sourceModule else { return [] }
    let sources = module.sourceFiles(withSuffix: "swift").map(\.url)
    let methods = sources.filter {
      $0.deletingPathExtension().lastPathComponent
        == $0.deletingLastPathComponent().lastPathComponent
    }
    let output = context.pluginWorkDirectoryURL.appending(path: "MethodCatalog.swift")
    return [
      .buildCommand(
        displayName: "List of methods", executable: try context.tool(named: "catalog-tool").url,
        arguments: [output.path] + methods.map(Self.folder),
        inputFiles: methods, outputFiles: [output])
    ]
  }

  /// The last two folders of a path, as `Family/Name`.
  private static func folder(_ file: URL) -> String {
    let folder = file.deletingLastPathComponent()
    return folder.deletingLastPathComponent().lastPathComponent + "/" + folder.lastPathComponent
  }
}
