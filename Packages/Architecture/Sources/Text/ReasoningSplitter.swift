// Splits a streamed answer into what the model thought and what it says.
// Tags may arrive in parts; a part of a tag is never shown.

/// A stretch of an answer: thought or said, never both.
public enum AnswerPiece: Sendable, Hashable {
  case reasoning(String)
  case content(String)
}

/// Finds the one `<think>…</think>` section of an answer. After it everything is content, whatever it looks like.
/// The two texts do not depend on how the answer is cut into chunks.
public struct ReasoningSplitter: Sendable {
  private enum Place { case beforeReasoning, inReasoning, afterReasoning }
  private enum Tag: String, CaseIterable {
    case think = "<think>"
    case endThink = "</think>"
    case answer = "<answer>"
    case endAnswer = "</answer>"
    var bytes: [UInt8] { Array(rawValue.utf8) }
  }

  private let unwrapsAnswer: Bool
  private var place: Place
  /// True until something other than whitespace has been seen in an answer that begins inside reasoning.
  private var mayOpenAgain: Bool
  private var answerIsOpen = false
  private var answerIsClosed = false
  /// Begins with what could be a tag.
  private var held: [UInt8] = []
  private var output: [AnswerPiece] = []

  /// With `opensThinking` the prompt has opened the section already, and a leading `<think>` is dropped where the model
  /// repeats it. With `unwrapsAnswer` the first `<answer>` and its `</answer>` are dropped from the content.
  public init(opensThinking: Bool, unwrapsAnswer: Bool = false) {
    self.unwrapsAnswer = unwrapsAnswer
    place = opensThinking ? .inReasoning : .beforeReasoning
    mayOpenAgain = opensThinking
  }

  /// Takes the next chunk and returns the pieces that are certain, in order; neighbours differ in kind.
  public mutating func push(_ chunk: String) -> [AnswerPiece] {
    held += Array(chunk.utf8)
    var index = 0
    scan: while index < held.count {
      guard held[index] == UInt8(ascii: "<") else {
        if !isWhitespace(held[index]) { mayOpenAgain = false }
        index += 1
        continue
      }
      switch match(at: index) {
      case .whole(let tag):
        emit(index)
        held.removeFirst(tag.bytes.count)
        index = 0
        pass(tag)
      case .part: break scan
      case .none:
        mayOpenAgain = false
        index += 1
      }
    }
    emit(index)
    return takeOutput()
  }

  /// What is still held back, after the last chunk.
  public mutating func finish() -> [AnswerPiece] {
    emit(held.count)
    return takeOutput()
  }

  private enum Match {
    case none
    case part
    case whole(Tag)
  }

  private func match(at index: Int) -> Match {
    var result = Match.none
    for tag in Tag.allCases where isExpected(tag) {
      let rest = held[index...].prefix(tag.bytes.count)
      guard tag.bytes.starts(with: rest) else { continue }
      if rest.count == tag.bytes.count { return .whole(tag) }
      result = .part
    }
    return result
  }

  private func isExpected(_ tag: Tag) -> Bool {
    switch tag {
    case .think: place == .beforeReasoning || mayOpenAgain
    case .endThink: place == .inReasoning
    case .answer: unwrapsAnswer && place != .inReasoning && !answerIsOpen && !answerIsClosed
    case .endAnswer: unwrapsAnswer && place != .inReasoning && answerIsOpen
    }
  }

  private mutating func pass(_ tag: Tag) {
    mayOpenAgain = false
    switch tag {
    case .think: place = .inReasoning
    case .endThink: place = .afterReasoning
    case .answer: answerIsOpen = true
    case .endAnswer: (answerIsOpen, answerIsClosed) = (false, true)
    }
  }

  /// Moves the first `count` held bytes to the output.
  private mutating func emit(_ count: Int) {
    guard count > 0 else { return }
    let text = String(decoding: held[..<count], as: UTF8.self)
    held.removeFirst(count)
    switch (output.last, place) {
    case (.reasoning(let before), .inReasoning): output[output.count - 1] = .reasoning(before + text)
    case (.content(let before), .beforeReasoning), (.content(let before), .afterReasoning):
      output[output.count - 1] = .content(before + text)
    case (_, .inReasoning): output.append(.reasoning(text))
    case (_, .beforeReasoning), (_, .afterReasoning): output.append(.content(text))
    }
  }

  private mutating func takeOutput() -> [AnswerPiece] {
    defer { output = [] }
    return output
  }

  private func isWhitespace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
}
