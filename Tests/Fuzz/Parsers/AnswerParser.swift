// What a model writes is foreign too: tags, stop texts and half characters, in chunks cut anywhere.
import Text
import Verifiers

struct AnswerParser: FuzzParser {
  let name = "answer"
  let goldens: Goldens

  func seeds() throws -> [FuzzInput] {
    [
      "<think>a</think><answer>b</answer>", "a</think>b<think>c", "<think><think></think></think>", "</answer><answer>",
      "<answer><answer>x</answer>", "<<think>>", "<thin", "</think", "stop STOP sto", "", "日本語<think>é</think>👩‍👩‍👧",
    ].map { FuzzInput("answer.txt", $0) }
  }

  func attempt(_ input: FuzzInput, in directory: String) async throws -> String {
    let text = String(decoding: input["answer.txt"], as: UTF8.self)
    for (opensThinking, unwraps) in [(false, false), (true, false), (false, true), (true, true)] {
      var results: [[AnswerPiece]] = []
      for length in [1, 3, 7, Int.max] {
        var splitter = ReasoningSplitter(opensThinking: opensThinking, unwrapsAnswer: unwraps)
        var pieces: [AnswerPiece] = []
        for chunk in Self.chunks(of: text, length) { pieces += splitter.push(chunk) }
        results.append(Self.joined(pieces + splitter.finish()))
      }
      guard results.allSatisfy({ $0 == results[0] }) else { throw Violation("an answer depends on how it is cut") }
    }
    let stops = ["STOP", "</answer>", "é", "\n\n", String(text.prefix(2)) + "x"]
    var texts: [String] = []
    for length in [1, 5, Int.max] {
      var filter = StopTextFilter(stops)
      var kept = ""
      for chunk in Self.chunks(of: text, length) {
        let piece = filter.push(chunk)
        kept += piece.text
        if piece.isStopped { break }
      }
      texts.append(kept + filter.finish())
    }
    guard texts.allSatisfy({ $0.utf8.elementsEqual(texts[0].utf8) }) else {
      throw Violation("a stop depends on the cut")
    }
    let reader = TagReader(text)
    do { _ = try reader.answer() } catch { try SentenceRule.check(error) }
    return "read"
  }

  private static func chunks(of text: String, _ length: Int) -> [String] {
    let scalars = Array(text.unicodeScalars)
    return stride(from: 0, to: scalars.count, by: min(length, max(scalars.count, 1))).map { start in
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars[start..<min(scalars.count, start + min(length, scalars.count))])
      return String(view)
    }
  }

  /// Neighbours of one kind put together.
  private static func joined(_ pieces: [AnswerPiece]) -> [AnswerPiece] {
    pieces.reduce(into: []) { all, piece in
      switch (all.last, piece) {
      case (.reasoning(let a)?, .reasoning(let b)): all[all.count - 1] = .reasoning(a + b)
      case (.content(let a)?, .content(let b)): all[all.count - 1] = .content(a + b)
      default: all.append(piece)
      }
    }
  }
}
