// The batched engine answers exactly as the slow generator does, whoever else is in the batch.
import CPUBackend
import DeepSeek
import Inference
import LanguageModels
import Tensors
import Testing
import Text

/// A completion as something to compare: log-probabilities by their bits.
private struct Answer: Equatable {
  let tokens: [TokenID]
  let bits: [UInt32]
  let text: String
  let reason: FinishReason
  init(_ completion: Completion) {
    (tokens, text, reason) = (completion.tokens, completion.text, completion.finishReason)
    bits = completion.logProbabilities.map(\.bitPattern)
  }
}

/// A model with sharp opinions, its tokenizer, and prompts of one to thirteen tokens.
private struct Scene {
  let model: DeepSeekV3Model
  let tokenizer: BytePairEncoding
  let prompts: [Prompt]

  init() throws {
    var trainer = BPETrainer(vocabularySize: 264)
    (trainer.specialTokens, trainer.endOfSequence) = (["<eos>"], "<eos>")
    tokenizer = try trainer.train(on: ["the cat and the hat and the rat"])
    model = try TinyModel.fresh(vocabulary: tokenizer.vocabularySize, seed: 21, on: Device(CPUBackend(threads: 2)))
    var random = RandomStream(seed: 22)
    let vocabulary = 1..<tokenizer.vocabularySize
    prompts = [1, 13, 2, 7, 7, 1, 10, 5, 3].enumerated().map { index, length in
      let tokens = (0..<length).map { _ in TokenID(random.number(in: vocabulary)) }
      return Prompt(tokens, request: UInt64(index))
    }
  }
  func options(_ temperature: Double) -> GenerationOptions {
    var options = GenerationOptions()
    (options.maxTokens, options.temperature, options.seed) = (10, temperature, 77)
    return options
  }
  func slow(_ temperature: Double) async throws -> [Answer] {
    try await NaiveGenerator(model, tokenizer: tokenizer).complete(prompts, options(temperature)).map(Answer.init)
  }
  func engine(_ change: (inout EngineSettings) -> Void = { _ in }) -> InferenceEngine {
    var settings = EngineSettings()
    settings.form = .textbook
    change(&settings)
    return InferenceEngine(model, tokenizer: tokenizer, settings: settings)
  }
}

@Suite struct EngineTests {
  @Test(arguments: [0, 0.7, 1])
  func theEngineAnswersAsTheNaiveGeneratorBitForBit(temperature: Double) async throws {
    let scene = try Scene()
    let wanted = try await scene.slow(temperature)
    #expect(Set(wanted.map(\.tokens)).count == wanted.count, "every prompt has an answer of its own")
    #expect(wanted.allSatisfy { $0.bits.count == $0.tokens.count && !$0.bits.isEmpty })
    let found = try await scene.engine().complete(scene.prompts, scene.options(temperature)).map(Answer.init)
    #expect(found == wanted)
  }

  @Test func answersDoNotDependOnWhoSharesTheBatch() async throws {
    let scene = try Scene()
    let options = scene.options(1)
    let wanted = try await scene.slow(1)
    let engine = scene.engine()
    let reversed = try await engine.complete(scene.prompts.reversed(), options).map(Answer.init)
    #expect(reversed.reversed() == wanted)
    for (index, prompt) in scene.prompts.enumerated() {
      #expect(try await engine.complete([prompt], options).map(Answer.init) == [wanted[index]], "alone: \(index)")
    }
    var random = RandomStream(seed: 5)
    for _ in 0..<3 {
      let order = Array(scene.prompts.indices.shuffled(using: &random).prefix(random.number(in: 2..<8)))
      let found = try await engine.complete(order.map { scene.prompts[$0] }, options).map(Answer.init)
      #expect(found == order.map { wanted[$0] }, "\(order)")
    }
  }

  @Test(arguments: [(1, nil, 4096), (2, nil, 4096), (4, 24, 8), (9, 40, 1), (64, 23, 30)])
  func answersDoNotDependOnTheEnginesSize(slots: Int, capacity: Int?, prefillTokens: Int) async throws {
    let scene = try Scene()
    let engine = scene.engine { ($0.slots, $0.capacity, $0.prefillTokens) = (slots, capacity, prefillTokens) }
    let found = try await engine.complete(scene.prompts, scene.options(1)).map(Answer.init)
    #expect(try await found == scene.slow(1))
  }

  @Test func requestsThatArriveTogetherAnswerAsOneByOne() async throws {
    let scene = try Scene()
    let (engine, options) = (scene.engine { $0.slots = 3 }, scene.options(1))
    let found = try await withThrowingTaskGroup(of: (Int, Answer).self) { group in
      for (index, prompt) in scene.prompts.enumerated() {
        group.addTask { (index, Answer(try await engine.complete([prompt], options)[0])) }
      }
      var answers: [Int: Answer] = [:]
      for try await (index, answer) in group { answers[index] = answer }
      return answers.sorted { $0.key < $1.key }.map(\.value)
    }
    #expect(try await found == scene.slow(1))
  }

  /// Of the tokens that were read, and only for those who ask.
  @Test(arguments: [AttentionForm.textbook, .absorbed])
  func theEngineReportsTheExpertsOfTheNaiveGenerator(form: AttentionForm) async throws {
    let scene = try Scene()
    var asking = scene.options(1)
    asking.reportsExperts = true
    let wanted = try await NaiveGenerator(scene.model, tokenizer: scene.tokenizer).complete(scene.prompts, asking)
    let engine = scene.engine { ($0.form, $0.slots, $0.prefillTokens) = (form, 4, 8) }
    async let silent = engine.complete(scene.prompts, scene.options(1))
    let found = try await engine.complete(scene.prompts, asking)
    #expect(try await silent.allSatisfy { $0.experts == nil })
    for (index, prompt) in scene.prompts.enumerated() {
      let experts = try #require(found[index].experts)
      #expect(experts.layout == scene.model.expertLayout)
      #expect(experts.tokens == prompt.tokens.count + found[index].tokens.count - 1)
      if form == .textbook { #expect(Answer(found[index]) == Answer(wanted[index])) }
      guard found[index].tokens == wanted[index].tokens else { continue }
      #expect(experts == wanted[index].experts, "answer \(index)")
    }
    #expect(Set(wanted.compactMap { $0.experts?.experts(layer: 0) }.joined()).count == 4, "every expert is chosen")
  }

  @Test func anotherRequestNumberDrawsAnotherAnswer() async throws {
    let scene = try Scene()
    let prompts = (0..<6).map { Prompt(scene.prompts[1].tokens, request: $0) }
    let answers = try await scene.engine().complete(prompts, scene.options(1)).map(Answer.init)
    #expect(Set(answers.map(\.tokens)).count == prompts.count)
    let greedy = try await scene.engine().complete(prompts, scene.options(0)).map(Answer.init)
    #expect(Set(greedy.map(\.tokens)).count == 1)
  }
}
