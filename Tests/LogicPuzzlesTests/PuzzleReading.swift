// Reads puzzles and worked solutions back from their text, knowing nothing of how they were written.
// What a reader of the text understands is compared with what the solver knows.
import LogicPuzzles

/// A compact statement, understood from its words alone; nil when it is none.
func understood(_ words: some Collection<Substring>, by speaker: String, _ isKnight: [String: Bool]) -> Bool? {
  let words = Array(words)
  func truth(_ part: some Collection<Substring>) -> Bool? { understood(part, by: speaker, isKnight) }
  if words.first == "if", let then = words.firstIndex(of: "then") {
    guard let premise = truth(words[1..<then]), let conclusion = truth(words[(then + 1)...]) else { return nil }
    return conclusion || !premise
  }
  if let place = words.firstIndex(where: { ["and", "or", "iff"].contains($0) }) {
    guard let a = truth(words[..<place]), let b = truth(words[(place + 1)...]) else { return nil }
    return words[place] == "and" ? a && b : words[place] == "or" ? a || b : a == b
  }
  if words.first == "not" { return truth(words[1...]).map { !$0 } }
  guard let subject = words.first.flatMap({ isKnight[String($0)] }), let own = isKnight[speaker] else { return nil }
  switch words[1...].joined(separator: " ") {
  case "is a knight": return subject
  case "is a knave": return !subject
  case "is my kind": return subject == own
  case "is not my kind": return subject != own
  default: return nil
  }
}

/// A document as a reader sees it.
struct ReadDocument {
  /// What each person says, in order: name, words.
  var sentences: [(speaker: String, words: [Substring])]
  var thinking: [Substring]
  var answer: String

  /// Nil when the text is not question, thinking and answer.
  init?(_ text: String) {
    let parts = text.split(separator: "\nA:<think>", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].hasPrefix("Q: ") else { return nil }
    let sections = parts[1].split(separator: "</think><answer> ", omittingEmptySubsequences: false)
    guard sections.count == 2, sections[0].hasPrefix(" "), sections[1].hasSuffix("</answer>") else { return nil }
    sentences = []
    for sentence in parts[0].dropFirst(3).split(separator: " . ") {
      let words = sentence.split(separator: " ")
      guard words.count > 2, words[1] == "says" else { return nil }
      sentences.append((String(words[0]), Array(words[2...])))
    }
    thinking = sections[0].split(separator: " ")
    answer = String(sections[1].dropLast("</answer>".count))
  }

  /// The puzzle, when all statements are simple ones.
  var puzzle: Puzzle? {
    let names = sentences.map(\.speaker)
    let statements = sentences.enumerated().compactMap { speaker, sentence -> Statement? in
      guard let person = sentence.words.first.flatMap({ names.firstIndex(of: String($0)) }) else { return nil }
      switch sentence.words[1...].joined(separator: " ") {
      case "is a knight": return .tellingTruth(person)
      case "is a knave": return .lying(person)
      case "is my kind": return .sameKind(person, as: speaker)
      case "is not my kind": return .not(.sameKind(person, as: speaker))
      default: return nil
      }
    }
    return try? Puzzle(names: names, statements: statements)
  }

  /// Every assignment, as words, under which all sentences suit their speakers.
  var solutions: [String] {
    let names = sentences.map(\.speaker)
    return (0..<1 << names.count).compactMap { number in
      let isKnight = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, number >> $0 & 1 == 0) })
      let fits = sentences.allSatisfy { understood($0.words, by: $0.speaker, isKnight) == isKnight[$0.speaker] }
      return fits ? names.map { "\($0)=\(isKnight[$0] == true ? "knight" : "knave")" }.joined(separator: " ") : nil
    }
  }
}

/// `Ann=knight` as a pair.
func ownerAndKind(_ word: Substring) -> (owner: String, isKnight: Bool)? {
  let parts = word.split(separator: "=")
  guard parts.count == 2, parts[1] == "knight" || parts[1] == "knave" else { return nil }
  return (String(parts[0]), parts[1] == "knight")
}

/// Follows a worked solution word by word and says where it is wrong; nil when it is right as far as it goes.
/// The count is of checks that were followed.
func mistake(in document: ReadDocument) -> (problem: String?, checks: Int) {
  var isKnight: [String: Bool] = [:]
  var checks = 0
  var nextSpeaker = 0
  var tries: [String] = []
  for sentence in document.thinking.split(separator: ".") {
    let words = Array(sentence)
    if words.first == "try" {
      let pairs = words[1...].compactMap(ownerAndKind)
      guard pairs.map(\.owner) == document.sentences.map(\.speaker) else { return ("a try names others", checks) }
      isKnight = Dictionary(uniqueKeysWithValues: pairs.map { ($0.owner, $0.isKnight) })
      tries.append(words[1...].joined(separator: " "))
      nextSpeaker = 0
      continue
    }
    guard nextSpeaker < document.sentences.count else { return ("a check after all were made", checks) }
    let (speaker, said) = document.sentences[nextSpeaker]
    let clauses = words.split(separator: ";").map(Array.init)
    guard clauses.first.map({ Array($0) }) == [Substring(speaker), "says"] + said else {
      return ("not what was said", checks)
    }
    guard let truth = understood(said, by: speaker, isKnight) else { return ("not understood", checks) }
    for clause in clauses.dropFirst() {
      for (name, pair) in zip(clause, clause.dropFirst()).compactMap({ a, b in ownerAndKind(b).map { (a, $0) } }) {
        guard String(name) == pair.owner, isKnight[pair.owner] == pair.isKnight else {
          return ("a false look-up", checks)
        }
      }
    }
    let truths = clauses.joined().filter { $0 == "true" || $0 == "false" }
    guard truths.last == (truth ? "true" : "false") else { return ("a false truth value", checks) }
    let fits = truth == isKnight[speaker]
    guard words.last == (fits ? "fits" : "wait") else { return ("a false verdict", checks) }
    checks += 1
    nextSpeaker = fits ? nextSpeaker + 1 : document.sentences.count
  }
  guard Set(tries).count == tries.count else { return ("an assignment was tried twice", checks) }
  guard tries.last == document.answer else { return ("the answer is not the last try", checks) }
  return (nil, checks)
}
