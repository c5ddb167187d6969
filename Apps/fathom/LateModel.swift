// A model that the server announces while it is still being trained, so that one server and one address last from the
// first step of training to the last question. Until the model arrives, questions get a sentence that says so.
import Checkpoints
import Foundation
import HTTPServing
import Jinja
import LanguageModels
import Synchronization
import Text

/// Stands for a model until it arrives, and passes everything on to it from then on.
final class LateModel: Tokenizer, ChatTemplate, Generator {
  private let arrived = Mutex<ServedModel?>(nil)
  private static let absence = "the model is still being trained; the page /run shows how far it is"

  /// What the server lists, under the name that the model will have.
  func announcement(id: String, contextLength: Int) -> ServedModel {
    // The weights are not known yet, but they will be the only ones that this process serves under the name.
    let fingerprint = "fp_\(Fingerprint.sha256(UUID().uuidString).prefix(12))"
    return ServedModel(
      id: id, tokenizer: self, template: self, generator: self, contextLength: contextLength,
      systemFingerprint: fingerprint, unwrapsAnswer: true, created: Int(Date().timeIntervalSince1970))
  }

  /// Answers with `model` from now on.
  func arrive(_ model: ServedModel) { arrived.withLock { $0 = model } }

  private var model: ServedModel? { arrived.withLock { $0 } }

  /// The generator, or a sentence for the client.
  private func generator() throws -> any Generator {
    guard let model else { throw GenerationError(Self.absence) }
    return model.generator
  }

  // Tokenizer
  var vocabularySize: Int { model?.tokenizer.vocabularySize ?? 0 }
  var beginningOfSequence: TokenID? { model?.tokenizer.beginningOfSequence }
  var endOfSequence: TokenID? { model?.tokenizer.endOfSequence }
  func encode(_ text: String, recognizingSpecialTokens: Bool) -> [TokenID] {
    // One token instead of none: the request then reaches the generator, which says why there is no answer.
    model?.tokenizer.encode(text, recognizingSpecialTokens: recognizingSpecialTokens) ?? [TokenID(0)]
  }
  func encode(_ text: RenderedText) -> [TokenID] { model?.tokenizer.encode(text) ?? [TokenID(0)] }
  func bytes(of token: TokenID) -> [UInt8] { model?.tokenizer.bytes(of: token) ?? [] }
  func isSpecial(_ token: TokenID) -> Bool { model?.tokenizer.isSpecial(token) ?? false }
  func token(named text: String) -> TokenID? { model?.tokenizer.token(named: text) }
  var decoding: TokenDecoding? { model?.tokenizer.decoding }

  // ChatTemplate
  var opensThinking: Bool { model?.template.opensThinking ?? false }
  func render(_ messages: [ChatMessage], with tokenizer: any Tokenizer) throws -> [TokenID] {
    guard let model else { throw GenerationError(Self.absence) }
    return try model.template.render(messages, with: tokenizer)
  }

  // Generator
  func complete(_ prompts: [Prompt], _ options: GenerationOptions) async throws -> [Completion] {
    try await generator().complete(prompts, options)
  }
  func stream(
    _ prompt: Prompt, _ options: GenerationOptions
  ) async throws -> AsyncThrowingStream<GenerationEvent, any Error> {
    try await generator().stream(prompt, options)
  }
  func adopt(_ model: any LanguageModel) async throws { try await generator().adopt(model) }
}
