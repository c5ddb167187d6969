// A prompt that several answers share is read once: what is copied from another slot's memory is what reading would
// have written there, bit for bit.
import CPUBackend
import DeepSeek
import LanguageModels
import Tensors
import Testing
import Text

@testable import Inference

/// A completion as something to compare: log-probabilities by their bits.
private struct Answer: Equatable {
  let tokens: [TokenID]
  let bits: [UInt32]
  init(_ completion: Completion) {
    (tokens, bits) = (completion.tokens, completion.logProbabilities.map(\.bitPattern))
  }
}

/// Groups of requests that share a prompt, as GRPO samples them.
private struct Groups {
  let tokenizer: BytePairEncoding
  let device = Device(CPUBackend(threads: 2))
  let model: DeepSeekV3Model
  let prompts: [Prompt]
  static let lengths = [12, 5, 1, 12]
  static let size = 6

  init() throws {
    var trainer = BPETrainer(vocabularySize: 264)
    (trainer.specialTokens, trainer.endOfSequence) = (["<eos>"], "<eos>")
    tokenizer = try trainer.train(on: ["the cat and the hat and the rat"])
    model = try TinyModel.fresh(vocabulary: tokenizer.vocabularySize, seed: 31, on: device)
    var random = RandomStream(seed: 32)
    let vocabulary = 1..<tokenizer.vocabularySize
    let texts = Self.lengths.map { length in (0..<length).map { _ in TokenID(random.number(in: vocabulary)) } }
    prompts = texts.indices.flatMap { p in
      (0..<Self.size).map { Prompt(texts[p], request: UInt64(p * Self.size + $0)) }
    }
  }
  var options: GenerationOptions {
    var options = GenerationOptions()
    (options.maxTokens, options.seed) = (9, 5)
    return options
  }
  func engine(slots: Int, form: AttentionForm = .textbook, prefillTokens: Int = 4096) -> InferenceEngine {
    var settings = EngineSettings(form: form)
    (settings.slots, settings.prefillTokens) = (slots, prefillTokens)
    return InferenceEngine(model, tokenizer: tokenizer, settings: settings)
  }
  func slow(_ model: DeepSeekV3Model, _ prompts: [Prompt]) async throws -> [Answer] {
    try await NaiveGenerator(model, tokenizer: tokenizer).complete(prompts, options).map(Answer.init)
  }
}

@Suite struct SharedPrefillTests {
  @Test(arguments: [(64, 4096), (5, 13)])
  func whatIsSharedBringsItsExperts(slots: Int, prefillTokens: Int) async throws {
    let groups = try Groups()
    var asking = groups.options
    asking.reportsExperts = true
    let wanted = try await NaiveGenerator(groups.model, tokenizer: groups.tokenizer).complete(groups.prompts, asking)
    let engine = groups.engine(slots: slots, prefillTokens: prefillTokens)
    // What was read without being asked for experts is no source for those who ask.
    _ = try await engine.complete(groups.prompts, groups.options)
    let before = await engine.statistics.promptTokensRead
    let found = try await engine.complete(groups.prompts, asking)
    #expect(found.map(\.experts) == wanted.map(\.experts) && found.allSatisfy { $0.experts != nil })
    let statistics = await engine.statistics
    #expect(statistics.promptTokensRead - before == before, "each prompt is read once more")
    #expect(Set(found.compactMap { $0.experts?.experts(layer: 0) }.joined()).count > 1)
  }

  @Test(arguments: [(64, 4096), (24, 13), (5, 4096), (2, 4096), (1, 1)])
  func groupsAnswerAsOneByOne(slots: Int, prefillTokens: Int) async throws {
    let groups = try Groups()
    let wanted = try await groups.slow(groups.model, groups.prompts)
    #expect(Set(wanted.map(\.tokens)).count > groups.prompts.count / 2, "answers differ within a group")
    let engine = groups.engine(slots: slots, prefillTokens: prefillTokens)
    #expect(try await engine.complete(groups.prompts, groups.options).map(Answer.init) == wanted)
    let (statistics, tokens) = (await engine.statistics, Groups.lengths.reduce(0, +) * Groups.size)
    #expect(statistics.promptTokensRead + statistics.promptTokensShared == tokens)
    #expect(statistics.tokensGenerated == wanted.reduce(0) { $0 + $1.tokens.count })
    // Each prompt is read once; every other member of its group reads the last token alone.
    let once = Groups.lengths.reduce(0) { $0 + $1 + Groups.size - 1 }
    #expect(slots == 1 || statistics.promptTokensRead == once, "\(statistics)")
  }

