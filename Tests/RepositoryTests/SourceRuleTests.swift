// The rules of style that a machine can check.
import Foundation
import Testing

@Suite struct SourceRuleTests {
  private func matches(_ pattern: String, in extensions: Set<String> = ["swift"]) throws -> [String] {
    let files = try SourceTree.files(extensions)
    try #require(files.count > 100)
    let rule = try Regex(pattern)
    return files.flatMap { file in
      file.lines.enumerated().filter { $0.element.contains(rule) }.map {
        "\(file.path):\($0.offset + 1): \($0.element)"
      }
    }
  }

  @Test func noMutableStatics() throws {
    // A stored one has no brace, or an equals sign before it.
    #expect(try matches(#"^[^/"]*\b(static|class)\s+var\s+[^{]*(=.*)?$"#) == [])
    #expect(try matches(#"^(public |package |private |fileprivate |nonisolated\(unsafe\) )*var\s"#) == [])
  }

  @Test func nothingTrapsWithoutSayingWhy() throws {
    #expect(try matches(#"^[^/"]*\btry!"#) == [])
    #expect(try matches(#"^[^/"]*\bfatalError\((""|"unreachable")?\)"#) == [])
    #expect(try matches(#"^[^/"]*\b(preconditionFailure|assertionFailure)\((""|"unreachable")?\)"#) == [])
    #expect(try matches(#"^[^/"]*\bas! "#) == [])
  }

  @Test func whatIsLeftToDoSaysWhat() throws {
    let word = ["TO", "DO|FIX", "ME|XX", "X"].joined()
    #expect(try matches("\\b(\(word))\\b(?!: \\S|\\(.+\\))", in: ["swift", "c", "h"]) == [])
  }

  @Test func everyFileBeginsWithWhatItIs() throws {
    let files = try SourceTree.files(["swift", "c", "h"])
    #expect(files.count > 100)
    let silent = files.filter { file in
      if file.name == "shim.h" { return false }  // one line that names a system header
      guard let first = file.lines.first, first.hasPrefix("// ") else { return true }
      return first.count < 20
    }
    #expect(silent.map(\.path) == [])
  }

  @Test func noFileIsLongerThanFourHundredLines() throws {
    let long = try SourceTree.files(["swift", "c", "h"]).filter { $0.lines.count > 400 }
    #expect(long.map { "\($0.path): \($0.lines.count)" } == [])
  }

  @Test func uncheckedSendableSaysWhyItIsSafe() throws {
    let files = try SourceTree.files(["swift"]).filter { $0.folders.first != "Tests" }
    let uses = files.flatMap { file in
      file.lines.indices.filter { file.lines[$0].contains("@unchecked Sendable") }.map { (file, $0) }
    }
    #expect(uses.count > 0)
    let silent = uses.filter { file, line in
      !file.lines[line].contains("//") && !(line > 0 && file.lines[line - 1].contains("//"))
    }
    #expect(silent.map { "\($0.0.path):\($0.1 + 1)" } == [])
  }
}
