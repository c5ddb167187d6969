// `fathom bench start MODEL`: from the start of a process to its first token, both sides as whole processes.
import ArgumentParser
import Foundation
import LanguageModels
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
    let (parts, progress, load) = (try shared.compute.parts(), TerminalProgress(), BenchLoad())
    load.warn(progress)
    let peer = try shared.peer(parts.threads)
    guard let program = Bundle.main.executablePath else {
      throw CommandError("this program cannot find its own file; start it by its path")
    }
    var arguments = [
      "generate", shared.model, "--prompt", prompt, "--max-tokens", "1", "--temperature", "0", "--threads",
      "\(parts.threads)", "--precision", shared.arithmetic.precision.rawValue,
    ]
    if let weights = shared.arithmetic.weights { arguments += ["--weights", weights.rawValue] }
    let (own, text) = (arguments, prompt)
    let ours: @Sendable () throws -> Double = { try Self.seconds(program, own) }
    let result = try await interruptible("bench", progress) {
      let task = BenchTask(
        name: "start to first token", ours: ours,
        theirs: peer.map { peer in
          { try peer.start(prompt: text) }
        })
      _ = try ours()
      _ = try peer?.start(prompt: text)
      var result = BenchInferenceResult(
        model: shared.model, weights: shared.arithmetic.form(of: ModelDirectory(shared.model)).rawValue,
        threads: parts.threads, load: load.average, unit: "seconds")
      result.results = try await BenchTurns(turns: shared.turns, isDuration: true).run([task], progress)
      return result
    }
    if shared.json { try Output.json(result) } else { try Output.write(result.text) }
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
