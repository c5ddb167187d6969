// swift-tools-version: 6.2
import PackageDescription

/// Rewards: how good an answer is, without knowing what a tensor is.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "Rewards",
  products: [
    .library(name: "Rewards", targets: ["Rewards"]),
    .library(name: "Verifiers", targets: ["Verifiers"]),
  ],
  dependencies: [.package(path: "../Infra")],
  targets: [
    .target(
      name: "Rewards",
      dependencies: [.product(name: "Plugins", package: "Infra"), .product(name: "Recipes", package: "Infra")],
      swiftSettings: strict),
    .target(
      name: "Verifiers",
      dependencies: [
        "Rewards", .product(name: "Plugins", package: "Infra"), .product(name: "Recipes", package: "Infra"),
      ], swiftSettings: strict),
  ]
)
