// Patterns of tokenizer files: the hand-written scanners against PCRE2, and PCRE2 against recordings of Oniguruma.
import Foundation
import Testing

@testable import Text

@Suite struct PatternTests {
  private func pieces(_ pattern: String, _ text: String, _ behavior: SplitBehavior = .isolated) throws -> [String] {
    try pieces([pattern], text, behavior)
  }

  private func pieces(_ patterns: [String], _ text: String, _ behavior: SplitBehavior = .isolated) throws -> [String] {
    var cut = CutText(Array(text.utf8), beginsInput: true)
    for pattern in patterns {
      CutStep.pattern(try PatternMatcher(Array(pattern.utf8)), behavior, inverted: false).apply(to: &cut)
    }
    return cut.pieces.map { String(decoding: cut.bytes[$0], as: UTF8.self) }
  }

  @Test func patternsMeanWhatTheyMeanInTheirOwnDialect() throws {
    // Recorded with the `tokenizers` package 0.23.3: Split(Regex(pattern), "isolated").
    let cases: [(String, String, [String])] = [
      (#"a$"#, "a\nb a", ["a", "\nb ", "a"]), (#"\s+$"#, "a  \n b  ", ["a", "  ", "\n b", "  "]),
      (#"^b"#, "a\nb", ["a\n", "b"]), (#"\d{1,3}+"#, "1234567x", ["1234567", "x"]),
      (#"a{,2}"#, "aaaab", ["aa", "aa", "b"]), (#"(?i:'s)"#, "'ſ", ["'ſ"]),
      (#"[[a-c]&&[^b]]+"#, "abcabc", ["a", "b", "ca", "b", "c"]), (#"\h+"#, "0afg", ["0af", "g"]),
      (#"a*"#, "baac", ["b", "aa", "c"]), (#"[^\S\n]+"#, "a \n b", ["a", " ", "\n", " ", "b"]),
      (#"\bfoo\b"#, "a foo bar", ["a ", "foo", " bar"]), (#"x{2}+?"#, "xxxx", ["xx", "xx"]),
      (#"(?m:a.b)"#, "a\nb", ["a\nb"]), (#".+"#, "ab\ncd\re", ["ab", "\n", "cd\re"]),
      (#"\p{Letter}+|\p{Uppercase_Letter}"#, "abc12", ["abc", "12"]), (#"(?<=a)b"#, "ab b", ["a", "b", " b"]),
      (#"\s+$"#, "a \n\n", ["a", " \n\n"]),
      (#"\p{Han}+"#, "a\u{301D}中\u{31E3}b", ["a\u{301D}", "中", "\u{31E3}b"]),
    ]
    for (pattern, text, expected) in cases { #expect(try pieces(pattern, text) == expected, "\(pattern)") }
  }

  @Test(arguments: PreTokenizer.allCases.filter { $0 != .wholeText })
  func scannersCutAsTheirPatternsDo(_ way: PreTokenizer) throws {
    var random = SeededGenerator(state: 10)
    let parts = Array(
      " \n\r\t'sSlLtTdDrReEvVmMſ09٣½aAbBzZéÉßǅʰªÀ中の゛カー한\u{301}\u{20DD}.,!/-_$€<😀\u{200D}\u{85}\u{3000}\u{378}")
    var texts = try PublishedGoldens.load().texts
    for length in 0..<120 {
      texts.append(random.text(length: length % 30))
      texts.append(String((0..<length % 24).map { _ in parts.randomElement(using: &random) ?? "a" }))
    }
    for text in texts {
      let expected = try pieces(way.patterns, text)
      #expect(
        way.pieces(of: text).map { Array($0.utf8) } == expected.map { Array($0.utf8) }, "\(text.debugDescription)")
    }
  }

  @Test(arguments: PreTokenizer.allCases.filter { $0 != .wholeText })
  func everyCharacterIsCutAsItsPatternsDo(_ way: PreTokenizer) throws {
    var text = ""
    for value in Array(UInt32(0)..<0x32400) + Array(0xE0000..<0xE0200) {
      if let scalar = Unicode.Scalar(value) { text += "\(scalar)a \(scalar)1" }
    }
    let matchers = try way.patterns.map { try PatternMatcher(Array($0.utf8)) }
    var cut = CutText(Array(text.utf8), beginsInput: true)
    for matcher in matchers { CutStep.pattern(matcher, .isolated, inverted: false).apply(to: &cut) }
    var own = CutText(Array(text.utf8), beginsInput: true)
    own.cut(with: way)
    let same = own.pieces == cut.pieces
    #expect(same, "\(zip(own.pieces, cut.pieces).first { $0 != $1 }.map { "\($0)" } ?? "") \(own.pieces.count)")
  }

  @Test func whatCannotBeUsedIsRefusedInASentence() throws {
    let cases: [(String, String)] = [
      ("(", "regular expression"), ("[a", "without an end"), (#"\y"#, #"'\y'"#), ("(?~a)", "absent"),
      (#"\p{Nonsense}"#, "regular expression"), (#"\p{!}"#, "names no property"), (#"a\"#, "backslash"),
      ("(a*)*(b*)*(a*)*(b*)*(c|a*)*d", "too many steps"), ("(x+x+)+y|(a|aa)+$b|(a|a)*c", "too many steps"),
      (String(repeating: "a", count: 70000), "at most 65536"), (#"[[:klingon:]]"#, "klingon"),
      (String(repeating: "[", count: 20), "nests sets"),
    ]
    for (pattern, words) in cases {
      let error = #expect(throws: TokenizerError.self, "\(pattern.prefix(40))") {
        try PatternMatcher(Array(pattern.utf8))
      }
      #expect(error?.description.contains(words) == true, "\(error?.description.prefix(300) ?? "")")
    }
  }

  @Test func behavioursCutAsTheirNamesSay() throws {
    let found = try SplitBehavior.allCases.map { try pieces("-", "a--b-", $0) }
    #expect(
      found == [
        ["a", "b"], ["a", "-", "-", "b", "-"], ["a-", "-", "b-"], ["a", "-", "-b", "-"], ["a", "--", "b", "-"],
      ])
  }
}
