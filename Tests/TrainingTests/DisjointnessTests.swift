// No puzzle that a model is measured by is in the corpus it was pretrained on or among the problems it was rewarded
// for: seen from the far end, in the token file that was written and in the prompts that were sampled.
import Foundation
import LanguageModels
import LogicPuzzles
import Plugins
import ProcessGraph
import Recipes
import Rewards
import Synchronization
import Testing
import Text
import TrainingStages

@testable import Datasets

/// A puzzle as a reader knows it again: what everybody says, in any order.
private typealias Puzzle = Set<Substring>

/// The puzzle of a text or prompt; nil when there is none.
private func puzzle(_ text: String) -> Puzzle? {
  guard text.hasPrefix("Q: "), let end = text.range(of: "\nA:") else { return nil }
  return Set(text[..<end.lowerBound].dropFirst(3).split(separator: " . "))
}

/// Notes what it is asked, and answers without thinking.
private final class NotingGenerator: Generator {
  private let asked = Mutex<[[Prompt]]>([])
  var requests: [[Prompt]] { asked.withLock { $0 } }

  func complete(_ prompts: [Prompt], _ options: GenerationOptions) -> [Completion] {
    asked.withLock { $0.append(prompts) }
    return prompts.map { _ in
      Completion(tokens: [TokenID(0)], logProbabilities: [-1], text: "", finishReason: .stop)
    }
  }
  func stream(_ prompt: Prompt, _ options: GenerationOptions) -> AsyncThrowingStream<GenerationEvent, any Error> {
    AsyncThrowingStream { $0.finish() }
  }
  func adopt(_ model: any LanguageModel) {}
}

@Suite struct DisjointnessTests {
  private static let people = "{people: [2, 3, 3], distinctEvaluations: 600}"

  private func corpus(_ shop: Workshop) async throws -> CorpusArtifact {
    var settings = CorpusSettings()
    settings.documents = try PartChoice("knights-and-knaves", ConfigTree(yaml: "{seed: 4}"))
    (settings.count, settings.tokenizerDocuments) = (1500, 60)
    (settings.vocabularySize, settings.preTokenizer) = (400, .whitespace)
    return try await shop.run("shared").perform(PrepareCorpus(settings))
  }

  @Test func measuredPuzzlesAreInNoDocumentAndNoTrainingPrompt() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let corpus = try await corpus(shop)
    let (file, tokenizer) = (try TokenFile(corpus.directory), try ModelDirectory(corpus.directory).tokenizer())
    #expect(file.documentCount == 1500)
    let texts = (0..<1500).map { tokenizer.decode(file.document($0).map { TokenID(rawValue: $0) }) }
    let read = Set(try texts.map { try #require(puzzle($0)) })

    let asked = NotingGenerator()
    let base = try await shop.run("shared").perform(Workshop.pretraining(steps: 1), on: corpus)
    let settings = try Workshop.reasoning(steps: 15) {
      $0.problems = try PartChoice("knights-and-knaves", ConfigTree(yaml: Self.people))
      ($0.promptsPerStep, $0.groupSize, $0.evaluateEvery, $0.evaluationCount) = (100, 2, 15, 600)
    }
    _ = try await shop.run("grpo").perform(GRPO(settings, rollouts: asked), on: base)
    func puzzles(_ requests: [[Prompt]]) throws -> Set<Puzzle> {
      Set(try requests.joined().map { try #require(puzzle(tokenizer.decode($0.tokens))) })
    }
    // A rollout asks for both answers to a hundred problems at once.
    let measured = try puzzles(asked.requests.filter { $0.count != 200 })
    let rewarded = try puzzles(asked.requests.filter { $0.count == 200 })
    #expect(asked.requests.count { $0.count == 200 } == 15)
    #expect(measured.count == 600, "evaluation puzzles are all different")
    #expect(rewarded.count > 900 && read.count > 900, "\(rewarded.count) rewarded, \(read.count) read")
    #expect(measured.isDisjoint(with: read))
    #expect(measured.isDisjoint(with: rewarded))
    // Puzzles of two people are few, so that the training side meets itself: the comparison can find a common one.
    #expect(!rewarded.isDisjoint(with: read))
  }

  @Test func problemsOfTheTwoSidesShareNothingThatIsSaid() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let source = try shop.registry.problems.make("knights-and-knaves", ConfigTree(yaml: Self.people))
    let trained = Set(try (0..<3000).map { try #require(puzzle(source.problem($0, split: .train).prompt)) })
    let measured = Set(try (0..<2000).map { try #require(puzzle(source.problem($0, split: .evaluation).prompt)) })
    #expect(trained.count > 1500 && measured.count > 1000, "\(trained.count), \(measured.count)")
    #expect(trained.isDisjoint(with: measured))
  }
}