  @Test(arguments: AttentionForm.allCases)
  func aGroupAnswersAsItsMembersInEnginesOfTheirOwn(form: AttentionForm) async throws {
    let groups = try Groups()
    let together = groups.engine(slots: 8, form: form)
    let found = try await together.complete(groups.prompts, groups.options).map(Answer.init)
    #expect(await together.statistics.promptTokensShared > 0)
    for (index, prompt) in groups.prompts.enumerated() {
      let alone = groups.engine(slots: 1, form: form)
      #expect(try await alone.complete([prompt], groups.options).map(Answer.init) == [found[index]], "\(index)")
    }
  }

  /// A conversation: the next prompt begins with what is in memory already.
  @Test func aPromptThatGoesOnFromAnAnswerReadsTheRestOnly() async throws {
    let groups = try Groups()
    let engine = groups.engine(slots: 3)
    let first = try await engine.complete([groups.prompts[0]], groups.options)[0]
    let before = await engine.statistics.promptTokensRead
    let more = Prompt(groups.prompts[0].tokens + first.tokens + [TokenID(7), TokenID(9)], request: 3)
    let found = try await engine.complete([more], groups.options).map(Answer.init)
    #expect(try await found == groups.slow(groups.model, [more]))
    // The last token of the answer was never read, because nothing followed it.
    #expect(await engine.statistics.promptTokensRead - before == 3)
  }

  @Test func otherWeightsShareNothingWithWhatIsInMemory() async throws {
    let groups = try Groups()
    let engine = groups.engine(slots: 8)
    _ = try await engine.complete(groups.prompts, groups.options)
    let other = try TinyModel.fresh(vocabulary: groups.tokenizer.vocabularySize, seed: 99, on: groups.device)
    await engine.adopt(other)
    let found = try await engine.complete(groups.prompts, groups.options).map(Answer.init)
    #expect(try await found == groups.slow(other, groups.prompts))
    #expect(try await found != groups.slow(groups.model, groups.prompts))
  }

  @Test func aPromptsOwnLimitEndsItsAnswerEarlier() async throws {
    let groups = try Groups()
    var options = groups.options
    options.ignoresEndOfSequence = true
    let whole = try await groups.engine(slots: 8).complete(groups.prompts, options).map(Answer.init)
    let limited = groups.prompts.enumerated().map {
      Prompt($1.tokens, request: $1.request, maxTokens: 1 + $0 % 12)
    }
    for generator: any Generator in [
      groups.engine(slots: 8), NaiveGenerator(groups.model, tokenizer: groups.tokenizer),
    ] {
      let found = try await generator.complete(limited, options).map(Answer.init)
      #expect(found.map(\.tokens) == whole.enumerated().map { Array($1.tokens.prefix(1 + $0 % 12)) })
    }
    await #expect(throws: GenerationError.self) {
      _ = try await groups.engine(slots: 8).complete([Prompt([TokenID(1)], maxTokens: 0)], options)
    }
  }

  @Test func aCancelledCallStillAnswersEveryPrompt() async throws {
    let groups = try Groups()
    let engine = groups.engine(slots: 2)
    let call = Task { try await engine.complete(groups.prompts, groups.options) }
    call.cancel()
    #expect(try await call.value.count == groups.prompts.count)
    #expect(
      try await engine.complete(groups.prompts, groups.options).map(Answer.init)
        == groups.slow(groups.model, groups.prompts))
  }
}

@Suite struct SlotTableTests {
  private let a = (1...8).map { TokenID($0) }

  @Test func theSlotThatKnowsMostIsTheSource() {
    var table = SlotTable(slots: 4)
    for (slot, known) in [(0, 3), (1, 6), (2, 5)] {
      table.take(.init(slot: slot, shared: 0, source: slot), for: [])
      table.append(Array(a.prefix(known)), to: slot)
    }
    #expect(table.place(for: a, excluding: []) == .init(slot: 3, shared: 6, source: 1))
    #expect(table.place(for: a, excluding: [1]) == .init(slot: 3, shared: 5, source: 2))
    // The last token is always read.
    #expect(table.place(for: Array(a.prefix(5)), excluding: []) == .init(slot: 3, shared: 4, source: 1))
  }

  @Test func aFreeSlotIsGoneOnWithUnlessMostOfItIsSomethingElse() {
    var table = SlotTable(slots: 2)
    let place = SlotTable.Place(slot: 1, shared: 0, source: 1)
    table.take(place, for: [])
    table.append(a, to: 1)
    table.free(1)
    #expect(table.place(for: a + a, excluding: []) == .init(slot: 1, shared: 8, source: 1))
    #expect(table.place(for: Array(a.prefix(3)) + [TokenID(99)], excluding: []) == .init(slot: 0, shared: 3, source: 1))
    table.forgetContents()
    #expect(table.place(for: a + a, excluding: []) == .init(slot: 0, shared: 0, source: 0))
  }

  @Test func noPlaceIsLeftWhenAllSlotsAreTaken() {
    var table = SlotTable(slots: 1)
    table.take(.init(slot: 0, shared: 0, source: 0), for: a)
    #expect(table.place(for: a, excluding: []) == nil && table.idleCount == 0)
  }
}
