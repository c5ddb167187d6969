// Texts that are nothing but tries and look-ups: they teach a small model to find a person's kind in the latest try,
// which is what its worked solutions stand on.
import Tensors

enum LookUpDrill {
  /// ` try Ann=knight Bob=knave . ; Bob Bob=knave ; Ann Ann=knight .`, one to three times over, about the same people.
  static func text(names: [String], people: Int, using stream: inout RandomStream) -> String {
    let names = stream.sample(min(people, names.count), of: names)
    var words: [String] = []
    for _ in 0...stream.below(3) {
      let assignment = Assignment(number: stream.below(1 << names.count), people: names.count)
      words += ["try", PuzzleText.answer(assignment, names: names), "."]
      for _ in 0..<2 + stream.below(3) {
        words += [";"] + TraceWriter.lookUp(stream.below(names.count), in: assignment, names: names)
      }
      words.append(".")
    }
    return words.map { " \($0)" }.joined()
  }
}
