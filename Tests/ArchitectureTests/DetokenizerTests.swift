// Streams of tokens and chunks: whatever the boundaries, the joined output is the same.
import Testing
import Text

/// Cuts `text` at random characters, sometimes into nothing.
private func chunks(of text: String, using random: inout SeededGenerator) -> [String] {
  var chunks: [String] = []
  var rest = Array(text.unicodeScalars)
  while !rest.isEmpty {
    let count = Int.random(in: 0...min(6, rest.count), using: &random)
    var chunk = String.UnicodeScalarView()
    chunk.append(contentsOf: rest.prefix(count))
    chunks.append(String(chunk))
    rest.removeFirst(count)
  }
  return chunks
}

@Suite struct IncrementalDetokenizerTests {
  private func detokenized(_ tokens: [TokenID], _ tokenizer: BytePairEncoding, skipping: Bool) -> [String] {
    var detokenizer = IncrementalDetokenizer(tokenizer, skippingSpecialTokens: skipping)
    return tokens.map { detokenizer.push($0) } + [detokenizer.finish()]
  }

  @Test func joinedTextEqualsDecodingAllBytesAtOnce() throws {
    let tokenizer = try trained([try TokenizerGoldens.corpus()])
    var random = SeededGenerator(state: 4)
    let leads: [UInt8] = [
      0x41, 0x80, 0xBF, 0xC1, 0xC3, 0xE0, 0xE2, 0xED, 0xF0, 0xF4, 0xF5, 0xFF, 0x9F, 0xA0, 0x90, 0x8F,
    ]
    let entries = tokenizer.entries
    let leadTokens = leads.compactMap { lead in entries.first { $0.bytes == [lead] }?.id }
    #expect(leadTokens.count == leads.count)
    for _ in 0..<3000 {
      let tokens = (0..<Int.random(in: 0..<12, using: &random)).compactMap { _ -> TokenID? in
        if Bool.random(using: &random) { return entries.randomElement(using: &random)?.id }
        return leadTokens.randomElement(using: &random)
      }
      for skipping in [false, true] {
        let joined = detokenized(tokens, tokenizer, skipping: skipping).joined()
        #expect(isSameText(joined, tokenizer.decode(tokens, skippingSpecialTokens: skipping)))
      }
    }
  }

  @Test func charactersAppearWhenTheirLastByteArrives() throws {
    let tokenizer = try BPETrainer(vocabularySize: 256).train(on: [])
    let tokens = tokenizer.encode("é👍", recognizingSpecialTokens: false)
    #expect(detokenized(tokens, tokenizer, skipping: true) == ["", "é", "", "", "", "👍", ""])
  }

  @Test func invalidBytesAppearAsSoonAsTheyAreKnownInvalid() throws {
    let tokenizer = try BPETrainer(vocabularySize: 256).train(on: [])
    func text(_ bytes: [UInt8]) -> [String] {
      let tokens = bytes.compactMap { byte in tokenizer.entries.first { $0.bytes == [byte] }?.id }
      return detokenized(tokens, tokenizer, skipping: true)
    }
    #expect(text([0xFF, 0x41]) == ["\u{FFFD}", "A", ""])
    #expect(text([0xE2, 0x82, 0x41]) == ["", "", "\u{FFFD}A", ""])
    #expect(text([0xED, 0xA0, 0x41]) == ["", "\u{FFFD}\u{FFFD}", "A", ""])
    #expect(text([0xF0, 0x9F, 0x91]) == ["", "", "", "\u{FFFD}"])
  }
}

@Suite struct StopTextFilterTests {
  /// The definition: the text before the occurrence that ends first, of those the longest.
  private func cut(_ text: String, _ stops: [String]) -> (String, Bool) {
    let bytes = Array(text.utf8)
    for end in 0...bytes.count {
      let found = stops.map { Array($0.utf8) }.filter {
        !$0.isEmpty && bytes[..<end].suffix($0.count).elementsEqual($0)
      }
      if let longest = found.map(\.count).max() {
        return (String(decoding: bytes[..<(end - longest)], as: UTF8.self), true)
      }
    }
    return (text, false)
  }

