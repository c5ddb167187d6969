// The built command line as a child process that can be killed. It is looked for where this test was built; the variable
// FATHOM_BINARY names another one, a release build for example.
import Foundation
import Synchronization

struct FathomProcess: Sendable {
  let executable: URL

  /// Throws when there is no executable `fathom`, saying where it was looked for.
  init() throws {
    if let named = ProcessInfo.processInfo.environment["FATHOM_BINARY"] {
      executable = URL(fileURLWithPath: named)
      guard FileManager.default.isExecutableFile(atPath: named) else {
        throw Surprise("FATHOM_BINARY is \(named), which is no executable file")
      }
      return
    }
    let own = [
      URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath(), Bundle.main.bundleURL,
      URL(fileURLWithPath: CommandLine.arguments[0]),
    ]
    // On macOS the test is inside a bundle, which lies beside the products.
    let folders = own.flatMap { file in
      (1...4).map { up in (0..<up).reduce(file) { url, _ in url.deletingLastPathComponent() } }
    }
    let places = (own + folders).map { $0.appendingPathComponent("fathom") }
    var isDirectory: ObjCBool = false
    let found = places.first {
      FileManager.default.fileExists(atPath: $0.path, isDirectory: &isDirectory) && !isDirectory.boolValue
        && FileManager.default.isExecutableFile(atPath: $0.path) && Self.isProgram($0)
    }
    guard let found else {
      let looked = Set(places.map { $0.deletingLastPathComponent().path }).sorted().joined(separator: ", ")
      throw Surprise(
        "no executable 'fathom' in \(looked); `swift build` makes it, or FATHOM_BINARY may name one")
    }
    executable = found
  }

  /// The repository's start script has the same name; it is not the program.
  private static func isProgram(_ file: URL) -> Bool {
    let start = (try? FileHandle(forReadingFrom: file).read(upToCount: 2)) ?? nil
    return start.map { !$0.elementsEqual("#!".utf8) } ?? false
  }

  /// How a child ended, and what it said.
  struct Ending: Sendable {
    let wasKilled: Bool
    let status: Int32
    let said: String
  }

  /// Runs to the end, or until `isDue` says that the child shall be killed. `isDue` is asked every millisecond.
  func run(_ arguments: [String], log: String, killedWhen isDue: () throws -> Bool = { false }) async throws -> Ending {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    FileManager.default.createFile(atPath: log, contents: nil)
    let output = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
    defer { try? output.close() }
    (process.standardInput, process.standardOutput, process.standardError) = (FileHandle.nullDevice, output, output)
    let hasEnded = Mutex(false)
    let ended = AsyncStream.makeStream(of: Void.self)
    process.terminationHandler = { _ in
      hasEnded.withLock { $0 = true }
      ended.continuation.finish()
    }
    try process.run()
    // Nothing but its files shows how far another process has come.
    var isKilled = false
    while !isKilled && !hasEnded.withLock({ $0 }) {
      if try isDue() {
        kill(process.processIdentifier, SIGKILL)
        isKilled = true
      } else {
        try await Task.sleep(for: .milliseconds(1))
      }
    }
    for await _ in ended.stream {}
    let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
    let wasKilled = process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGKILL
    return Ending(wasKilled: wasKilled, status: process.terminationStatus, said: said)
  }
}
