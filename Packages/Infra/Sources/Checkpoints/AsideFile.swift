// A file that is written aside and then put in place in one step.
// Readers see the old file or the new one, whole, also after a power cut; a failure leaves nothing behind.
import Foundation

/// A temporary file in the directory of its destination. `publish` puts it in place; otherwise it is removed.
/// A class because the open descriptor has an identity; owned by the one function that writes.
package final class AsideFile {
  package let destination: String
  private let temporary: String
  private var descriptor: Int32
  /// Whether the temporary name is gone: put in place, or removed.
  private var isSettled = false

  package init(for destination: String) throws {
    self.destination = destination
    let (directory, name) = AsideFile.split(destination)
    temporary = "\(directory)/.\(name).\(UUID().uuidString.prefix(8)).partial"
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw CheckpointError.system("create a file beside it", destination, errno) }
  }

  deinit { discard() }

  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    try AsideFile.write(bytes, to: descriptor, of: destination)
  }

  /// Makes the contents durable, then the name.
  package func publish() throws {
    guard fsync(descriptor) == 0 else { throw CheckpointError.system("write it to the disk", destination, errno) }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0 else { throw CheckpointError.system("close", destination, errno) }
    guard rename(temporary, destination) == 0 else {
      throw CheckpointError.system("put it in place", destination, errno)
    }
    isSettled = true
    try AsideFile.synchronize(directory: AsideFile.split(destination).directory)
  }

  /// Removes what was written unless it has been published. Harmless when repeated.
  package func discard() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    if !isSettled { unlink(temporary) }
    isSettled = true
  }

  /// Writes all bytes, however many calls that takes; `path` is for the sentence.
  static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, of path: String) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let part = UnsafeRawBufferPointer(rebasing: rest)
      let count = Foundation.write(descriptor, part.baseAddress, part.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw CheckpointError.system("write", path, errno)
      }
      rest = rest.dropFirst(count)
    }
  }

  /// Makes the names in a directory durable.
  static func synchronize(directory: String) throws { try synchronize(directory, O_RDONLY | O_DIRECTORY) }

  /// Makes a file's or a directory's contents durable.
  static func synchronize(_ path: String, _ flags: Int32) throws {
    let descriptor = open(path, flags | O_CLOEXEC)
    guard descriptor >= 0 else { throw CheckpointError.system("open", path, errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw CheckpointError.system("write it to the disk", path, errno) }
  }

  /// The directory ("." when there is none) and the last part of a path.
  static func split(_ path: String) -> (directory: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let directory = String(path[..<slash])
    return (directory.isEmpty ? "/" : directory, String(path[path.index(after: slash)...]))
  }
}
