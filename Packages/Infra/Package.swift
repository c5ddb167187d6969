// swift-tools-version: 6.2
import PackageDescription

/// Infra: plugins, configuration, files, runs, and the graph that joins stages.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "Infra",
  products: [
    .library(name: "Sentences", targets: ["Sentences"]),
    .library(name: "Plugins", targets: ["Plugins"]),
    .library(name: "JSON", targets: ["JSON"]),
    .library(name: "Recipes", targets: ["Recipes"]),
    .library(name: "Checkpoints", targets: ["Checkpoints"]),
    .library(name: "GGUF", targets: ["GGUF"]),
    .library(name: "RunStore", targets: ["RunStore"]),
    .library(name: "ProcessGraph", targets: ["ProcessGraph"]),
  ],
  dependencies: [
    .package(path: "../Core"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    .systemLibrary(
      name: "CLibCrypto", path: "Sources/CLibCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .target(name: "Sentences", swiftSettings: strict),
    // Texts of many megabytes are read byte by byte inside tests too: optimised in debug builds.
    .target(name: "JSON", swiftSettings: strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]),
    .target(
      name: "Recipes", dependencies: ["Sentences", .product(name: "Yams", package: "Yams")], swiftSettings: strict),
    .target(name: "Plugins", dependencies: ["Sentences", "Recipes"], swiftSettings: strict),
    .target(
      name: "Checkpoints",
      dependencies: [
        "Sentences", "JSON", "CLibCrypto", .product(name: "Tensors", package: "Core"),
        .product(name: "Layers", package: "Core"),
        .product(name: "LowPrecision", package: "Core"),
      ], swiftSettings: strict),
    // Blocks are made and unmade number by number inside tests too: optimised in debug builds.
    .target(
      name: "GGUF", dependencies: ["Checkpoints", .product(name: "BlockFormats", package: "Core")],
      swiftSettings: strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]),
    .target(
      name: "ProcessGraph",
      dependencies: [
        "Sentences", "Plugins", "Recipes", "Checkpoints", .product(name: "Tensors", package: "Core"),
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .target(
      name: "RunStore", dependencies: ["ProcessGraph", .product(name: "GRDB", package: "GRDB.swift")],
      swiftSettings: strict),
  ]
)
