// swift-tools-version: 6.2
import PackageDescription

/// Core: numbers, their gradients, and the small reusable parts of networks.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  // Kernel dispatch and the gradient walk run inside tests too: optimised in debug builds, so tests are quick.
  .unsafeFlags(["-O"], .when(configuration: .debug)),
  .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

let package = Package(
  name: "Core",
  products: [
    .library(name: "BlockFormats", targets: ["BlockFormats"]),
    .library(name: "Tensors", targets: ["Tensors"]),
    .library(name: "ReferenceBackend", targets: ["ReferenceBackend"]),
    .library(name: "LowPrecision", targets: ["LowPrecision"]),
    .library(name: "CPUBackend", targets: ["CPUBackend"]),
    .library(name: "Autograd", targets: ["Autograd"]),
    .library(name: "Layers", targets: ["Layers"]),
    .library(name: "CKernels", targets: ["CKernels"]),
    .library(name: "Instruments", targets: ["Instruments"]),
  ],
  targets: [
    .systemLibrary(
      name: "COpenBLAS", path: "Sources/COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    // No fused multiply-add is invented by the compiler: row-exactness needs the arithmetic that is written down.
    .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3", "-fno-math-errno", "-ffp-contract=off"])]),
    .target(name: "BlockFormats", swiftSettings: strict),
    .target(name: "Tensors", dependencies: ["BlockFormats"], swiftSettings: strict),
    .target(name: "ReferenceBackend", dependencies: ["Tensors", "BlockFormats"], swiftSettings: strict),
    .target(name: "LowPrecision", dependencies: ["Tensors"], swiftSettings: strict),
    .target(
      name: "CPUBackend",
      dependencies: ["Tensors", "CKernels", "COpenBLAS", "ReferenceBackend", "LowPrecision", "BlockFormats"],
      swiftSettings: strict),
    .target(name: "Autograd", dependencies: ["Tensors"], swiftSettings: strict),
    .target(name: "Layers", dependencies: ["Tensors", "Autograd"], swiftSettings: strict),
    .target(name: "Instruments", dependencies: ["Tensors"], swiftSettings: strict),
  ]
)
