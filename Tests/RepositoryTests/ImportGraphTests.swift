// Who may import whom: the levels of the architecture, as a table that import lines are held against.
import Foundation
import Testing

/// One module of the repository: the package it is in and what it may import.
private struct Place {
  let package: String
  let allowed: Set<String>
  init(_ package: String, _ allowed: String...) { (self.package, self.allowed) = (package, Set(allowed)) }
}

/// Modules of the language and the system that anything may import. Core's own list is shorter, see below.
private let system: Set<String> = ["Foundation", "Synchronization", "Dispatch", "Glibc", "Darwin", "Musl"]

private let places: [String: Place] = [
  "BlockFormats": Place("Core"),
  "Tensors": Place("Core", "BlockFormats"),
  "ReferenceBackend": Place("Core", "Tensors", "BlockFormats"),
  "LowPrecision": Place("Core", "Tensors"),
  "CPUBackend": Place(
    "Core", "Tensors", "ReferenceBackend", "LowPrecision", "BlockFormats", "CKernels", "COpenBLAS"),
  "Autograd": Place("Core", "Tensors"),
  "Layers": Place("Core", "Tensors", "Autograd"),
  "Instruments": Place("Core", "Tensors"),
  "Sentences": Place("Infra"),
  "JSON": Place("Infra"),
  "Recipes": Place("Infra", "Sentences", "Yams"),
  "Plugins": Place("Infra", "Sentences", "Recipes"),
  "Checkpoints": Place("Infra", "Sentences", "JSON", "Tensors", "Layers", "LowPrecision", "CLibCrypto"),
  "GGUF": Place("Infra", "Checkpoints", "BlockFormats"),
  "ProcessGraph": Place("Infra", "Sentences", "Tensors", "Plugins", "Recipes", "Checkpoints", "Logging"),
  "RunStore": Place("Infra", "ProcessGraph", "Recipes", "GRDB"),
  "Jinja": Place("Architecture", "Sentences", "JSON"),
  "Text": Place("Architecture", "Sentences", "JSON", "Jinja", "CPCRE2"),
  "GGUFModels": Place(
    "Architecture", "Text", "Tensors", "Layers", "LowPrecision", "BlockFormats", "Recipes", "Checkpoints", "GGUF"),
  "LanguageModels": Place(
    "Architecture", "Sentences", "GGUFModels", "Text", "Tensors", "Layers", "Plugins", "Recipes", "Checkpoints"),
  "Llama": Place("Architecture", "LanguageModels", "Tensors", "Layers", "Plugins"),
  "DeepSeek": Place("Architecture", "LanguageModels", "Llama", "Text", "Tensors", "Layers", "Plugins"),
  "Rewards": Place("Rewards", "Plugins", "Recipes"),
  "Verifiers": Place("Rewards", "Rewards", "Plugins", "Recipes"),
  "Datasets": Place(
    "Training", "Sentences", "Tensors", "Plugins", "Recipes", "Checkpoints", "ProcessGraph", "Text", "LanguageModels",
    "Rewards"),
  "Optimizers": Place("Training", "Tensors", "Autograd", "Layers", "Plugins", "Recipes", "Checkpoints"),
  "Evaluation": Place(
    "Training", "Datasets", "Plugins", "Recipes", "ProcessGraph", "Text", "LanguageModels", "Rewards"),
  "TrainingStages": Place(
    "Training", "Datasets", "Optimizers", "Evaluation", "Tensors", "Autograd", "Layers", "Instruments", "Plugins",
    "Recipes", "Checkpoints", "ProcessGraph", "Text", "LanguageModels", "Rewards"),
  "Inference": Place("Serving", "Tensors", "Layers", "Text", "LanguageModels", "Plugins"),
  "HTTPServing": Place(
    "Serving", "Sentences", "JSON", "Jinja", "Text", "LanguageModels", "Hummingbird", "HTTPTypes", "NIOCore", "Logging",
    "ServiceLifecycle",
    "UnixSignals"),
]
/// The packages that a package may know.
private let arrows: [String: Set<String>] = [
  "Core": [], "Infra": ["Core"], "Architecture": ["Core", "Infra"], "Rewards": ["Infra"],
  "Training": ["Core", "Infra", "Architecture", "Rewards"], "Serving": ["Core", "Infra", "Architecture"],
]

@Suite struct ImportGraphTests {
  private func sources(of folder: String) throws -> [SourceFile] {
    try SourceTree.files(["swift"]).filter { $0.folders.first == folder && !$0.isManifest }
  }

  @Test func modulesImportOnlyWhatTheirLevelAllows() throws {
    let files = try sources(of: "Packages")
    #expect(files.count > 100)
    for file in files {
      let module = try #require(file.module, "\(file.path) is in no module")
      let place = try #require(places[module], "\(module) has no place in the table of imports")
      #expect(file.folders[1] == place.package, "\(file.path) is in another package than the table says")
      let own = place.package == "Core" ? ["Synchronization", "Glibc", "Darwin", "Musl"] : system
      let wrong = file.imports.subtracting(place.allowed).subtracting(own).sorted()
      #expect(wrong == [], "\(file.path) imports what \(module) may not")
    }
  }

  @Test func theTableFollowsTheArrowsBetweenPackages() throws {
    for (module, place) in places {
      for name in place.allowed {
        guard let target = places[name], target.package != place.package else { continue }
        let isAllowed = try #require(arrows[place.package]).contains(target.package)
        #expect(isAllowed, "\(module) of \(place.package) may not import \(name) of \(target.package)")
      }
    }
    #expect(arrows["Rewards"]?.contains("Core") == false, "rewards do not know what a tensor is")
    #expect(arrows["Training"]?.contains("Serving") == false && arrows["Serving"]?.contains("Training") == false)
  }

  @Test func theTableHasNoCircle() {
    var settled: Set<String> = []
    var waiting = Set(places.keys)
    while let next = waiting.first(where: { places[$0]!.allowed.intersection(waiting).isEmpty }) {
      settled.insert(next)
      waiting.remove(next)
    }
    #expect(waiting.sorted() == [], "these modules import each other in a circle")
    #expect(settled.count == places.count)
  }

  @Test func everyModuleOfThePackagesIsInTheTable() throws {
    let modules = Set(try sources(of: "Packages").compactMap(\.module))
    #expect(modules.subtracting(places.keys) == [])
    #expect(Set(places.keys).subtracting(modules) == [])
  }

  @Test func manifestsDependOnlyAlongTheArrows() throws {
    for (package, known) in arrows {
      let manifest = try SourceTree.read("Packages/\(package)/Package.swift").lines.joined(separator: "\n")
      for other in arrows.keys where other != package && !known.contains(other) {
        #expect(!manifest.contains("path: \"../\(other)\""), "\(package) depends on \(other)")
      }
      #expect(!manifest.contains("Plugins/") && !manifest.contains("Apps/"), "\(package) depends on a plugin or an app")
    }
  }

  @Test func pluginsKnowPackagesOnly() throws {
    let plugins = try sources(of: "Plugins")
    let own = Set(plugins.compactMap(\.module))
    for file in plugins {
      let others = own.subtracting([try #require(file.module, "\(file.path) is in no module")])
      #expect(file.imports.intersection(others).isEmpty, "\(file.path) imports another plugin")
      #expect(!file.lines.contains { $0.hasPrefix("@testable") }, "\(file.path) uses more than the public API")
    }
  }
}
