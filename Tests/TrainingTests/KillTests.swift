// A run whose process is killed, in pretraining and again in GRPO, ends in the same bytes once it is resumed.
import Checkpoints
import Foundation
import Synchronization
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

  /// `fathom run` with these arguments, to its end.
  func perform(_ arguments: String...) async throws -> FathomProcess.Ending {
    try await fathom.run(command(arguments), log: "\(runs).log")
  }

  /// The same, killed as soon as `node` has the checkpoint of `moment.step` and `moment.delay` has passed. False when
  /// the node was finished before.
  func isKilled(in node: String, at moment: KillMoment, _ arguments: String...) async throws -> Bool {
    let seen = Mutex<ContinuousClock.Instant?>(nil)
    let ending = try await fathom.run(command(arguments), log: "\(runs).log") {
      let isThere = newestStep(of: node).map { $0 >= moment.step } ?? false
      return seen.withLock { seen in
        if isThere && seen == nil { seen = .now }
        return seen.map { .now - $0 >= moment.delay } ?? false
      }
    }
    try #require(ending.wasKilled || ending.status == 0, "\(ending.said)")
    return ending.wasKilled && !isFinished(node)
  }

  private func command(_ arguments: [String]) -> [String] { ["run"] + arguments + ["--runs", runs, "--threads", "1"] }
}

/// When a process is killed: how long after which checkpoint.
private struct KillMoment {
  let step: Int
  let delay: Duration
  init(_ random: inout RandomStream, steps: Range<Int>) {
    step = random.number(in: steps)
    delay = .microseconds(random.number(in: 0..<20_000))
  }
}

@Suite struct KillTests {
  /// With β and the losses of the family, weights move at every step, whatever the answers are worth.
  private static let recipe =
    "name: tiny\nseed: 3\n"
    + TinyRecipe.of(
      TinyRecipe.texts(60),
      TinyRecipe.base(
        positions: 192, "steps: 40", "batchTokens: 128", "saveEvery: 2",
        "optimizer: {kind: muon, learningRate: 0.003, schedule: {warmupSteps: 4, decayFraction: 0.5}}"),
      TinyRecipe.thinker(
        "steps: 16", "promptsPerStep: 2", "groupSize: 4", "beta: 0.05",
        "objective: {mtpLossWeight: 0.3, balanceLossWeight: 0.001, biasUpdateRate: 0.001}", "evaluateEvery: 4",
        "evaluationCount: 4", "saveEvery: 1"))

  /// Killed while pretraining, resumed and killed in GRPO. Nil when a stage was done before it could be killed.
  private func killedTwice(
    _ recipe: String, runs: String, fathom: FathomProcess, _ random: inout RandomStream
  ) async throws -> KilledRun? {
    let run = KilledRun(fathom: fathom, runs: runs)
    let (first, second) = (KillMoment(&random, steps: 2..<15), KillMoment(&random, steps: 1..<7))
    guard try await run.isKilled(in: "base", at: first, recipe) else { return nil }
    guard try await run.isKilled(in: "thinker", at: second, "--resume", "latest") else { return nil }
    return run
  }

  @Test(.timeLimit(.minutes(10)), arguments: [2026, 11] as [UInt64])
  func aRunKilledInEveryTrainingStageEndsInTheSameBytes(seed: UInt64) async throws {
    let fathom = try FathomProcess()
    let shop = try Workshop()
    defer { shop.remove() }
    let recipe = "\(shop.directory)/tiny.yaml"
    try Self.recipe.write(toFile: recipe, atomically: true, encoding: .utf8)
    let whole = KilledRun(fathom: fathom, runs: "\(shop.directory)/whole")
    let undisturbed = try await whole.perform(recipe)
    try #require(undisturbed.status == 0 && !undisturbed.wasKilled, "\(undisturbed.said)")

    var random = RandomStream(seed: seed)
    var killed: KilledRun?
    for attempt in 0..<5 where killed == nil {
      killed = try await killedTwice(recipe, runs: "\(shop.directory)/killed-\(attempt)", fathom: fathom, &random)
    }
    let disturbed = try #require(killed, "five times a stage was done before it could be killed")
    #expect(disturbed.isFinished("base") && !disturbed.isFinished("thinker"))
    let last = try await disturbed.perform("--resume", "latest")
    try #require(last.status == 0 && !last.wasKilled, "\(last.said)")
    #expect(last.said.contains("grpo: continuing after step"), "\(last.said)")

    #expect(try disturbed.model(of: "base") == whole.model(of: "base"))
    #expect(try disturbed.model(of: "thinker") == whole.model(of: "thinker"))
    #expect(try whole.model(of: "thinker") != whole.model(of: "base"), "nothing was learnt, so nothing is compared")
  }
}
