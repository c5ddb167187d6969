// Training texts: every check is right, complete ones end with the solution, and none tells of an evaluation puzzle.
import Datasets
import LogicPuzzles
import Plugins
import Recipes
import Rewards
import Testing

private func corpus(_ change: (inout PuzzleCorpus.Settings) -> Void = { _ in }) throws -> PuzzleCorpus {
  var settings = PuzzleCorpus.Settings()
  change(&settings)
  return try PuzzleCorpus(settings)
}

@Suite struct CorpusTests {
  @Test(arguments: Difficulty.allCases, 2...5)
  func completeTextsAreRightInEveryWord(_ difficulty: Difficulty, _ people: Int) throws {
    let source = try corpus {
      ($0.difficulty, $0.people, $0.fullShare) = (difficulty, [PeopleShare(people, weight: 1)], 1)
    }
    var checks = 0
    for index in 0..<150 {
      let text = try source.document(index)
      let document = try #require(ReadDocument(text), "\(text)")
      let (problem, count) = mistake(in: document)
      #expect(problem == nil, "\(text)")
      #expect(document.solutions == [document.answer], "\(text)")
      checks += count
    }
    #expect(checks >= 150 * people, "\(checks)")
  }

  @Test(arguments: Difficulty.allCases) func lazyTextsAreRightAsFarAsTheyGo(_ difficulty: Difficulty) throws {
    let source = try corpus { ($0.difficulty, $0.fullShare, $0.lazyProbability) = (difficulty, 0, 0.3) }
    var (right, wrong) = (0, 0)
    for index in 0..<500 {
      let text = try source.document(index)
      let document = try #require(ReadDocument(text), "\(text)")
      #expect(mistake(in: document).problem == nil, "\(text)")
      if document.solutions == [document.answer] { right += 1 } else { wrong += 1 }
    }
    #expect(right > 50 && wrong > 150, "\(right) right, \(wrong) wrong")
  }

  @Test func theLaziestWriterGuessesThatAllAreKnights() throws {
    let source = try corpus { ($0.fullShare, $0.lazyProbability) = (0, 1) }
    for index in 0..<50 {
      let document = try #require(ReadDocument(try source.document(index)))
      let guess = document.sentences.map { "\($0.speaker)=knight" }.joined(separator: " ")
      #expect(document.answer == guess)
      #expect(document.thinking.joined(separator: " ") == "try \(guess) .")
    }
  }

