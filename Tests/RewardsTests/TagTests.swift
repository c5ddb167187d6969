// The form of a reasoned answer, against a table by hand and against a regular expression.
import Rewards
import Testing
import Verifiers

private let wellFormed = [
  "thinking</think><answer>x</answer>",
  "<think>thinking</think><answer>x</answer>",
  "  \n<think> a </think>\n\n<answer> x </answer>\n ",
  "</think><answer></answer>",
  "a < b <thin k> </think > </think> <answer> 1 < 2 </answer>",
]

private let malformed = [
  "", " ", "x", "<think>", "</think>", "<answer>x</answer>", "a</think>x",
  "a</think><answer>x", "a</think>x</answer>",
  "a</think> b <answer>x</answer>", "a</think><answer>x</answer> b", "a <think> b</think><answer>x</answer>",
  "a</think></think><answer>x</answer>", "<think><think>a</think><answer>x</answer>",
  "a</think><answer>x</answer><answer>y</answer>", "a</think><answer><answer>x</answer>",
  "<answer>x</answer></think>", "a</think></answer>x<answer>", "<answer>x</answer>a</think>",
  "a</think><answer>x</think></answer>", "a</think><answer><think>x</answer>", "a</think\u{301}><answer>x</answer>",
  "a</THINK><answer>x</answer>",
]

@Suite struct TagTests {
  @Test(arguments: wellFormed) func theFormEarnsOne(_ text: String) {
    #expect(ThinkAnswerFormat().score(response(text), of: capital) == .score(1))
  }

  @Test(arguments: malformed) func anythingElseIsInvalidWithAReason(_ text: String) {
    guard case .invalid(let reason) = ThinkAnswerFormat().score(response(text), of: capital) else {
      Issue.record("'\(text)' passed")
      return
    }
    #expect(!reason.isEmpty)
  }

  /// Every sequence of up to five pieces.
  @Test func formIsWhatTheRegularExpressionSays() throws {
    let pieces = ["<think>", "</think>", "<answer>", "</answer>", " ", "x"]
    let form = /\s*(<think>)?[ x]*<\/think>\s*<answer>[ x]*<\/answer>\s*/
    var (passed, failed) = (0, 0)
    for length in 0...5 {
      var count = 1
      for _ in 0..<length { count *= pieces.count }
      for number in 0..<count {
        var (text, rest) = ("", number)
        for _ in 0..<length { (text, rest) = (text + pieces[rest % pieces.count], rest / pieces.count) }
        let expected = text.wholeMatch(of: form) != nil
        let found = (try? TagReader(text).sections()) != nil
        if expected != found { Issue.record("'\(text)': expected \(expected), found \(found)") }
        if found { passed += 1 } else { failed += 1 }
      }
    }
    #expect(passed > 20 && failed > 9_000, "passed \(passed), failed \(failed)")
  }

  @Test func sectionsAreTheTextsBetweenTheTags() throws {
    let sections = try TagReader("<think> a\u{301} \u{1F9E0}</think>\n<answer> b </answer>").sections()
    #expect(sections.thinking == " a\u{301} \u{1F9E0}")
    #expect(sections.answer == " b ")
    #expect(try TagReader("no form <answer>b</answer> at all").answer() == "b")
  }

  @Test(arguments: [
    "<answer>", "</answer>", "<", "<answer></answer>", "<think>", "</think><answer>", "=", "Ann=knight ",
  ])
  func aMegabyteOfAnythingIsReadInLinearTime(_ piece: String) async throws {
    func duration(megabytes: Int) throws -> Duration {
      let text = String(repeating: piece, count: megabytes * 1_000_000 / piece.utf8.count)
      let accuracy = AnswerAccuracy(verifiers: VerifierSet(["exact-match": ExactMatch()]))
      return try ContinuousClock().measure {
        _ = ThinkAnswerFormat().score(response(text), of: capital)
        _ = try accuracy.score(response(text), of: capital)
        _ = try accuracy.score(response("<answer>\(text.replacing("answer", with: "a"))</answer>"), of: capital)
      }
    }
    // A quadratic reader would need hours, so the bound can be generous on a busy machine.
    let taken = try duration(megabytes: 1)
    #expect(taken < .seconds(60), "\(taken)")
  }

  @Test func hostileTextsAreInvalidAndNotMisread() throws {
    let many = String(repeating: "<answer>", count: 125_000)
    #expect(TagReader(many).count(of: .answer) == 125_000)
    #expect(throws: TagReader.Fault.self) { try TagReader(many).answer() }
    #expect(throws: TagReader.Fault.self) { try TagReader(many + "Paris</answer>").answer() }
    #expect(throws: TagReader.Fault.self) { try TagReader("</answer>\(many)").answer() }
  }
}
