// swift-tools-version: 6.2
import PackageDescription

/// Training: turning data and rewards into better weights.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]
let core: [Target.Dependency] = ["Tensors", "Autograd", "Layers"].map { .product(name: $0, package: "Core") }
let instruments: Target.Dependency = .product(name: "Instruments", package: "Core")
let infra: [Target.Dependency] = ["Sentences", "Plugins", "Recipes", "Checkpoints", "ProcessGraph"].map {
  .product(name: $0, package: "Infra")
}
let architecture: [Target.Dependency] = ["Text", "LanguageModels"].map { .product(name: $0, package: "Architecture") }
let rewards: [Target.Dependency] = ["Rewards"].map { .product(name: $0, package: "Rewards") }

let package = Package(
  name: "Training",
  products: [
    .library(name: "Datasets", targets: ["Datasets"]),
    .library(name: "Optimizers", targets: ["Optimizers"]),
    .library(name: "TrainingStages", targets: ["TrainingStages"]),
    .library(name: "Evaluation", targets: ["Evaluation"]),
  ],
  dependencies: [
    .package(path: "../Core"), .package(path: "../Infra"), .package(path: "../Architecture"),
    .package(path: "../Rewards"),
  ],
  targets: [
    .target(name: "Datasets", dependencies: infra + architecture + rewards, swiftSettings: strict),
    .target(name: "Optimizers", dependencies: core + infra, swiftSettings: strict),
    .target(
      name: "Evaluation", dependencies: ["Datasets"] + infra + architecture + rewards, swiftSettings: strict),
    .target(
      name: "TrainingStages",
      dependencies: ["Datasets", "Optimizers", "Evaluation", instruments] + core + infra + architecture + rewards,
      swiftSettings: strict),
  ]
)
