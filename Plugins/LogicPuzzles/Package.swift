// swift-tools-version: 6.2
import PackageDescription

/// LogicPuzzles: knights and knaves, as texts to learn from and problems to be rewarded for.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  // Tests solve thousands of puzzles: optimised in debug builds, so they are quick.
  .unsafeFlags(["-O"], .when(configuration: .debug)),
]

let package = Package(
  name: "LogicPuzzles",
  products: [.library(name: "LogicPuzzles", targets: ["LogicPuzzles"])],
  dependencies: [
    .package(path: "../../Packages/Core"), .package(path: "../../Packages/Infra"),
    .package(path: "../../Packages/Rewards"), .package(path: "../../Packages/Training"),
  ],
  targets: [
    .target(
      name: "LogicPuzzles",
      dependencies: [
        .product(name: "Tensors", package: "Core"), .product(name: "Plugins", package: "Infra"),
        .product(name: "Recipes", package: "Infra"), .product(name: "Rewards", package: "Rewards"),
        .product(name: "Datasets", package: "Training"),
      ], swiftSettings: strict)
  ]
)
