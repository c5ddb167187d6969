// What the chat page's puzzle button gives: new puzzles of the side that no model was trained on.
import Datasets
import HTTPServing
import LanguageModels
import LogicPuzzles
import Text

/// Draws evaluation puzzles with the names and sizes that small models are trained with.
struct ChatPuzzles: PuzzleSource {
  let people: ClosedRange<Int>
  private let generator: PuzzleGenerator

  /// The generator's settings are those of the model's training.
  init(people: ClosedRange<Int> = 2...3, generator: PuzzleGenerator) {
    (self.people, self.generator) = (people, generator)
  }

  /// Puzzles for a model that was trained on them; nil for any other, whose template asks differently.
  init?(for directory: ModelDirectory) throws {
    guard let template = try directory.template() as? PlainTemplate, template.text == PuzzleText.promptTemplate else {
      return nil
    }
    self.init(generator: try PuzzleGenerator())
  }

  func puzzle(people: Int) async throws -> HTTPServing.Puzzle {
    let solved = try generator.puzzle(UInt64.random(in: 0...UInt64.max), people: people, split: .evaluation)
    return HTTPServing.Puzzle(
      question: PuzzleText.question(solved.puzzle),
      answer: PuzzleText.answer(solved.solution, names: solved.puzzle.names))
  }
}
