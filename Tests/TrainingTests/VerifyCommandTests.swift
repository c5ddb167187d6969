// `fathom verify` as a process: what it prints for a recipe that holds, and how it ends for one that cannot be verified.
import Foundation
import Testing

@Suite struct VerifyCommandTests {
  private static let texts = TinyRecipe.texts(5000)
  private static let base = TinyRecipe.base(
    positions: 192, "steps: 4000", "batchTokens: 512", "microBatchTokens: 200",
    "optimizer: {kind: muon, learningRate: 0.003, schedule: {warmupSteps: 4, decayFraction: 0.5}}")
  private static func thinker(_ form: String) -> String {
    TinyRecipe.thinker("promptsPerStep: 16", "attentionForm: \(form)")
  }

  /// What a verification prints and how it ends.
  private func verify(
    _ recipe: String, _ arguments: String...
  ) async throws -> (ending: FathomProcess.Ending, report: [String: Any]) {
    let (fathom, shop) = (try FathomProcess(), try Workshop())
    defer { shop.remove() }
    let file = "\(shop.directory)/mine.yaml"
    try recipe.write(toFile: file, atomically: true, encoding: .utf8)
    let ending = try await fathom.run(["verify", file] + arguments, log: "\(shop.directory)/log")
    let line = ending.said.split(whereSeparator: \.isNewline).first { $0.hasPrefix("{") }
    let report = try line.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
    return (ending, (report ?? nil) ?? [:])
  }

  @Test(.timeLimit(.minutes(5))) func aRecipeThatHoldsIsProven() async throws {
    let recipe = TinyRecipe.of(Self.texts, Self.base, Self.thinker("textbook"))
    let (ending, report) = try await verify(recipe, "--json", "--documents", "20", "--steps", "5")
    #expect(ending.status == 0, "\(ending.said)")
    #expect(report["holds"] as? Bool == true && report["documents"] as? Int == 20)
    let loss = try #require(report["loss"] as? [String: Any])
    let rows = try #require(loss["arrangements"] as? [[String: Any]])
    #expect(loss["stage"] as? String == "base" && rows.count == 9)
    #expect(rows.allSatisfy { $0["differing_tokens"] as? Int == 0 && ($0["targets"] as? Int ?? 0) > 50 })
    #expect(rows.filter { $0["threads"] != nil }.map { $0["has_equal_gradients"] as? Bool } == [true])
    let resume = try #require(report["resume"] as? [String: Any])
    let straight = try #require(resume["straight"] as? [String: String])
    #expect(straight["weights"]?.count == 64 && straight == resume["resumed"] as? [String: String])
    #expect(resume["stopped_after"] as? Int == 2 && straight != resume["halfway"] as? [String: String])
    let rollouts = try #require(report["rollouts"] as? [String: Any])
    let rounds = try #require(rollouts["rounds"] as? [[String: Any]])
    #expect(rounds.map { $0["answers"] as? Int } == [16, 16] && rounds.map { $0["mismatches"] as? Int } == [0, 0])
    #expect(rounds.allSatisfy { $0["differing_choices"] as? Int == 0 && $0["unreported_answers"] as? Int == 0 })
  }

  @Test(.timeLimit(.minutes(5))) func peopleReadATable() async throws {
    let recipe = TinyRecipe.of(Self.texts, Self.base, Self.thinker("absorbed"))
    let (ending, _) = try await verify(recipe, "--steps", "2")
    #expect(ending.status == 0, "\(ending.said)")
    for text in [
      "stage 'base' on 64 documents", "8 micro-batches, another order", "one by one", "resumed after 1",
      "not promised (absorbed)", "Everything holds.",
    ] { #expect(ending.said.contains(text), "\(text) is not in \(ending.said)") }
    #expect(!ending.said.contains("differs"))
  }

  @Test func aRecipeWithoutPretrainingIsRefused() async throws {
    let (ending, report) = try await verify(TinyRecipe.of(Self.texts))
    #expect(ending.status == 2 && report.isEmpty)
    #expect(ending.said.contains("has no stage 'pretrain'") && ending.said.contains("found corpus"), "\(ending.said)")
  }

  @Test func aSingleStepCannotBeStoppedHalfWay() async throws {
    let (ending, _) = try await verify(TinyRecipe.of(Self.texts, Self.base), "--steps", "1")
    #expect(ending.status == 2 && ending.said.contains("--steps is 1"), "\(ending.said)")
  }
}
