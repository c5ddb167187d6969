// `fathom convert` as a process: what its check says of the output is what `fathom perplexity` finds, and decides how the
// command ends.
import Foundation
import Testing

@Suite struct ConvertCommandTests {
  private static let recipe = TinyRecipe.of(
    TinyRecipe.texts(200),
    TinyRecipe.base("steps: 20", "batchTokens: 512", "optimizer: {kind: muon, learningRate: 0.01}"))
  private static let text = "A says that B is a knave. B says that A and B are both knights.\n"

  /// What the check printed: perplexities before and after, and the growth in percent.
  private func figures(_ said: String) throws -> [Double] {
    let line = try #require(said.split(whereSeparator: \.isNewline).first { $0.contains("perplexity of") }, "\(said)")
    let pattern = /: ([\d.]+) before, ([\d.]+) after \(([+-][\d.]+) %\)/
    let match = try #require(try pattern.firstMatch(in: String(line)), "\(line)")
    return [match.1, match.2, match.3].compactMap { Double($0) }
  }

  @Test(.timeLimit(.minutes(5))) func theCheckIsWhatPerplexityFindsAndEndsTheCommand() async throws {
    let (fathom, shop) = (try FathomProcess(), try Workshop())
    defer { shop.remove() }
    let place = { (name: String) in "\(shop.directory)/\(name)" }
    try Self.recipe.write(toFile: place("mine.yaml"), atomically: true, encoding: .utf8)
    try String(repeating: Self.text, count: 6).write(toFile: place("text"), atomically: true, encoding: .utf8)
    func run(_ arguments: String...) async throws -> FathomProcess.Ending {
      try await fathom.run(arguments + ["--threads", "1"], log: place("log"))
    }
    func perplexity(_ model: String) async throws -> Double {
      let said = try await run("perplexity", model, "--file", place("text"), "--json").said
      let line = try #require(said.split(whereSeparator: \.isNewline).first { $0.hasPrefix("{") }, "\(said)")
      let report = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return try #require(report?["perplexity"] as? Double)
    }
    let trained = try await run("run", place("mine.yaml"), "--runs", place("runs"))
    try #require(trained.status == 0, "\(trained.said)")
    let id = try #require(
      try FileManager.default.contentsOfDirectory(atPath: place("runs")).first {
        FileManager.default.fileExists(atPath: place("runs/\($0)/base/final"))
      })
    let model = place("runs/\(id)/base/final")

    let same = try await run("convert", model, place("same.gguf"), "--check", place("text"))
    #expect(same.status == 0 && same.said.contains("the same to the last bit"), "\(same.said)")

    let coarse = ["convert", model, "--type", "q4_0", "--check", place("text"), "--threads", "1", "--check-limit"]
    let within = try await fathom.run(coarse + ["1000", place("within.gguf")], log: place("log"))
    #expect(within.status == 0 && within.said.contains("within the limit"), "\(within.said)")
    let found = try figures(within.said)
    let (before, after) = (try await perplexity(model), try await perplexity(place("within.gguf")))
    #expect(abs(found[0] - before) < 1e-4 && abs(found[1] - after) < 1e-4, "\(found) against \(before) and \(after)")
    #expect(abs(found[2] - (after / before - 1) * 100) < 0.01 && found[2] != 0)

    // A limit below what was lost is passed, and one above what was gained is not.
    let isWorse = found[2] > 0
    let limit = isWorse ? "\(found[2] / 2)" : "0"
    let judged = try await fathom.run(coarse + [limit, place("judged.gguf")], log: place("log"))
    #expect(judged.status == (isWorse ? 1 : 0), "\(judged.said)")
    #expect(judged.said.contains("stays where it is") == isWorse, "\(judged.said)")
    #expect(FileManager.default.contentsEqual(atPath: place("judged.gguf"), andPath: place("within.gguf")))
  }
}
