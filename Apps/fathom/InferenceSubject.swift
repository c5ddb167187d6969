// What `fathom bench decode|prefill|batch` measures: the engine that serves, with a model and its real tokenizer.
import Foundation
import GGUFModels
import Inference
import LanguageModels
import Tensors
import Text

/// A model in an engine, and the ways to time it.
final class InferenceSubject: Sendable {
  let vocabularySize: Int
  let contextLength: Int
  /// Bytes of the files that hold the weights.
  let weightBytes: Int
  /// Bytes of attention memory that one position takes, over all layers: what a decoded token reads for each.
  let memoryBytesPerPosition: Int
  /// The same in bfloat16, as `fathom describe` has it; nil for a family that does not say.
  let describedBytesPerPosition: Int?
  /// Whether every token reads every weight, as in a model without experts.
  let readsAllWeights: Bool
  /// Seconds from nothing to the model, its weights not yet touched.
  let openingSeconds: Double
  private let engine: InferenceEngine
  private let clock = ContinuousClock()

  /// `capacity` positions for each of `slots` sequences. On the device that the options ask for unless one is given.
  init(
    _ directory: ModelDirectory, _ options: ModelOptions, _ parts: Parts, on device: Device?, slots: Int, capacity: Int
  ) throws {
    let began = clock.now
    let model = try options.model(in: directory, parts, on: device)
    openingSeconds = (clock.now - began) / .seconds(1)
    guard capacity < model.contextLength else {
      throw CommandError("\(capacity) tokens are asked for; this model reads at most \(model.contextLength - 1)")
    }
    (vocabularySize, contextLength) = (model.vocabularySize, model.contextLength)
    weightBytes = try directory.weightFiles().reduce(0) { sum, path in
      let facts = try FileManager.default.attributesOfItem(atPath: path)
      return sum + (facts[.size] as? Int ?? 0)
    }
    readsAllWeights = model.expertLayout == nil
    describedBytesPerPosition = try? directory.family(parts.registry).describe(model.configuration).memoryBytesPerToken
    memoryBytesPerPosition = model.makeMemory(slots: 1, capacity: 1, form: .absorbed).byteCount
    var settings = EngineSettings()
    (settings.slots, settings.capacity) = (slots, capacity)
    settings.prefillTokens = max(settings.prefillTokens, slots * capacity)
    let tokenizer = try TokenSource(directory, canDoWithout: true).tokenizer
    engine = InferenceEngine(model, tokenizer: tokenizer, settings: settings)
  }

  /// Tokens a second of one answer, from its first token to its last.
  func decode(tokens: Int, after depth: Int, seed: UInt64) async throws -> Double {
    var (first, last) = (clock.now, clock.now)
    var count = 0
    for try await event in try await engine.stream(prompt(depth, seed, 0), options(tokens + 1)) {
      guard case .token = event else { continue }
      if count == 0 { first = clock.now }
      last = clock.now
      count += 1
    }
    return Double(count - 1) / ((last - first) / .seconds(1))
  }

  /// Tokens a second of reading a prompt, from the request to the answer's first token.
  func prefill(tokens: Int, seed: UInt64) async throws -> Double {
    let prompt = prompt(tokens, seed, 0)
    let began = clock.now
    _ = try await engine.complete([prompt], options(1))
    return Double(tokens) / ((clock.now - began) / .seconds(1))
  }

  /// Tokens a second of as many answers as there are slots, without the step that reads their prompts.
  func batch(slots: Int, tokens: Int, after depth: Int, seed: UInt64) async throws -> Double {
    let before = await engine.statistics
    let prompts = (0..<slots).map { prompt(depth, seed, UInt64($0)) }
    _ = try await engine.complete(prompts, options(tokens + 1))
    let after = await engine.statistics
    return Double(slots * tokens) / (after.decodingSeconds - before.decodingSeconds)
  }

  private func options(_ tokens: Int) -> GenerationOptions {
    var options = GenerationOptions()
    (options.maxTokens, options.temperature, options.ignoresEndOfSequence) = (tokens, 0, true)
    return options
  }

  /// Random tokens, others for every seed: what is in memory already need not be read.
  private func prompt(_ count: Int, _ seed: UInt64, _ request: UInt64) -> Prompt {
    var random = RandomStream(seed: seed, path: request)
    return Prompt((0..<count).map { _ in TokenID(Int(random.next() % UInt64(vocabularySize))) }, request: request)
  }
}
