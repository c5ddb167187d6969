// What a run asks of the file system besides durable writing, with errors that say which path refused.
import Foundation

enum RunFiles {
  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// The file's bytes, or nil when there is no such file.
  static func bytes(of path: String) throws -> Data? {
    guard exists(path) else { return nil }
    do {
      return try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw RunError.file("cannot read \(path): \(error.localizedDescription)")
    }
  }

  /// Makes a directory and those above it; one that is there is fine.
  static func makeDirectory(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw RunError.file("cannot make the directory \(path): \(error.localizedDescription)")
    }
  }
}
