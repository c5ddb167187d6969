// One process per run: two that train in the same directory would overwrite each other's checkpoints.
import Foundation

/// Held while a process works on a run. The system lets go of it when the process ends, however it ends.
final class RunLock: Sendable {
  private let descriptor: Int32

  /// Throws when another process works on the run in `directory`.
  init(_ directory: String) throws {
    descriptor = open(Self.file(in: directory), O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw CommandError("cannot write to \(directory): \(String(cString: strerror(errno)))")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw CommandError("another process is working on the run in \(directory); wait for it, or stop it")
    }
  }

  deinit { close(descriptor) }

  /// Whether a process works on the run in `directory` at this moment.
  static func isHeld(in directory: String) -> Bool {
    let descriptor = open(file(in: directory), O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0
  }

  private static func file(in directory: String) -> String { "\(directory)/.lock" }
}
