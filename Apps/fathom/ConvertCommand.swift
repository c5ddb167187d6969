// `fathom convert INPUT OUTPUT`: a model's directory to a GGUF file, and back.
import ArgumentParser
import BlockFormats
import Checkpoints
import Foundation
import GGUF
import GGUFModels
import LanguageModels
import Synchronization

struct ConvertCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Turns a model's directory into a GGUF file, or a GGUF file into a directory.",
    discussion: """
      Prints the SHA-256 of every tensor as it stands in the new file, and at the end the perplexity of a text under \
      both models. Converting takes the same memory for every model; the check takes that of answering. The output must \
      not exist, and appears whole or not at all.
      """)

  @Argument(help: ArgumentHelp("A directory with config.json and *.safetensors, or a .gguf file.", valueName: "input"))
  var input: String
  @Argument(help: ArgumentHelp("A .gguf file for a directory, a directory for a .gguf file.", valueName: "output"))
  var output: String
  @Option(
    help: """
      The form of matrices; as they are stored if left out, and float32 for quantised ones that become safetensors, \
      which hold f32, f16 and bf16 only.
      """)
  var type: ConversionType?
  @Option(help: ArgumentHelp("Keep the checksums in this file as well.", valueName: "file"))
  var checksums: String?
  @OptionGroup var check: ConversionCheckOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if Self.isGGUF(input) == Self.isGGUF(output) {
      throw ValidationError(
        "Give a directory and a .gguf file, in either order; '\(input)' and '\(output)' are of one kind.")
    }
  }

  func run() async throws {
    let (parts, progress) = (try compute.parts(), TerminalProgress())
    let (plan, note) = try check.plan(ModelDirectory(input))
    let command = self
    try await interruptible("convert", progress) { try command.convert() }
    if let note { progress.note("note: \(note)") }
    guard let plan else { return }
    let checked = try await interruptible("check", progress) {
      try ConversionCheck(
        plan, input: ModelDirectory(command.input), output: ModelDirectory(command.output), parts, progress)
    }
    try Output.line(checked.sentence)
    try checked.enforce(output)
  }

  private func convert() throws {
    let ledger = Ledger()
    let report: ModelConversion.Report = { tensor in
      let line = "\(tensor.fingerprint)  \(tensor.name)"
      ledger.add(line, bytes: tensor.byteCount)
      try Output.line("\(line)  \(tensor.format.rawValue) \(tensor.shape)")
    }
    let remarks =
      Self.isGGUF(output)
      ? try ModelConversion.writeGGUF(output, from: input, as: type, report: report)
      : try ModelConversion.writeDirectory(output, from: input, as: type, report: report)
    let (lines, bytes) = ledger.contents
    if let checksums { try DurableFile.write(lines.map { "\($0)\n" }.joined(), to: checksums) }
    for remark in remarks { _ = Output.write("note: \(remark)\n", to: STDERR_FILENO) }
    try Output.line("\(output): \(Figures.grouped(lines.count)) tensors, \(Figures.bytes(bytes))")
  }

  private static func isGGUF(_ path: String) -> Bool { path.hasSuffix(".gguf") }
}

extension ConversionType: @retroactive ExpressibleByArgument {}

/// What has been written so far.
private final class Ledger: Sendable {
  private let entries = Mutex((lines: [String](), bytes: 0))
  func add(_ line: String, bytes: Int) {
    entries.withLock {
      $0.lines.append(line)
      $0.bytes += bytes
    }
  }
  var contents: (lines: [String], bytes: Int) { entries.withLock { $0 } }
}
