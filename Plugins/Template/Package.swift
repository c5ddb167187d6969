// swift-tools-version: 6.2
import PackageDescription

/// Template: the smallest plugin. Copy this folder anywhere, rename it, and point the two paths at a checkout.
let package = Package(
  name: "Template",
  products: [.library(name: "Template", targets: ["Template"])],
  dependencies: [.package(path: "../../Packages/Infra"), .package(path: "../../Packages/Rewards")],
  targets: [
    .target(
      name: "Template",
      dependencies: [
        .product(name: "Plugins", package: "Infra"), .product(name: "Recipes", package: "Infra"),
        .product(name: "Rewards", package: "Rewards"),
      ],
      swiftSettings: [
        .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
      ])
  ]
)
