// Lines of random letters as documents, problems and a reward: the smallest thing that can be learnt and rewarded.
import Datasets
import Plugins
import Recipes
import Rewards
import Tensors

/// Brings the three under one name.
struct LetterParts: Plugin {
  static let partName = "letters"
  private struct NoSettings: Configuration {}

  let name = "letter-parts"
  func register(in registry: inout Registry) throws {
    try registry.documents.add(Self.partName, configuredBy: NoSettings.self) { _ in LetterDocuments() }
    try registry.problems.add(Self.partName, configuredBy: NoSettings.self) { _ in LetterProblems() }
    try registry.rewards.add(Self.partName, configuredBy: NoSettings.self) { _ in LetterShare() }
  }
}

/// `Qdabbca`: two to nine letters after a mark.
struct LetterDocuments: DocumentSource {
  let name = LetterParts.partName
  let count: Int? = 48
  let endOfDocument = "<eos>"
  let specialTokens = ["<eos>"]
  let promptTemplate: String? = nil

  func document(_ index: Int) -> String {
    var random = RandomStream(seed: 11, path: UInt64(index))
    let count = random.number(in: 2..<10)
    return "Q" + (0..<count).map { _ in ["a", "b", "c", "d"][random.number(in: 0..<4)] }.joined()
  }
}

/// Prompts of different length: a mark and up to three letters to continue.
struct LetterProblems: ProblemSource {
  let name = LetterParts.partName
  func problem(_ index: Int, split: Split) -> Problem {
    let start = ["", "b", "cd", "dcb"][index % 4]
    return Problem(
      id: "letters-\(split.rawValue)-\(index)", prompt: "Q\(start)", question: start, answer: "a",
      verifier: "exact-match")
  }
}

/// The share of an answer's characters that are `a`.
struct LetterShare: Reward {
  let name = LetterParts.partName
  func score(_ response: Response, of problem: Problem) -> Score {
    .score(Double(response.text.count { $0 == "a" }) / Double(max(response.text.count, 1)))
  }
}