  /// A document by hand, from the puzzle to its last word.
  @Test func aTextByHand() throws {
    let puzzle = try Puzzle(names: ["Dee", "Ann"], statements: [.lying(1), .not(.sameKind(0, as: 1))])
    let writer = TraceWriter(puzzle)
    #expect(
      writer.document(writer.completeTrace())
        == "Q: Dee says Ann is a knave . Ann says Dee is not my kind\nA:<think>"
        + " try Dee=knight Ann=knight . Dee says Ann is a knave ; Ann Ann=knight false ; Dee Dee=knight wait ."
        + " try Dee=knight Ann=knave . Dee says Ann is a knave ; Ann Ann=knave true ; Dee Dee=knight fits ."
        + " Ann says Dee is not my kind ; Dee Dee=knight ; Ann Ann=knave differ true wait ."
        + " try Dee=knave Ann=knight . Dee says Ann is a knave ; Ann Ann=knight false ; Dee Dee=knave fits ."
        + " Ann says Dee is not my kind ; Dee Dee=knave ; Ann Ann=knight differ true fits ."
        + "</think><answer> Dee=knave Ann=knight</answer>")
  }

  @Test func noDocumentTellsOfAnEvaluationPuzzle() throws {
    var learnt: Set<PuzzleKey> = []
    for seed in 0..<3 {
      let source = try corpus { $0.seed = seed }
      for index in 0..<1500 {
        let puzzle = try #require(ReadDocument(try source.document(index))?.puzzle)
        learnt.insert(PuzzleKey(puzzle))
      }
    }
    #expect(learnt.count > 2000, "\(learnt.count)")
    #expect(learnt.allSatisfy { $0.split == .train })
    var settings = PuzzleProblems.Settings()
    settings.distinctEvaluations = 1000
    let problems = try PuzzleProblems(settings)
    for index in 0..<3000 {
      let question = try problems.problem(index, split: .evaluation).prompt
      let puzzle = try #require(ReadDocument("\(question) x</think><answer> x</answer>")?.puzzle)
      #expect(!learnt.contains(PuzzleKey(puzzle)) && PuzzleKey(puzzle).split == .evaluation)
    }
  }

  @Test func documentsAreAFunctionOfTheirNumber() throws {
    let source = try corpus { $0.drillShare = 0.2 }
    let texts = try (0..<200).map(source.document)
    let again = try corpus { $0.drillShare = 0.2 }
    #expect(try texts.reversed() == (0..<200).reversed().map(again.document))
    #expect(Set(texts).count > 190)
    _ = try source.document(.max)
    _ = try source.document(.min)
  }

  @Test func sharesAreKept() throws {
    let source = try corpus {
      ($0.people, $0.drillShare) = ([PeopleShare(2, weight: 6), PeopleShare(4, weight: 2)], 0.25)
    }
    var counts: [Int: Int] = [:]
    for index in 0..<2000 { counts[ReadDocument(try source.document(index))?.sentences.count ?? 0, default: 0] += 1 }
    // Expected 500 drills, 1125 and 375 puzzles; five standard deviations are at most 112.
    #expect(abs(counts[0, default: 0] - 500) < 112 && abs(counts[2, default: 0] - 1125) < 112, "\(counts)")
    #expect(abs(counts[4, default: 0] - 375) < 112 && counts.count == 3, "\(counts)")
  }

  @Test func drillsLookUpTheLatestTry() throws {
    let source = try corpus { $0.drillShare = 1 }
    var lookUps = 0
    for index in 0..<200 {
      var isKnight: [String: Bool] = [:]
      for part in try source.document(index).split(separator: ".") {
        for clause in part.split(separator: ";") {
          let words = clause.split(separator: " ")
          if words.first == "try" {
            isKnight = Dictionary(uniqueKeysWithValues: words.compactMap(ownerAndKind).map { ($0.owner, $0.isKnight) })
          } else if words.count == 2 {
            let fact = try #require(ownerAndKind(words[1]))
            #expect(String(words[0]) == fact.owner && isKnight[fact.owner] == fact.isKnight)
            lookUps += 1
          } else {
            #expect(words.isEmpty)
          }
        }
      }
    }
    #expect(lookUps > 600, "\(lookUps)")
  }

  @Test func recallDrillsSayTheQuestionsSentences() throws {
    let source = try corpus { ($0.recallShare, $0.people) = (1, [PeopleShare(3, weight: 1)]) }
    var said = [0, 0, 0]
    for index in 0..<200 {
      let parts = try source.document(index).split(separator: "\nA: ")
      #expect(parts.count == 2 && parts[0].hasPrefix("Q: ") && parts[1].hasSuffix(" ."))
      let question = parts[0].dropFirst("Q: ".count).split(separator: " . ")
      for sentence in parts[1].dropLast(" .".count).split(separator: " . ") {
        said[try #require(question.firstIndex(of: sentence), "\(sentence)")] += 1
      }
    }
    // Six a text: 400 of each expected; five standard deviations are 82.
    #expect(said.allSatisfy { abs($0 - 400) < 82 }, "\(said)")
    // One in four of the puzzles that are no look-up drills.
    let mixed = try corpus { $0.recallShare = 0.25 }
    let drills = try (0..<2000).count(where: { try !mixed.document($0).contains("<think>") })
    #expect(abs(drills - 500) < 97, "\(drills)")
  }

  @Test func longTextsAreDrawnAgain() throws {
    let source = try corpus { ($0.fullShare, $0.longestText) = (1, 100) }
    for index in 0..<200 {
      let words = try source.document(index).split(whereSeparator: \.isWhitespace).count
      #expect(words <= 100)
    }
    let impossible = try corpus { ($0.fullShare, $0.longestText) = (1, 5) }
    #expect(throws: PuzzleError.self) { try impossible.document(0) }
  }

  @Test(arguments: [
    ("names: 2", "corpus.names"), ("people: []", "corpus.people"), ("people: [{people: 9}]", "corpus.people[0].people"),
    ("people: [{people: 3, weight: -1}]", "corpus.people[0].weight"),
    ("lazyProbability: 1.5", "corpus.lazyProbability"), ("recallShare: -1", "corpus.recallShare"),
    ("fullShare: .nan", "corpus.fullShare"), ("difficulty: hard", "expected one of simple, logic"),
    ("lazy: 1", "corpus.lazy: no such setting"),
  ])
  func badSettingsAreNamedByTheirPath(_ yaml: String, _ expected: String) throws {
    let documents = try Registry([LogicPuzzles()]).documents
    let error = #expect(throws: ConfigError.self) {
      try documents.make("knights-and-knaves", ConfigTree(yaml: yaml), at: "corpus")
    }
    #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
  }
}
