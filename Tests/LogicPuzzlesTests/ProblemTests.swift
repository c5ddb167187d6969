// Puzzles as problems: the gold answer earns full marks through the registry, silence none, and answers are read
// strictly but in any order.
import Datasets
import LogicPuzzles
import Plugins
import Recipes
import Rewards
import Testing
import Verifiers

@Suite struct ProblemTests {
  private let registry: Registry
  init() throws { registry = try Registry([StandardRewards(), LogicPuzzles()]) }

  private static let gold = Problem(
    id: "p", prompt: "", question: "", answer: "Dee=knight Ann=knave Bob=knave", verifier: "knights-and-knaves")

  @Test(arguments: Difficulty.allCases, Wording.allCases)
  func goldEarnsOneAndSilenceNothingForEveryReward(_ difficulty: Difficulty, _ wording: Wording) async throws {
    let settings = "{people: [2, 3, 5, 8], difficulty: \(difficulty.rawValue), wording: \(wording.rawValue)}"
    let source = try registry.problems.make("knights-and-knaves", ConfigTree(yaml: settings))
    #expect(!registry.rewards.names.isEmpty)
    for name in registry.rewards.names {
      let reward = try registry.reward(name)
      for index in 0..<20 {
        let problem = try source.problem(index, split: index % 2 == 0 ? .train : .evaluation)
        let gold = Response(text: " so</think><answer> \(problem.answer)</answer>", tokenCount: 9, isTruncated: false)
        #expect(try await reward.score(gold, of: problem) == .score(1), "\(name): \(problem.answer)")
        let silence = try await reward.score(Response(text: "", tokenCount: 0, isTruncated: false), of: problem)
        guard case .invalid = silence else {
          Issue.record("\(name) gives \(silence) for silence")
          continue
        }
      }
    }
  }

  @Test func problemsAreTheirPuzzles() throws {
    let source = try PuzzleProblems()
    for split in [Split.train, .evaluation] {
      for index in 0..<500 {
        let problem = try source.problem(index, split: split)
        #expect(problem.prompt == "Q: \(problem.question)\nA:<think>")
        let document = try #require(ReadDocument("\(problem.prompt) x</think><answer> \(problem.answer)</answer>"))
        #expect(document.solutions == [problem.answer])
        #expect(problem.facts["people"] == "\(index % 2 + 2)")
        #expect(try problem == source.problem(index, split: split))
      }
    }
  }

  @Test func evaluationProblemsAreDistinctAndNoneIsForTraining() throws {
    let source = try PuzzleProblems()
    let evaluation = try Set((0..<400).map { try source.problem($0, split: .evaluation).id })
    #expect(evaluation.count == 400)
    let train = try Set((0..<5000).map { try source.problem($0, split: .train).id })
    #expect(train.count > 2000, "\(train.count)")
    #expect(train.isDisjoint(with: evaluation))
  }

  @Test func negativeNumbersAreRefused() throws {
    #expect(throws: PuzzleError.self) { try PuzzleProblems().problem(-1, split: .train) }
    #expect(throws: Never.self) { try PuzzleProblems().problem(.max, split: .evaluation) }
  }

