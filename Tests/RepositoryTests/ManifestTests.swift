// What lies in a folder is named in a manifest: nothing is forgotten by a build or by a test run.
import Foundation
import Testing

@Suite struct ManifestTests {
  private func text(_ path: String) throws -> String { try SourceTree.read(path).lines.joined(separator: "\n") }
  private func names(_ pattern: String, _ name: String, in manifest: String) -> Bool {
    manifest.range(of: "(\(pattern))\\(\\s*(name:\\s*)?\"\(name)\"", options: .regularExpression) != nil
  }

  @Test func everyTestFolderIsListed() throws {
    let manifest = try text("Package.swift")
    let folders = Set(try SourceTree.files(["swift"]).filter { $0.folders.first == "Tests" }.map { $0.folders[1] })
    #expect(folders.contains("RepositoryTests"))
    let missing = folders.filter {
      !names("tests|testTarget", $0, in: manifest) && !manifest.contains("\"Tests/\($0)\"")
    }
    #expect(missing == [])
  }

  @Test func everyAppIsListed() throws {
    let manifest = try text("Package.swift")
    let folders = Set(try SourceTree.files(["swift"]).filter { $0.folders.first == "Apps" }.map { $0.folders[1] })
    #expect(folders.filter { !names("app|executableTarget", $0, in: manifest) } == [])
  }

  @Test(arguments: ["Packages", "Plugins"])
  func everySourceFolderIsATargetOfItsPackage(_ top: String) throws {
    var checked = 0
    for package in SourceTree.subfolders(of: top) {
      for module in SourceTree.subfolders(of: "\(top)/\(package)/Sources") {
        let manifest = try text("\(top)/\(package)/Package.swift")
        let isListed = names("target|systemLibrary|executableTarget|macro|plugin", module, in: manifest)
        #expect(isListed, "\(top)/\(package)/Package.swift has no target \(module)")
        checked += 1
      }
    }
    #expect(checked > 0)
  }

  @Test func everyPackageIsJoinedAtTheRoot() throws {
    let manifest = try text("Package.swift")
    let packages = SourceTree.subfolders(of: "Packages")
    #expect(packages.count >= 6)
    #expect(packages.filter { !manifest.contains("path: \"Packages/\($0)\"") } == [])
  }
}
