// swift-tools-version: 6.2
import PackageDescription

// Fathom: the apps, and the tests of every package. The packages under Packages/ are each their own; this manifest
// joins them so that one `swift build` and one `swift test` cover everything.

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

func core(_ names: String...) -> [Target.Dependency] { names.map { .product(name: $0, package: "Core") } }
func infra(_ names: String...) -> [Target.Dependency] { names.map { .product(name: $0, package: "Infra") } }
func architecture(_ names: String...) -> [Target.Dependency] {
  names.map { .product(name: $0, package: "Architecture") }
}
func rewards(_ names: String...) -> [Target.Dependency] { names.map { .product(name: $0, package: "Rewards") } }
func training(_ names: String...) -> [Target.Dependency] { names.map { .product(name: $0, package: "Training") } }
func serving(_ names: String...) -> [Target.Dependency] { names.map { .product(name: $0, package: "Serving") } }
let logicPuzzles: [Target.Dependency] = [.product(name: "LogicPuzzles", package: "LogicPuzzles")]
let arguments: [Target.Dependency] = [.product(name: "ArgumentParser", package: "swift-argument-parser")]
let logging: [Target.Dependency] = [.product(name: "Logging", package: "swift-log")]
let services: [Target.Dependency] = [.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")]

let allInfra = infra("JSON", "Plugins", "Recipes", "Checkpoints", "GGUF", "RunStore", "ProcessGraph")
let allTraining = training("Datasets", "Optimizers", "TrainingStages", "Evaluation")
let models = architecture("Jinja", "Text", "GGUFModels", "LanguageModels", "Llama", "DeepSeek")
let numbers = core("Tensors", "CPUBackend", "Layers")

func app(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name, dependencies: dependencies, path: "Apps/\(name)",
    exclude: name == "TrainAndServe" ? ["recipe.yaml"] : [], swiftSettings: strict)
}
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: strict)
}

let package = Package(
  name: "Fathom",
  dependencies: [
    .package(path: "Packages/Core"), .package(path: "Packages/Infra"), .package(path: "Packages/Architecture"),
    .package(path: "Packages/Rewards"), .package(path: "Packages/Training"), .package(path: "Packages/Serving"),
    .package(path: "Plugins/LogicPuzzles"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    app(
      "fathom",
      numbers + core("Autograd", "BlockFormats", "ReferenceBackend", "Instruments") + allInfra + models
        + rewards("Rewards", "Verifiers") + allTraining
        + serving("Inference", "HTTPServing") + logicPuzzles + arguments + logging + services),
    app(
      "TrainOnly",
      numbers + allInfra + models + rewards("Rewards", "Verifiers") + allTraining + logicPuzzles + logging),
    app("ServeOnly", numbers + infra("Plugins") + models + serving("Inference", "HTTPServing") + logging + services),
    app(
      "TrainAndServe",
      numbers + allInfra + models + rewards("Rewards", "Verifiers") + allTraining + serving("Inference", "HTTPServing")
        + logicPuzzles + logging + services),
    tests(
      "CoreTests",
      numbers + core("Autograd", "BlockFormats", "ReferenceBackend", "CKernels", "Instruments", "LowPrecision")),
    tests(
      "InfraTests", allInfra + core("Tensors", "BlockFormats", "ReferenceBackend", "Layers", "LowPrecision") + logging),
    tests(
      "ArchitectureTests",
      models + numbers + core("BlockFormats", "ReferenceBackend", "Autograd", "LowPrecision")
        + infra("Plugins", "Recipes", "Checkpoints", "GGUF") + training("Optimizers")),
    tests("RewardsTests", rewards("Rewards", "Verifiers") + infra("Plugins", "Recipes") + logicPuzzles),
    tests(
      "LogicPuzzlesTests",
      logicPuzzles + rewards("Rewards", "Verifiers") + training("Datasets") + infra("Plugins", "Recipes")),
    tests(
      "TrainingTests",
      allTraining + allInfra + models + numbers + core("ReferenceBackend", "Autograd")
        + rewards("Rewards", "Verifiers") + logicPuzzles + serving("Inference") + logging),
    tests(
      "ServingTests",
      serving("Inference", "HTTPServing") + models + numbers + infra("JSON", "Plugins", "Recipes") + logging + services),
    tests("RepositoryTests", []),
    .executableTarget(
      name: "fathom-fuzz",
      dependencies: numbers + core("BlockFormats") + allInfra + models + rewards("Verifiers") + allTraining
        + serving("Inference", "HTTPServing") + logicPuzzles + logging,
      path: "Tests/Fuzz", swiftSettings: strict),
  ]
)
