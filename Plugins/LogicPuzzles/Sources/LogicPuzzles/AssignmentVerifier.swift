// Reads who is what, as models and people write it, and compares it with the solution.
import Rewards

/// 1 when everybody is named exactly once with the right kind, 0 when a kind is wrong, invalid for everything else.
/// Reads `Dee=knight Ann=knave` and `Dee is a knight, Ann is a knave.`, in any order.
public struct AssignmentVerifier: Verifier {
  public init() {}

  public func verify(_ answer: String, against problem: Problem) -> Score {
    let solution: [String: Kind]
    do {
      solution = try AssignmentText(problem.answer).kinds()
    } catch {
      return .abstain("the problem's own answer cannot be read: \(error)")
    }
    guard !solution.isEmpty else { return .abstain("the problem's own answer names nobody") }
    do {
      let kinds = try AssignmentText(answer).kinds(of: Set(solution.keys))
      if let missing = solution.keys.sorted().first(where: { kinds[$0] == nil }) {
        return .invalid("the answer does not say what \(missing) is")
      }
      return .score(kinds == solution ? 1 : 0)
    } catch {
      return .invalid("\(error)")
    }
  }
}

/// A text of the form name `=` kind, or name `is a` kind, again and again, with commas, full stops, semicolons, "and",
/// line breaks or numbers like (1) between. Stops at the first word that does not belong.
struct AssignmentText {
  private let bytes: [UInt8]
  private var position = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  /// Everybody's kind. With `people`, only these may be named.
  func kinds(of people: Set<String>? = nil) throws -> [String: Kind] {
    var reader = self
    var kinds: [String: Kind] = [:]
    while let name = reader.nextWord(skippingSeparators: true) {
      if let people, !people.contains(name) {
        throw PuzzleError("the answer speaks of '\(name.prefix(20))', who is not in the puzzle")
      }
      guard reader.passesVerb(), let kind = reader.nextWord().flatMap(Kind.init(rawValue:)) else {
        throw PuzzleError(
          "the answer does not say what \(name.prefix(20)) is: expected =knight or =knave after the name")
      }
      guard kinds.updateValue(kind, forKey: name) == nil else {
        throw PuzzleError("the answer says twice what \(name.prefix(20)) is")
      }
    }
    return kinds
  }

  /// `=` or `is a`.
  private mutating func passesVerb() -> Bool {
    let verb = nextWord()
    return verb == "=" || verb == "is" && nextWord() == "a"
  }

  /// The next word, or "=" which is a word by itself. Separators before it are passed over only where they may stand.
  private mutating func nextWord(skippingSeparators: Bool = false) -> String? {
    while true {
      while position < bytes.count, isSpace(bytes[position]) || skippingSeparators && isSeparator(bytes[position]) {
        position += 1
      }
      guard position < bytes.count else { return nil }
      let start = position
      position += 1
      if bytes[start] != UInt8(ascii: "="), !isSeparator(bytes[start]) {
        while position < bytes.count, !endsWord(bytes[position]) { position += 1 }
      }
      let word = bytes[start..<position]
      if skippingSeparators, word.elementsEqual("and".utf8) || isNumber(word) { continue }
      return String(decoding: word, as: UTF8.self)
    }
  }

  private func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || (9...13).contains(byte) }

  private func isSeparator(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ",") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ";")
  }

  private func endsWord(_ byte: UInt8) -> Bool { isSpace(byte) || isSeparator(byte) || byte == UInt8(ascii: "=") }

  /// `(1)`, as lists have.
  private func isNumber(_ word: ArraySlice<UInt8>) -> Bool {
    word.count == 3 && word.first == UInt8(ascii: "(") && word.last == UInt8(ascii: ")")
      && (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(word[word.startIndex + 1])
  }
}
