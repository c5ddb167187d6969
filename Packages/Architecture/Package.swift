// swift-tools-version: 6.2
import PackageDescription

/// Architecture: what a language model is, in words, in tokens, and the family we care about.
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
    .library(name: "DeepSeek", targets: ["DeepSeek"]),
  ],
  dependencies: [.package(path: "../Core"), .package(path: "../Infra")],
  targets: [
    // Encoding runs over whole corpora inside tests too: optimised in debug builds.
    .target(
      name: "Text", dependencies: ["CPCRE2"],
      swiftSettings: strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]),
    .systemLibrary(
      name: "CPCRE2", path: "Sources/CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
    .target(
      name: "LanguageModels",
      dependencies: [
        "Text", .product(name: "Tensors", package: "Core"), .product(name: "Layers", package: "Core"),
        .product(name: "Plugins", package: "Infra"), .product(name: "Recipes", package: "Infra"),
        .product(name: "Checkpoints", package: "Infra"),
      ], swiftSettings: strict),
    .target(
      name: "DeepSeek",
      dependencies: [
        "LanguageModels", "Text", .product(name: "Tensors", package: "Core"),
        .product(name: "Layers", package: "Core"), .product(name: "Plugins", package: "Infra"),
      ], swiftSettings: strict),
  ]
)
