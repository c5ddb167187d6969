// Experts that a generator reports and training cannot take: what comes from a generator is checked before the model
// reads it.
import LanguageModels

/// Reported experts that are not those of the tokens or of the model, in one sentence.
public struct ReplayError: Error, CustomStringConvertible {
  public let description: String
}

extension ExpertLayout {
  /// Throws `ReplayError` when an answer's experts are of another model or of another number of tokens. None at all is
  /// no error: the answer is then trained with the policy's own choice, and counted.
  func check(_ found: ExpertChoices?, tokens: Int, answer: Int, stage: String, step: Int) throws {
    guard let found, found.layout != self || found.tokens != tokens else { return }
    throw ReplayError(
      description: "stage '\(stage)', step \(step), answer \(answer): the generator reports experts of "
        + "\(found.tokens) tokens as \(found.layout.sentence), but \(tokens) tokens as \(sentence) were sampled; "
        + "'replayExperts: false' trains without them")
  }
  private var sentence: String { "\(chosen) of \(experts) in \(layers) layer\(layers == 1 ? "" : "s")" }
}
