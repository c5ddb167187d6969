// Directories that are there whole or not at all: checkpoints made of several files.
// They are filled under a hidden name, `.step-000100.partial`, and renamed when everything in them is on the disk.
import Foundation

/// A complete checkpoint of a training run.
public struct SavedStep: Sendable, Hashable, Comparable {
  public let step: Int
  public let path: String
  public static func < (a: SavedStep, b: SavedStep) -> Bool { a.step < b.step }
}

/// Putting directories in place, and finding and removing the ones that are there.
public enum DurableDirectory {
  /// "step-000100"; numbers beyond six digits are written in full.
  public static func name(ofStep step: Int) -> String {
    let digits = String(step)
    return "step-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
  }

  /// Where to fill what will become `path`: a hidden name beside it.
  public static func temporaryPath(for path: String) -> String {
    let (directory, name) = AsideFile.split(path)
    return "\(directory)/.\(name).partial"
  }

  /// Makes everything under `temporary` durable, then renames it to `path`, which must not exist.
  public static func publish(temporary: String, as path: String) throws {
    guard !FileManager.default.fileExists(atPath: path) else {
      throw CheckpointError(path, "it already exists; a checkpoint is never replaced, remove the old one first")
    }
    try synchronizeTree(temporary)
    guard rename(temporary, path) == 0 else { throw CheckpointError.system("put it in place", path, errno) }
    try AsideFile.synchronize(directory: AsideFile.split(path).directory)
  }

  /// Fills a fresh temporary directory by `fill`, which is given its path, and publishes it as `path`. What an earlier
  /// attempt left is removed first; what a failed one wrote is removed at once.
  public static func create(_ path: String, _ fill: (_ temporary: String) throws -> Void) throws {
    let temporary = temporaryPath(for: path)
    try remove(temporary)
    do {
      try FileManager.default.createDirectory(atPath: temporary, withIntermediateDirectories: true)
    } catch {
      throw CheckpointError(path, "cannot create the directory \(temporary) beside it")
    }
    do {
      try fill(temporary)
      try publish(temporary: temporary, as: path)
    } catch {
      try? remove(temporary)
      throw error
    }
  }

  /// The complete checkpoints in `directory`, oldest step first; none when the directory does not exist.
  public static func steps(in directory: String) throws -> [SavedStep] {
    guard FileManager.default.fileExists(atPath: directory) else { return [] }
    return try contents(of: directory).compactMap { name in
      guard let step = step(ofName: name), isDirectory("\(directory)/\(name)") else { return nil }
      return SavedStep(step: step, path: "\(directory)/\(name)")
    }.sorted()
  }

  /// The complete checkpoint of the highest step; partial ones are passed over.
  public static func newest(in directory: String) throws -> SavedStep? { try steps(in: directory).last }

  /// Removes all but the newest `count` complete checkpoints and returns the removed ones.
  @discardableResult
  public static func prune(_ directory: String, keeping count: Int) throws -> [SavedStep] {
    precondition(count >= 1, "prune: keeping \(count) checkpoints would lose the run; keep at least 1")
    let removed = try steps(in: directory).dropLast(count)
    for saved in removed {
      // Renamed first: a checkpoint that is half removed must not be taken for a complete one.
      let doomed = temporaryPath(for: saved.path)
      try remove(doomed)
      guard rename(saved.path, doomed) == 0 else { throw CheckpointError.system("remove", saved.path, errno) }
      try remove(doomed)
    }
    return Array(removed)
  }

  /// Removes what interrupted attempts left in `directory`. For the owner of the directory, before it writes there.
  public static func removePartials(in directory: String) throws {
    guard FileManager.default.fileExists(atPath: directory) else { return }
    for name in try contents(of: directory) where name.hasPrefix(".") && name.hasSuffix(".partial") {
      try remove("\(directory)/\(name)")
    }
  }

  private static func step(ofName name: String) -> Int? {
    guard name.hasPrefix("step-"), let step = Int(name.dropFirst(5)), DurableDirectory.name(ofStep: step) == name else {
      return nil
    }
    return step
  }

  private static func isDirectory(_ path: String) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
  }

  private static func contents(of directory: String) throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: directory)
    } catch {
      throw CheckpointError(directory, "cannot list it; a readable directory was expected")
    }
  }

  private static func remove(_ path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else { return }
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      throw CheckpointError(path, "cannot remove it; a directory that may be changed was expected")
    }
  }

  private static func synchronizeTree(_ path: String) throws {
    var status = stat()
    guard lstat(path, &status) == 0 else { throw CheckpointError.system("examine", path, errno) }
    switch status.st_mode & S_IFMT {
    case S_IFDIR:
      for name in try contents(of: path) { try synchronizeTree("\(path)/\(name)") }
      try AsideFile.synchronize(directory: path)
    case S_IFREG:
      try AsideFile.synchronize(path, O_RDONLY)
    default:
      // A link is part of its directory, which is made durable.
      return
    }
  }
}
