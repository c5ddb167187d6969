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
    .library(name: "Jinja", targets: ["Jinja"]),
    .library(name: "Text", targets: ["Text"]),
    .library(name: "GGUFModels", targets: ["GGUFModels"]),
    .library(name: "LanguageModels", targets: ["LanguageModels"]),
    .library(name: "Llama", targets: ["Llama"]),
    .library(name: "DeepSeek", targets: ["DeepSeek"]),
  ],
  dependencies: [.package(path: "../Core"), .package(path: "../Infra")],
  targets: [
    // Encoding and rendering run over large texts inside tests too: optimised in debug builds.
    .target(
      name: "Jinja",
      dependencies: [.product(name: "Sentences", package: "Infra"), .product(name: "JSON", package: "Infra")],
      swiftSettings: strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]),
    .target(
      name: "Text",
      dependencies: [
        "Jinja", "CPCRE2", .product(name: "Sentences", package: "Infra"), .product(name: "JSON", package: "Infra"),
      ],
      swiftSettings: strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]),
    .systemLibrary(
      name: "CPCRE2", path: "Sources/CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
    .target(
      name: "GGUFModels",
      dependencies: [
        "Text", .product(name: "Tensors", package: "Core"), .product(name: "Layers", package: "Core"),
        .product(name: "LowPrecision", package: "Core"), .product(name: "BlockFormats", package: "Core"),
        .product(name: "Recipes", package: "Infra"), .product(name: "Checkpoints", package: "Infra"),
        .product(name: "GGUF", package: "Infra"),
      ], swiftSettings: strict),
    .target(
      name: "LanguageModels",
      dependencies: [
        .product(name: "Sentences", package: "Infra"),
        "GGUFModels", "Text", .product(name: "Tensors", package: "Core"), .product(name: "Layers", package: "Core"),
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
