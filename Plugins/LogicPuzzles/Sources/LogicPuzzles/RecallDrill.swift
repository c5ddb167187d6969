// Texts that say a puzzle's sentences again, in any order: they teach a small model to find what somebody said. Worked
// solutions quote the first sentence in every try and the last in few, so that it is learnt late.
import Tensors

enum RecallDrill {
  /// The question, then `A: Cat says Ann is a knight . Ann says Bob is a knave .`: two sentences for each person, drawn
  /// anew each time. It has no `<think>`, so that a model that is asked to think does not drill.
  static func text(_ puzzle: Puzzle, using stream: inout RandomStream) -> String {
    let people = puzzle.names.count
    let sentences = (0..<2 * people).map { _ in
      PuzzleText.compactSentence(puzzle, stream.below(people))
    }
    return "Q: \(PuzzleText.question(puzzle))\nA: \(sentences.joined(separator: " . ")) ."
  }
}
