// How much a conversion cost: the perplexity of one text under a model and under what was made of it.
import Foundation
import LanguageModels
import Layers
import Text

/// Compares two forms of one model on a text.
struct ConversionCheck {
  /// What to read, and what is too much.
  struct Plan: Sendable {
    /// What the text is called in sentences.
    let name: String
    let text: String
    /// Tokens that are read at most.
    let tokens: Int
    /// By which share the output's perplexity may exceed the input's; nil for any finite one.
    let limit: Double?
  }

  let plan: Plan
  /// Of the tokens that were predicted.
  let (input, output): (Perplexity, Perplexity)
  let seconds: Double

  /// Reads the text with the model at `input` and with the one at `output`, both in their stored forms. Tokens are those
  /// of the input's tokenizer. Throws `CommandError` when the output has a tokenizer that gives others.
  init(
    _ plan: Plan, input: ModelDirectory, output: ModelDirectory, _ parts: Parts, _ progress: TerminalProgress
  ) throws {
    let began = ContinuousClock.now
    let tokens = Array(try input.tokenizer().encode(plan.text, recognizingSpecialTokens: true).prefix(plan.tokens))
    if let tokenizer = try output.tokenizerIfPresent() {
      let own = tokenizer.encode(plan.text, recognizingSpecialTokens: true).prefix(plan.tokens)
      guard Array(own) == tokens else {
        throw CommandError(
          "\(output.path): its tokenizer gives other tokens for \(plan.name) than that of \(input.path); "
            + "the converted vocabulary cannot be used")
      }
    }
    func perplexity(_ directory: ModelDirectory, _ side: String) throws -> Perplexity {
      let model = try directory.model(parts.registry, on: parts.device, weights: .stored)
      let window = min(512, model.contextLength)
      return try Perplexity(of: model, over: [tokens], window: window) { done in
        try Task.checkCancellation()
        progress.report(stage: "check of the \(side)", done: done, of: tokens.count, unit: "token", detail: "")
      }
    }
    self.plan = plan
    self.input = try perplexity(input, "input")
    self.output = try perplexity(output, "output")
    seconds = (ContinuousClock.now - began) / .seconds(1)
  }

  /// By which share the output's perplexity exceeds the input's; negative where it is below.
  var growth: Double { exp(output.meanNegativeLogLikelihood - input.meanNegativeLogLikelihood) - 1 }

  /// "perplexity of 411 tokens of …: 12.31 before, 12.40 after (+0.71 %), checked in 0:03".
  var sentence: String {
    "perplexity of \(Figures.grouped(input.tokens)) tokens of \(plan.name): \(Self.figure(input.value)) before, "
      + "\(Self.figure(output.value)) after (\(Self.percent(growth))), \(verdict), checked in "
      + Figures.duration(seconds)
  }

  private var verdict: String {
    if input == output { return "the same to the last bit" }
    guard let limit = plan.limit else { return "no limit was set" }
    return "\(isTooMuch ? "above" : "within") the limit of \(Figures.percent(limit))"
  }

  /// Whether the output is worse than the plan allows, or gives no number at all.
  private var isTooMuch: Bool { !growth.isFinite || growth > plan.limit ?? .infinity }

  /// Throws `CommandError` when the output, which stays where it is, predicts too badly.
  func enforce(_ path: String) throws {
    guard isTooMuch else { return }
    guard growth.isFinite else {
      throw CommandError(
        "\(path): its perplexity is \(output.value) where the input's is \(input.value); it cannot be used, and stays "
          + "where it is")
    }
    throw CommandError(
      "\(path): its perplexity is \(Figures.percent(growth)) above the input's and --check-limit allows "
        + "\(Figures.percent(plan.limit ?? 0)); it stays where it is, and a --type of more bits loses less")
  }

  private static func figure(_ value: Double) -> String {
    value < 1e6 ? String(format: "%.4f", value) : String(format: "%.4g", value)
  }
  private static func percent(_ share: Double) -> String { String(format: "%+.2f %%", share * 100) }
}
