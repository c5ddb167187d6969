// `fathom bench start MODEL`: from the start of a process to its first token, both sides as whole processes.
import ArgumentParser
import Foundation
import Layers
import Tensors

struct BenchStartCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "start", abstract: "Measures the seconds from the start of a process to its first token.",
    discussion: "Runs `fathom generate MODEL -n 1` with the file in the system's memory, and with --against "
      + "llama.cpp's program likewise, without its warm-up.")

  @Option(help: "The text to continue.")
  var prompt = "the sea"
  @OptionGroup var shared: BenchInferenceOptions

  func run() async throws {
    guard let program = Bundle.main.executablePath else {
      throw CommandError("this program cannot find its own file; start it by its path")
    }
    let (shared, text) = (shared, prompt)
    try await shared.report("seconds") { result, parts, peer, progress in
      var arguments = [
        "generate", shared.model, "--prompt", text, "--max-tokens", "1", "--temperature", "0", "--threads",
        "\(parts.threads)", "--precision", shared.arithmetic.precision.rawValue,
      ]
      if let weights = shared.arithmetic.weights { arguments += ["--weights", weights.rawValue] }
      let own = arguments
      let task = BenchTask(
        name: "start to first token", ours: { try Self.seconds(program, own) },
        theirs: peer.map { peer in { try peer.start(prompt: text) } })
      _ = try await task.ours()
      _ = try task.theirs?()
      result.results = try await BenchTurns(turns: shared.turns, isDuration: true).run([task], progress)
    }
  }

  /// Seconds of a whole process.
  private static func seconds(_ program: String, _ arguments: [String]) throws -> Double {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    (process.standardInput, process.standardOutput) = (FileHandle.nullDevice, FileHandle.nullDevice)
    let clock = ContinuousClock()
    let began = clock.now
    do { try process.run() } catch {
      throw CommandError("\(program): cannot be started: \(error.localizedDescription)")
    }
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw CommandError("\(program): ended with exit code \(process.terminationStatus); its error is above")
    }
    return (clock.now - began) / .seconds(1)
  }
}
