// One worker as its parent sees it: started under limits, watched, and buried with a cause of death.
import Foundation

struct WorkerProcess {
  let program: String
  let arguments: [String]
  let page: SharedPage
  let output: String
  /// Of the address space, where the system keeps such a limit.
  var megabytes = 2048
  /// An input that is waited for so long has stopped without using the processor.
  static let mostSilentSeconds = 30.0

  enum End {
    case finished
    /// What happened, and the words that tell it from other deaths.
    case died(cause: String, trace: String)
  }

  /// Runs the worker to its end.
  func run() throws -> End {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    let limits = "ulimit -c 0; ulimit -v \(megabytes * 1024) 2>/dev/null; exec \"$0\" \"$@\""
    process.arguments = ["-c", limits, program] + arguments
    // Arenas and backtraces cost address space, and a trace by the runtime costs seconds.
    process.environment = ProcessInfo.processInfo.environment.merging([
      "MALLOC_ARENA_MAX": "2", "SWIFT_BACKTRACE": Self.backtrace,
    ]) { $1 }
    guard FileManager.default.createFile(atPath: output, contents: nil), let file = FileHandle(forWritingAtPath: output)
    else { throw FuzzError("\(output): cannot be written") }
    (process.standardOutput, process.standardError) = (file, file)
    try process.run()
    let isSilent = watch(process)
    process.waitUntilExit()
    try file.close()
    if process.terminationReason == .exit, process.terminationStatus == 0, page.isFinished { return .finished }
    let trace = FileManager.default.contents(atPath: output).map { String(decoding: $0, as: UTF8.self) } ?? ""
    if isSilent { return .died(cause: "waits for more than \(Int(Self.mostSilentSeconds)) s", trace: trace) }
    return .died(cause: cause(process), trace: trace)
  }

  private static let backtrace =
    "enable=yes,threads=crashed,images=none,registers=none,interactive=no,color=no,limit=24,output-to=stderr,symbolicate=fast"

  /// Waits for the end; kills a worker whose page has not changed for long. Whether it did.
  private func watch(_ process: Process) -> Bool {
    var (seen, since) = (page.begun, ContinuousClock.now)
    while process.isRunning {
      usleep(20_000)
      if page.begun != seen { (seen, since) = (page.begun, ContinuousClock.now) }
      guard ContinuousClock.now - since > .seconds(Self.mostSilentSeconds) else { continue }
      kill(process.processIdentifier, SIGKILL)
      return true
    }
    return false
  }

  private func cause(_ process: Process) -> String {
    let status = process.terminationStatus
    guard process.terminationReason == .uncaughtSignal else { return "ended with status \(status)" }
    switch status {
    case SIGPROF: return "takes more than \(Worker.mostProcessorSeconds) s of processor time"
    case SIGILL, SIGTRAP: return "traps (signal \(status))"
    case SIGSEGV, SIGBUS: return "touches memory that is not its own, or exhausts the stack (signal \(status))"
    case SIGABRT: return "aborts (signal \(status))"
    case SIGKILL: return "was killed, for memory perhaps"
    default: return "ends by signal \(status)"
    }
  }
}
