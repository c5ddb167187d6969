// Where runs are kept: a directory with the run store and one directory per run.
import Foundation
import ProcessGraph
import RunStore

/// The directory that holds the runs.
struct RunsDirectory: Sendable {
  /// Absolute.
  let path: String
  /// Whether it is the one that commands use when none is named.
  let isDefault: Bool
  static let defaultName = "runs"

  /// `name` is relative to the working directory; nil stands for `runs`.
  init(_ name: String? = nil) {
    path = URL(fileURLWithPath: name ?? Self.defaultName).standardizedFileURL.path
    isDefault = name == nil || name == Self.defaultName
  }

  var storePath: String { "\(path)/\(RunStore.fileName)" }
  /// Whether any run was ever begun here.
  var hasStore: Bool { FileManager.default.fileExists(atPath: storePath) }

  /// The store for writing; the directory and the store are made when they are missing.
  func openStore() throws -> RunStore {
    try make(path)
    return try RunStore.open(storePath)
  }

  /// Makes a directory and those above it.
  func make(_ directory: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    } catch {
      throw CommandError("cannot make the directory \(directory): \(error.localizedDescription)")
    }
  }
}