  @Test func anyChunkingCutsAtTheFirstStopText() {
    var random = SeededGenerator(state: 5)
    let stops = [["END"], ["aab", "ab"], ["</a>", "\n\n"], ["ababac"], ["é", ""], []]
    var stopped = 0
    for round in 0..<3000 {
      let stop = stops[round % stops.count]
      let text = String(
        (0..<Int.random(in: 0..<30, using: &random)).map { _ in "aabbcEND</>\né".randomElement(using: &random) ?? "a" })
      var filter = StopTextFilter(stop)
      var joined = ""
      for chunk in chunks(of: text, using: &random) { joined += filter.push(chunk).text }
      joined += filter.finish()
      let expected = cut(text, stop)
      #expect(isSameText(joined, expected.0) && filter.isStopped == expected.1, "\(text.debugDescription) \(stop)")
      stopped += filter.isStopped ? 1 : 0
    }
    #expect(stopped > 100)
  }

  @Test func textThatCannotBeAStopIsNotHeldBack() {
    var filter = StopTextFilter(["###"])
    #expect(filter.push("abc#") == StopTextFilter.Output(text: "abc", isStopped: false))
    #expect(filter.push("d#") == StopTextFilter.Output(text: "#d", isStopped: false))
    #expect(filter.push("###x") == StopTextFilter.Output(text: "", isStopped: true))
    #expect(filter.push("more") == StopTextFilter.Output(text: "", isStopped: true))
    #expect(filter.finish() == "")
  }
}

@Suite struct ReasoningSplitterTests {
  private func split(_ chunks: [String], opens: Bool, unwraps: Bool = false) -> (reasoning: String, content: String) {
    var splitter = ReasoningSplitter(opensThinking: opens, unwrapsAnswer: unwraps)
    var result = (reasoning: "", content: "")
    for piece in chunks.flatMap({ splitter.push($0) }) + splitter.finish() {
      switch piece {
      case .reasoning(let text): result.reasoning += text
      case .content(let text): result.content += text
      }
    }
    return result
  }

  @Test func theSectionIsFoundWithAndWithoutItsOpeningTag() {
    #expect(split(["<think>a</think>b"], opens: false) == ("a", "b"))
    #expect(split(["a</think>b"], opens: true) == ("a", "b"))
    #expect(split(["\n<think>a</think>b"], opens: true) == ("\na", "b"))
    #expect(split(["a<think>b</think>c"], opens: true) == ("a<think>b", "c"))
    #expect(split(["just an answer </think>"], opens: false) == ("", "just an answer </think>"))
    #expect(split(["never closed </thin"], opens: true) == ("never closed </thin", ""))
    #expect(split(["<think>a</think>b<think>c</think>"], opens: false) == ("a", "b<think>c</think>"))
    #expect(split(["<<think>a<</think>"], opens: false) == ("a<", "<"))
  }

  @Test func answerTagsAreUnwrappedOnRequest() {
    let text = "a</think> <answer>42</answer>\n<answer>"
    #expect(split([text], opens: true) == ("a", " <answer>42</answer>\n<answer>"))
    #expect(split([text], opens: true, unwraps: true) == ("a", " 42\n<answer>"))
    #expect(split(["<answer>a</think>b</answer>"], opens: true, unwraps: true) == ("<answer>a", "b</answer>"))
  }

  @Test func anyChunkingGivesTheSameTwoTexts() {
    var random = SeededGenerator(state: 6)
    let parts = [
      "<think>", "</think>", "<answer>", "</answer>", "<", "</", "think>", "a", " ", "é", "\n", "<think", "👍",
    ]
    for round in 0..<4000 {
      let text = (0..<Int.random(in: 0..<12, using: &random)).map { _ in parts.randomElement(using: &random) ?? "" }
        .joined()
      let (opens, unwraps) = (round % 2 == 0, round % 3 == 0)
      let whole = split([text], opens: opens, unwraps: unwraps)
      #expect(
        split(chunks(of: text, using: &random), opens: opens, unwraps: unwraps) == whole, "\(text.debugDescription)")
      if !opens, !text.contains("<think>"), !unwraps { #expect(isSameText(whole.content, text)) }
    }
  }

  @Test func partsOfTagsAreNeverShown() {
    var splitter = ReasoningSplitter(opensThinking: true)
    #expect(splitter.push("thought </th") == [.reasoning("thought ")])
    #expect(splitter.push("ink>said") == [.content("said")])
    #expect(splitter.push(" more") == [.content(" more")])
    #expect(splitter.finish().isEmpty)
    var other = ReasoningSplitter(opensThinking: true)
    #expect(other.push("a</think>b") == [.reasoning("a"), .content("b")])
  }
}
