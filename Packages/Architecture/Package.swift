// swift-tools-version: 6.2
import PackageDescription

/// Architecture: what a language model is, in words, in tokens, and the families we care about.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "Architecture",
  products: [
    .library(name: "Text", targets: ["Text"]),
    .library(name: "LanguageModels", targets: ["LanguageModels"]),
    .library(name: "Llama", targets: ["Llama"]),
    .library(name: "DeepSeek", targets: ["DeepSeek"]),
  ],
  dependencies: [.package(path: "../Core"), .package(path: "../Infra")],
  targets: [
    // Encoding runs over whole corpora inside tests too: optimised in debug builds.
    .target(name: "Text", swiftSettings: strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]),
    .target(
      name: "LanguageModels",
      dependencies: [
        "Text", .product(name: "Tensors", package: "Core"), .product(name: "Layers", package: "Core"),
        .product(name: "Plugins", package: "Infra"), .product(name: "Recipes", package: "Infra"),
        .product(name: "Checkpoints", package: "Infra"),
      ], swiftSettings: strict),
    .target(
      name: "Llama",
      dependencies: [
        "LanguageModels", .product(name: "Tensors", package: "Core"), .product(name: "Layers", package: "Core"),
        .product(name: "Plugins", package: "Infra"),
      ], swiftSettings: strict),
    .target(
      name: "DeepSeek",
      dependencies: [
        "LanguageModels", "Llama", "Text", .product(name: "Tensors", package: "Core"),
        .product(name: "Layers", package: "Core"), .product(name: "Plugins", package: "Infra"),
      ], swiftSettings: strict),
  ]
)
