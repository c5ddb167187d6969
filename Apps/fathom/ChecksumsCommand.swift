// `fathom checksums MODEL`: the SHA-256 of every tensor as it stands, or whether all are as a list says.
import ArgumentParser
import Foundation
import GGUFModels

struct ChecksumsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checksums", abstract: "Prints the SHA-256 of a model's tensors, or verifies them by a list.",
    discussion: "Lists are what `fathom convert` prints, keeps with --checksums, and puts into directories as "
      + "\(ModelConversion.fingerprintFile). Exits with 1 when a tensor differs, is missing or is not in the list.")

  @Argument(help: ArgumentHelp("A .gguf file, or a directory with *.safetensors.", valueName: "model"))
  var model: String
  @Option(help: ArgumentHelp("The list that the tensors must agree with.", valueName: "list"))
  var verify: String?

  func run() async throws {
    let (model, verify, progress) = (model, verify, TerminalProgress())
    let wrong: [String] = try await interruptible("checksums", progress) {
      guard let verify else {
        _ = try ModelFingerprints(of: model) { try Output.line("\($0.fingerprint)  \($0.name)") }
        return []
      }
      let list = try ModelFingerprints(list: verify)
      let found = try ModelFingerprints(of: model)
      let wrong = found.differences(from: list)
      if wrong.isEmpty {
        try Output.line("\(model): all \(Figures.grouped(found.tensors.count)) tensors are as \(verify) says")
      }
      return wrong
    }
    guard let first = wrong.first else { return }
    let others = wrong.count == 1 ? "" : ", and \(wrong.count - 1) more"
    throw CommandError("\(model): \(first)\(others); by \(verify ?? "the list") it is damaged or another model")
  }
}
