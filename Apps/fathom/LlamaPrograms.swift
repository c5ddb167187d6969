// The other side of `fathom bench decode|prefill|batch|start --against DIRECTORY`: llama.cpp's own measuring programs, one
// process a turn, with the same file, threads and lengths.
import Foundation

/// A directory of llama.cpp's programs.
struct LlamaPrograms {
  static let help = "A directory with llama.cpp's programs (llama-bench, …) to take turns with."
  let directory: String
  let model: String
  let threads: Int

  /// Throws `CommandError` when there is no llama-bench, or when the model is no file that it could read.
  init(_ directory: String, model: String, threads: Int) throws {
    (self.directory, self.model, self.threads) = (directory, model, threads)
    guard FileManager.default.isExecutableFile(atPath: "\(directory)/llama-bench") else {
      throw CommandError("--against \(directory): has no program llama-bench; build it with llama.cpp's cmake")
    }
    guard model.hasSuffix(".gguf") else {
      throw CommandError("--against \(directory): llama.cpp reads GGUF files, and \(model) is none; convert it first")
    }
  }

  private struct Bench: Decodable {
    let avg_ts: Double
  }
  private struct Batched: Decodable {
    let speed_tg: Double
    let speed_pp: Double
  }

  /// Tokens a second of generating `tokens` after a prompt of `depth`.
  func decode(tokens: Int, after depth: Int) throws -> Double {
    try bench(["-p", "0", "-n", "\(tokens)", "-d", "\(depth)"])
  }

  /// Tokens a second of reading a prompt.
  func prefill(tokens: Int) throws -> Double { try bench(["-p", "\(tokens)", "-n", "0"]) }

  private func bench(_ arguments: [String]) throws -> Double {
    let output = try run(
      "llama-bench", ["-m", model, "-t", "\(threads)", "-r", "1", "-o", "json"] + arguments)
    guard let results = try? JSONDecoder().decode([Bench].self, from: Data(output.utf8)), let first = results.first
    else { throw unexpected("llama-bench", output) }
    return first.avg_ts
  }

  /// Tokens a second of generating `tokens` for each of `slots` sequences at once, after prompts of `depth`.
  func batch(slots: Int, tokens: Int, after depth: Int) throws -> Double {
    let context = slots * (tokens + depth + 8)
    let output = try run(
      "llama-batched-bench",
      [
        "-m", model, "-t", "\(threads)", "-c", "\(context)", "-npp", "\(depth)", "-ntg", "\(tokens)", "-npl",
        "\(slots)", "--output-format", "jsonl",
      ])
    let line = output.split(separator: "\n").last { $0.hasPrefix("{") } ?? ""
    guard let result = try? JSONDecoder().decode(Batched.self, from: Data(line.utf8)) else {
      throw unexpected("llama-batched-bench", output)
    }
    return result.speed_tg
  }

  /// Seconds of a whole process that reads the model and a short prompt, and writes one token.
  func start(prompt: String) throws -> Double {
    let names = ["llama-simple", "llama-completion"]
    guard let name = names.first(where: { FileManager.default.isExecutableFile(atPath: "\(directory)/\($0)") }) else {
      throw CommandError("--against \(directory): has neither \(names.joined(separator: " nor ")); build one of them")
    }
    let clock = ContinuousClock()
    let began = clock.now
    // Neither an interactive chat nor a run before the first.
    let others = name == "llama-simple" ? [] : ["-t", "\(threads)", "-no-cnv", "--no-warmup", "-c", "512"]
    let text = name == "llama-simple" ? [prompt] : ["-p", prompt]
    _ = try run(name, ["-m", model, "-n", "1"] + others + text)
    return (clock.now - began) / .seconds(1)
  }

  /// Standard output of a program that ended well.
  private func run(_ name: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "\(directory)/\(name)")
    process.arguments = arguments
    let output = Pipe()
    (process.standardInput, process.standardOutput) = (FileHandle.nullDevice, output)
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch {
      throw CommandError("\(directory)/\(name): cannot be started: \(error.localizedDescription)")
    }
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw CommandError(
        "\(directory)/\(name): ended with exit code \(process.terminationStatus); run it by hand with "
          + "\(arguments.joined(separator: " "))")
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func unexpected(_ name: String, _ output: String) -> CommandError {
    CommandError("\(directory)/\(name): printed '\(output.prefix(200))'; its JSON was expected")
  }
}
