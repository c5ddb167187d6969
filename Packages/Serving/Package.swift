// swift-tools-version: 6.2
import PackageDescription

/// Serving: turning weights into answers.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "Serving",
  products: [
    .library(name: "Inference", targets: ["Inference"]),
    .library(name: "HTTPServing", targets: ["HTTPServing"]),
  ],
  dependencies: [
    .package(path: "../Core"), .package(path: "../Infra"), .package(path: "../Architecture"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    .target(
      name: "Inference",
      dependencies: [
        .product(name: "Tensors", package: "Core"), .product(name: "Layers", package: "Core"),
        .product(name: "Text", package: "Architecture"), .product(name: "LanguageModels", package: "Architecture"),
        .product(name: "Plugins", package: "Infra"),
      ], swiftSettings: strict),
    .target(
      name: "HTTPServing",
      dependencies: [
        .product(name: "Sentences", package: "Infra"), .product(name: "JSON", package: "Infra"),
        .product(name: "Jinja", package: "Architecture"),
        .product(name: "Text", package: "Architecture"),
        .product(name: "LanguageModels", package: "Architecture"),
        .product(name: "Hummingbird", package: "hummingbird"), .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      resources: [.embedInCode("Pages/chat.html"), .embedInCode("Pages/run.html")],
      swiftSettings: strict),
  ]
)
