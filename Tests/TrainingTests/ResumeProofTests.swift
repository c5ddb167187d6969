// The proof of a resumed run holds for the stages that train, and fails for one that forgets something.
import Foundation
import Optimizers
import ProcessGraph
import Recipes
import Testing
import TrainingStages

/// Goes on with another learning rate than it began with, as a stage would that has lost its place in the schedule.
private struct ForgetfulStage: Stage {
  let name = "forgetful"
  let settings = ConfigTree.table([:])

  func run(_ input: CorpusArtifact, in context: RunContext) async throws -> CheckpointArtifact {
    let isContinued = FileManager.default.fileExists(atPath: "\(context.directory)/checkpoints")
    return try await Workshop.pretraining(steps: 5) {
      $0.optimizer.learningRate = isContinued ? 0.011 : 0.01
    }.run(input, in: context)
  }
}

@Suite struct ResumeProofTests {
  @Test(arguments: [1, 2, 4]) func aStoppedPretrainingIsProven(step: Int) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let corpus = try await shop.letters()
    let stage = try Workshop.pretraining(steps: 5) { $0.optimizer.kind = .muon }
    let proof = try await ResumeProof.measure(stage, on: corpus, stoppingAfter: step, in: shop.run("proof"))
    #expect(proof.holds && proof.straight == proof.resumed && proof.stoppedAfter == step)
    #expect(proof.halfway.weights != proof.straight.weights && proof.halfway.optimizer != proof.straight.optimizer)
    // The digest is that of the weights which the same stage makes elsewhere.
    let alone = try await shop.run("alone").perform(stage, on: corpus)
    #expect(proof.straight.weights == alone.fingerprint && proof.model.fingerprint == alone.fingerprint)
  }

  @Test func aStoppedGRPOIsProven() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    // β keeps weights moving whatever the answers are worth.
    let stage = try GRPO(Workshop.reasoning(steps: 3) { ($0.beta, $0.objective.mtpLossWeight) = (0.04, 0.1) })
    let proof = try await ResumeProof.measure(stage, on: shop.base(), stoppingAfter: 2, in: shop.run("proof"))
    #expect(proof.holds, "\(proof)")
  }

  @Test func aStageThatForgetsItsSettingsIsFound() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let proof = try await ResumeProof.measure(
      ForgetfulStage(), on: shop.letters(), stoppingAfter: 2, in: shop.run("proof"))
    #expect(!proof.holds && proof.straight.weights != proof.resumed.weights)
  }

  @Test(arguments: [5, 9]) func aStopThatIsNoneIsRefused(step: Int) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let corpus = try await shop.letters()
    let sentence = await message {
      _ = try await ResumeProof.measure(
        Workshop.pretraining(steps: 5), on: corpus, stoppingAfter: step, in: shop.run("proof"))
    }
    #expect(sentence.contains("after step \(step) of 5"), "\(sentence)")
  }

  /// Ctrl-C is no stop of the proof's own: it ends the whole.
  @Test func aCancelledProofIsCancelled() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let corpus = try await shop.letters()
    let run = shop.run("proof", progress: CancellingProgress(step: 2))
    let proof = await Task {
      try await ResumeProof.measure(Workshop.pretraining(steps: 5), on: corpus, stoppingAfter: 3, in: run)
    }.result
    #expect(throws: CancellationError.self) { try proof.get() }
  }
}
