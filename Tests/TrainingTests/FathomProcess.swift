// The built command line as a child process that can be killed. It is looked for beside this test, where `swift build`
// puts it; the variable FATHOM_BINARY names another one, a release build for example.
import Dispatch
import Foundation

struct FathomProcess: Sendable {
  let executable: URL

  /// Throws when there is no executable `fathom`, saying where it was looked for.
  init() throws {
    if let named = ProcessInfo.processInfo.environment["FATHOM_BINARY"] {
      guard FileManager.default.isExecutableFile(atPath: named) else {
        throw Surprise("FATHOM_BINARY is '\(named)', which is no executable file")
      }
      executable = URL(fileURLWithPath: named)
      return
    }
    let own = [
      URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath(), URL(fileURLWithPath: CommandLine.arguments[0]),
      Bundle.main.bundleURL,
    ]
    let places = own.flatMap(Self.productFolders).map { $0.appendingPathComponent("fathom").path }
    guard let found = places.first(where: FileManager.default.isExecutableFile) else {
      throw Surprise(
        "no executable 'fathom' among \(Set(places).sorted().joined(separator: ", ")); `swift build` makes it, or "
          + "FATHOM_BINARY may name one")
    }
    executable = URL(fileURLWithPath: found)
  }

  /// The folder of a file; where the file is inside a test bundle, as on macOS, also the folder of the bundle.
  private static func productFolders(_ file: URL) -> [URL] {
    var folders = [file.deletingLastPathComponent()]
    var place = file
    while place.path != "/" {
      if place.pathExtension == "xctest" { folders.append(place.deletingLastPathComponent()) }
      place.deleteLastPathComponent()
    }
    return folders
  }

  /// How a child ended, and what it said.
  struct Ending: Sendable {
    let wasKilled: Bool
    let status: Int32
    let said: String
  }

  /// Runs to the end, or until `isDue` says that the child shall be killed. `isDue` is asked every millisecond, on a
  /// thread of its own: nothing but its files shows how far another process has come.
  func run(
    _ arguments: [String], log: String, killedWhen isDue: @escaping @Sendable () -> Bool = { false }
  ) async throws -> Ending {
    try await withCheckedThrowingContinuation { continuation in
      DispatchQueue(label: "fathom").async {
        continuation.resume(with: Result { try runAndWait(arguments, log: log, isDue) })
      }
    }
  }

  private func runAndWait(_ arguments: [String], log: String, _ isDue: () -> Bool) throws -> Ending {
    try Data().write(to: URL(fileURLWithPath: log))
    let output = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
    defer { try? output.close() }
    let process = Process()
    (process.executableURL, process.arguments) = (executable, arguments)
    (process.standardInput, process.standardOutput, process.standardError) = (FileHandle.nullDevice, output, output)
    try process.run()
    while process.isRunning && !isDue() { usleep(1000) }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    return Ending(
      wasKilled: process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGKILL,
      status: process.terminationStatus, said: try String(contentsOfFile: log, encoding: .utf8))
  }
}
