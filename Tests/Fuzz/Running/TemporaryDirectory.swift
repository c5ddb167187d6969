// A directory that goes away with its owner, in memory where the system has a place for that.
import Foundation

final class TemporaryDirectory: Sendable {
  let path: String

  init(_ name: String) throws {
    path = "\(Self.root)/ff\(getpid())-\(name)"
    try? FileManager.default.removeItem(atPath: path)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  private static let root = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
}

/// Waits for asynchronous work where seeds are made, before anything else runs.
enum Waiting {
  static func wait(_ work: @escaping @Sendable () async throws -> Void) throws {
    let (done, failure) = (DispatchSemaphore(value: 0), Failure())
    Task.detached {
      do { try await work() } catch { failure.set("\(error)") }
      done.signal()
    }
    done.wait()
    if let sentence = failure.sentence { throw FuzzError(sentence) }
  }

  /// Written before the signal and read after it.
  private final class Failure: @unchecked Sendable {
    private(set) var sentence: String?
    func set(_ sentence: String) { self.sentence = sentence }
  }
}
