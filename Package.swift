// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target of this package is built with the same strict settings.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .strictMemorySafety(), .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
]

/// Tests relax memory-safety diagnostics, never the language mode.
let testing: [SwiftSetting] = [
  .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
]

let package = Package(
  name: "paceline",
  products: [.executable(name: "paceline", targets: ["paceline"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .target(name: "CKernels"),
    .target(name: "CSystem"),
    .target(name: "CTerminal"),
    .systemLibrary(name: "CNcurses"),
    .systemLibrary(name: "CReadline"),
    .systemLibrary(name: "CChafa", pkgConfig: "chafa", providers: [.apt(["libchafa-dev"])]),
    .systemLibrary(name: "CSpng", providers: [.apt(["libspng-dev"])]),
    .systemLibrary(name: "CTurboJPEG", providers: [.apt(["libturbojpeg0-dev"])]),
    .systemLibrary(name: "CWebP", providers: [.apt(["libwebp-dev"])]),
    .target(name: "Compute", dependencies: ["CKernels", "CSystem"], swiftSettings: strict),
    .target(name: "Inference", dependencies: ["Compute"], swiftSettings: strict),
    .target(name: "Models", dependencies: ["Compute", "Inference"], swiftSettings: strict),
    .target(
      name: "Methods", dependencies: ["Compute", "Inference"], swiftSettings: strict,
      plugins: ["CatalogPlugin"]),
    .plugin(
      name: "CatalogPlugin", capability: .buildTool(), dependencies: ["catalog-tool"],
      path: "Sources/CatalogPlugin"),
    .executableTarget(name: "catalog-tool", path: "Sources/catalog-tool"),
    .target(
      name: "Runtime",
      dependencies: [
        "Compute", "Inference", "Models", "Methods", "PictureFiles",
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: strict),
    .target(
      name: "PictureFiles", dependencies: ["Inference", "CSpng", "CTurboJPEG", "CWebP"],
      swiftSettings: strict),
    .target(
      name: "Terminal", dependencies: ["CNcurses", "CReadline", "CTerminal", "CChafa"],
      swiftSettings: strict),
    .target(
      name: "Playground", dependencies: ["Inference", "PictureFiles", "Runtime", "Terminal"],
      swiftSettings: strict),
    .executableTarget(
      name: "paceline",
      dependencies: [
        "Compute", "Inference", "Models", "PictureFiles", "Runtime", "Terminal", "Playground",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    .target(
      name: "TestSupport", dependencies: ["Compute", "Inference", "Models", "Terminal"],
      path: "Tests/TestSupport", swiftSettings: testing),
    .testTarget(name: "ArchitectureTests", swiftSettings: testing),
    .testTarget(
      name: "ComputeTests", dependencies: ["Compute", "CKernels", "TestSupport"],
      swiftSettings: testing),
    .testTarget(
      name: "InferenceTests", dependencies: ["Compute", "Inference", "TestSupport"],
      swiftSettings: testing),
    .testTarget(
      name: "ModelsTests", dependencies: ["Compute", "Inference", "Models", "TestSupport"],
      exclude: ["Fixtures"], swiftSettings: testing),
    .testTarget(
      name: "MethodsTests",
      dependencies: ["Compute", "Inference", "Models", "Methods", "TestSupport"],
      exclude: ["Fixtures"], swiftSettings: testing),
    .testTarget(
      name: "RuntimeTests",
      dependencies: [
        "Compute", "Inference", "Models", "Methods", "PictureFiles", "Runtime", "TestSupport",
      ],
      swiftSettings: testing),
    .executableTarget(
      name: "terminal-probe", dependencies: ["Terminal"], path: "Tests/TerminalProbe",
      swiftSettings: testing),
    .executableTarget(
      name: "hidden-states", dependencies: ["Compute", "Inference", "Models", "TestSupport"],
      path: "Tests/HiddenStates", swiftSettings: testing),
    .executableTarget(
      name: "key-latency",
      dependencies: [
        "Models", "Runtime", "TestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/KeyLatency", swiftSettings: testing),
    .testTarget(
      name: "TerminalTests", dependencies: ["Terminal", "TestSupport", "terminal-probe"],
      exclude: ["Goldens"], swiftSettings: testing),
    .testTarget(
      name: "PlaygroundTests",
      dependencies: [
        "Inference", "Methods", "PictureFiles", "Runtime", "Terminal", "Playground", "TestSupport",
      ],
      exclude: ["Goldens"], swiftSettings: testing),
    .testTarget(
      name: "CommandLineTests", dependencies: ["paceline", "key-latency", "TestSupport"],
      swiftSettings: testing),
  ]
)
