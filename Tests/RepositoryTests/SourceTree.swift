// The repository as files and lines, read once per test.
// Found from this file, so that tests do not depend on the directory they are started in.
import Foundation

/// A source file of the repository.
struct SourceFile: Sendable {
  /// Relative to the root, with forward slashes.
  let path: String
  let lines: [String]
  var folders: [String] { path.split(separator: "/").dropLast().map(String.init) }
  var name: String { String(path.split(separator: "/").last ?? "") }
  var isManifest: Bool { name == "Package.swift" }

  /// The module that a file under `Sources` or `Apps` belongs to.
  var module: String? {
    if let sources = folders.firstIndex(of: "Sources"), sources + 1 < folders.count { return folders[sources + 1] }
    return folders.first == "Apps" && folders.count > 1 ? folders[1] : nil
  }
  /// The modules named by import declarations, whatever stands before the keyword.
  var imports: Set<String> {
    Set(
      lines.compactMap { line in
        let words = line.split(separator: " ").map(String.init)
        guard let keyword = words.firstIndex(of: "import"), keyword + 1 < words.count else { return nil }
        let modifiers: Set = ["public", "package", "internal", "fileprivate", "private"]
        guard words[..<keyword].allSatisfy({ $0.hasPrefix("@") || modifiers.contains($0) }) else { return nil }
        let kinds: Set = ["struct", "class", "enum", "protocol", "func", "typealias", "let", "var"]
        let target =
          kinds.contains(words[keyword + 1]) && keyword + 2 < words.count ? words[keyword + 2] : words[keyword + 1]
        return target.split(separator: ".").first.map(String.init)
      })
  }
}

enum SourceTree {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The files with these extensions in the folders that we write, without build products and goldens.
  static func files(_ extensions: Set<String>) throws -> [SourceFile] {
    var found = extensions.contains("swift") ? [try read("Package.swift")] : []
    for folder in ["Packages", "Plugins", "Apps", "Tests"] {
      let top = root.appending(path: folder)
      let walk = FileManager.default.enumerator(at: top, includingPropertiesForKeys: nil, options: .skipsHiddenFiles)
      while let file = walk?.nextObject() as? URL {
        guard extensions.contains(file.pathExtension), !file.pathComponents.contains("Goldens") else { continue }
        found.append(try read(String(file.path.dropFirst(root.path.count).drop { $0 == "/" })))
      }
    }
    return found.sorted { $0.path < $1.path }
  }
  static func read(_ path: String) throws -> SourceFile {
    let text = try String(contentsOf: root.appending(path: path), encoding: .utf8)
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last == "" { lines.removeLast() }
    return SourceFile(path: path, lines: lines)
  }
  /// Names of the folders directly inside `folder`; none when it does not exist.
  static func subfolders(of folder: String) -> [String] {
    let url = root.appending(path: folder)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    return names.filter { name in
      var isFolder: ObjCBool = false
      return !name.hasPrefix(".")
        && FileManager.default.fileExists(atPath: url.appending(path: name).path, isDirectory: &isFolder)
        && isFolder.boolValue
    }.sorted()
  }
}
