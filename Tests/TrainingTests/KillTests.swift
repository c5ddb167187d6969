// A run whose process is killed, in pretraining and again in GRPO, ends in the same bytes once it is resumed.
import Checkpoints
import Foundation
import Tensors
import Testing

/// One run of a recipe in a directory of runs of its own.
private struct KilledRun {
  let fathom: FathomProcess
  let runs: String

  /// The directory of the only run; nil before it is made.
  var directory: String? {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: runs)) ?? []
    return names.map { "\(runs)/\($0)" }.first { FileManager.default.fileExists(atPath: "\($0)/recipe.yaml") }
  }
  func newestStep(of node: String) -> Int? {
    directory.flatMap { try? DurableDirectory.newest(in: "\($0)/\(node)/checkpoints") }?.step
  }
  func isFinished(_ node: String) -> Bool {
    directory.map { FileManager.default.fileExists(atPath: "\($0)/\(node)/artifact.json") } ?? false
  }
  func model(of node: String) throws -> Data { try bytes("\(#require(directory))/\(node)/final") }

  func start(_ recipe: String) async throws -> FathomProcess.Ending {
    try await fathom.run(["run", recipe, "--runs", runs, "--threads", "1"], log: "\(runs).log")
  }
  func resume() async throws -> FathomProcess.Ending {
    try await fathom.run(["run", "--resume", "latest", "--runs", runs, "--threads", "1"], log: "\(runs).log")
  }

  /// Starts or resumes, and kills as soon as `node` has the checkpoint of `step` and `delay` has passed.
  func kill(_ arguments: [String], in node: String, after step: Int, delay: Duration) async throws -> FathomProcess.Ending {
    var seen: ContinuousClock.Instant?
    return try await fathom.run(arguments + ["--runs", runs, "--threads", "1"], log: "\(runs).log") {
      if seen == nil, let newest = newestStep(of: node), newest >= step { seen = .now }
      return seen.map { .now - $0 >= delay } ?? false
    }
  }
}

@Suite struct KillTests {
  /// With β and the losses of the family, weights move at every step, whatever the answers are worth.
  private static let recipe = """
    name: tiny
    seed: 3
    stages:
      corpus:
        stage: corpus
        documents: {name: knights-and-knaves, settings: {people: [{people: 2}]}}
        count: 60
        vocabularySize: 300
        preTokenizer: whitespace
      base:
        stage: pretrain
        from: corpus
        steps: 40
        batchTokens: 128
        sequenceLength: 64
        saveEvery: 2
        optimizer: {kind: muon, learningRate: 0.003, schedule: {warmupSteps: 4, decayFraction: 0.5}}
        model: \(TinyModel.section.replacing("\n", with: " ").replacing("embeddings: 64", with: "embeddings: 192"))
      thinker:
        stage: grpo
        from: base
        problems: {name: knights-and-knaves, settings: {people: [2], distinctEvaluations: 10}}
        steps: 16
        promptsPerStep: 2
        groupSize: 4
        maxTokens: 12
        beta: 0.05
        objective: {mtpLossWeight: 0.3, balanceLossWeight: 0.001, biasUpdateRate: 0.001}
        evaluateEvery: 4
        evaluationCount: 4
        saveEvery: 1
    """

  @Test(.timeLimit(.minutes(10)), arguments: [2026, 11] as [UInt64])
  func aRunKilledInEveryTrainingStageEndsInTheSameBytes(seed: UInt64) async throws {
    let shop = try Workshop()
    let fathom = try FathomProcess()
    let recipe = "\(shop.directory)/tiny.yaml"
    try Self.recipe.write(toFile: recipe, atomically: true, encoding: .utf8)
    let whole = KilledRun(fathom: fathom, runs: "\(shop.directory)/whole")
    let undisturbed = try await whole.start(recipe)
    try #require(undisturbed.status == 0 && !undisturbed.wasKilled, "\(undisturbed.said)")

    var random = RandomStream(seed: seed)
    let disturbed = KilledRun(fathom: fathom, runs: "\(shop.directory)/disturbed")
    let (base, thinker) = (2 * random.number(in: 1..<8), random.number(in: 1..<7))
    let delays = (0..<2).map { _ in Duration.microseconds(random.number(in: 0..<20_000)) }
    let first = try await disturbed.kill(["run", recipe], in: "base", after: base, delay: delays[0])
    try #require(first.wasKilled && !disturbed.isFinished("base"), "not killed while pretraining: \(first.said)")
    let second = try await disturbed.kill(
      ["run", "--resume", "latest"], in: "thinker", after: thinker, delay: delays[1])
    try #require(second.wasKilled && !disturbed.isFinished("thinker"), "not killed in GRPO: \(second.said)")
    #expect(disturbed.isFinished("base"))
    let last = try await disturbed.resume()
    try #require(last.status == 0 && !last.wasKilled, "\(last.said)")
    #expect(last.said.contains("continuing after step"), "\(last.said)")

    #expect(try disturbed.model(of: "base") == whole.model(of: "base"))
    #expect(try disturbed.model(of: "thinker") == whole.model(of: "thinker"))
    #expect(try whole.model(of: "thinker") != whole.model(of: "base"), "nothing was learnt, so nothing is compared")
  }
}
