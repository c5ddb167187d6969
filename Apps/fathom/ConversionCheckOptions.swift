// When and how `fathom convert` checks what it wrote.
import ArgumentParser
import Foundation
import LanguageModels
import Text

/// Options of the check at the end of a conversion.
struct ConversionCheckOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Compare the perplexity of this text, UTF-8, under input and output. Left out, a model of less than 1 GB is checked \
      on a short built-in text.
      """, valueName: "text"))
  var check: String?
  @Option(help: "Tokens of the text to read at most.")
  var checkTokens = 2048
  @Option(
    help: ArgumentHelp(
      """
      Exit with 1 when the output's perplexity is more than so many percent above the input's; 10 with --check, any \
      finite one without.
      """, valueName: "percent"))
  var checkLimit: Double?
  @Flag(name: .customLong("no-check"), help: "Do not compare perplexities.")
  var isLeftOut = false

  /// Bytes of weights from which on the check must be asked for: it reads both models, and takes the time of it.
  private static let smallBytes = 1_000_000_000
  private static let usualLimit = 10.0

  func validate() throws {
    guard checkTokens >= 2 else { throw ValidationError("--check-tokens is \(checkTokens); it must be at least 2.") }
    if let checkLimit, !(checkLimit.isFinite && checkLimit >= 0) {
      throw ValidationError("--check-limit is \(checkLimit); it must be a percentage of at least 0.")
    }
    if isLeftOut, check != nil || checkLimit != nil {
      throw ValidationError("--no-check leaves out what --check and --check-limit ask for; give one of them.")
    }
  }

  /// What to check; nil, with the reason as a note, where there is no check. Everything that can be wrong with the text
  /// or the tokenizer shows here, before the conversion. Throws `CommandError`.
  func plan(_ input: ModelDirectory) throws -> (plan: ConversionCheck.Plan?, note: String?) {
    if isLeftOut { return (nil, nil) }
    let isAskedFor = check != nil || checkLimit != nil
    guard let tokenizer = try input.tokenizerIfPresent() else {
      guard isAskedFor else { return (nil, "perplexity is not checked, because \(input.path) has no tokenizer") }
      throw CommandError("\(input.path): has no tokenizer, which --check needs; leave the check out with --no-check")
    }
    let limit = (checkLimit ?? (check == nil ? nil : Self.usualLimit)).map { $0 / 100 }
    if let check {
      guard let data = FileManager.default.contents(atPath: check), let text = String(validating: data, as: UTF8.self)
      else { throw CommandError("\(check): cannot be read as UTF-8; --check takes a text") }
      guard tokenizer.encode(text, recognizingSpecialTokens: true).count > 1 else {
        throw CommandError("\(check): has no two tokens; one is read and the others are predicted")
      }
      return (ConversionCheck.Plan(name: check, text: text, tokens: checkTokens, limit: limit), nil)
    }
    let bytes = try input.weightFiles().reduce(0) { sum, path in
      sum + (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0)
    }
    guard isAskedFor || bytes < Self.smallBytes else {
      return (nil, "perplexity is not checked for a model of \(Figures.bytes(bytes)); --check TEXT does")
    }
    let (name, text) = (ConversionCheck.builtInName, ConversionCheck.builtInText)
    return (ConversionCheck.Plan(name: name, text: text, tokens: checkTokens, limit: limit), nil)
  }
}