  @Test func englishIsWholeSentences() throws {
    let puzzle = try Puzzle(
      names: ["Ann", "Bob", "Cat"],
      statements: [
        .sameKind(1, as: 0), .implies(.lying(2), .tellingTruth(0)), .not(.and([.lying(0), .not(.lying(1))])),
      ])
    #expect(
      PuzzleText.question(puzzle, .english)
        == "On an island live only knights, who always tell the truth, and knaves, who always lie. "
        + "You meet 3 of them: Ann, Bob and Cat. Ann says: \"Bob is my kind.\" "
        + "Bob says: \"if Cat is a knave, then Ann is a knight.\" "
        + "Cat says: \"it is not true that (Ann is a knave and (it is not true that Bob is a knave)).\" "
        + "Who is a knight and who is a knave?")
    #expect(
      PuzzleText.question(puzzle)
        == "Ann says Bob is my kind . Bob says if Cat is a knave then Ann is a knight . "
        + "Cat says not ( Ann is a knave and ( not Bob is a knave ) )")
  }

  @Test(arguments: [
    "Dee=knight Ann=knave Bob=knave", " Bob=knave\nAnn=knave\tDee=knight ", "Dee=knight,Ann=knave,Bob=knave",
    "Dee = knight , Ann = knave ; Bob = knave .", "Dee is a knight, Ann is a knave, and Bob is a knave.",
    "Ann is a knave and Bob=knave and Dee is a knight", "(1) Dee is a knight\n(2) Ann is a knave\n(3) Bob is a knave",
  ])
  func rightAnswersAreReadInAnyOrder(_ answer: String) {
    #expect(AssignmentVerifier().verify(answer, against: Self.gold) == .score(1))
  }

  @Test(arguments: ["Dee=knave Ann=knave Bob=knave", "Bob is a knight, Dee is a knight, Ann is a knave"])
  func wrongAnswersEarnNothing(_ answer: String) {
    #expect(AssignmentVerifier().verify(answer, against: Self.gold) == .score(0))
  }

  @Test(arguments: [
    "", " ", ",", "and", "Dee", "Dee=", "=knight", "Dee=knight", "Dee=knight Ann=knave", "Dee=knight Ann=knave Bob",
    "Dee=knight Ann=knave Bob=knave Dee=knight", "Dee=knight Ann=knave Bob=knave Dee=knave",
    "Dee=knight Ann=knave Bob=knave Eve=knave", "Dee=knight Ann=knave Bob=knaves", "Dee=Knight Ann=knave Bob=knave",
    "Dee is not a knight, Ann is a knave, Bob is a knave", "Dee=knight=knave Ann=knave Bob=knave",
    "Dee==knight Ann=knave Bob=knave", "Dee=,knight Ann=knave Bob=knave", "Dee is. a knight Ann=knave Bob=knave",
    "Dee knight Ann knave Bob knave", "dee=knight ann=knave bob=knave", "Dee=knight Ann=knave Bob=knave or not",
    "Dee=knight\u{301} Ann=knave Bob=knave", "I think Dee=knight Ann=knave Bob=knave",
    "Dee and=knight Ann=knave Bob=knave",
  ])
  func anythingElseIsInvalid(_ answer: String) {
    guard case .invalid(let reason) = AssignmentVerifier().verify(answer, against: Self.gold) else {
      Issue.record("'\(answer)' was read")
      return
    }
    #expect(!reason.isEmpty)
  }

  @Test(arguments: [
    "Dee=knight ", "<answer>", " ", ",", "=", "a", "(1) ", "and ", "Dee is a ", "\u{301}", "\u{1F9E0}\u{200D}",
  ])
  func aMegabyteOfAnythingIsReadInLinearTime(_ piece: String) throws {
    let text = String(repeating: piece, count: 1_000_000 / piece.utf8.count)
    // A quadratic reader would need hours, so the bound can be generous on a busy machine.
    let taken = ContinuousClock().measure {
      for answer in [text, "Dee=knight Ann=knave Bob=knave \(text)", "Dee=knight \(text)"] {
        let score = AssignmentVerifier().verify(answer, against: Self.gold)
        if case .invalid = score { continue }
        #expect(score == .score(1), "only space, commas and the like may follow a full answer: \(piece)")
      }
    }
    #expect(taken < .seconds(60), "\(taken)")
  }

  @Test func anUnreadableReferenceMakesTheVerifierAbstain() {
    var problem = Self.gold
    for answer in ["", "42", "Dee=knight Dee=knave"] {
      problem.answer = answer
      guard case .abstain = AssignmentVerifier().verify("Dee=knight", against: problem) else {
        Issue.record("judged against '\(answer)'")
        continue
      }
    }
  }
}
