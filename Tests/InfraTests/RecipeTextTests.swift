// Recipes as text: what YAML and `--set` become, and that errors point at the place.
import Foundation
import Recipes
import Testing

private func message(_ work: () throws -> Void) -> String {
  do {
    try work()
    return "nothing was thrown"
  } catch {
    return "\(error)"
  }
}

@Suite struct YAMLTests {
  /// Example 10.3 of the YAML 1.2.2 specification.
  @Test func plainWordsMeanWhatTheCoreSchemaSays() throws {
    let tree = try ConfigTree(
      yaml: """
        A null: null
        Booleans: [ true, True, false, FALSE ]
        Integers: [ 0, 0o7, 0x3A, -19 ]
        Floats: [ 0., -0.0, .5, +12e03, -2E+05 ]
        Also floats: [ .inf, -.Inf, +.INF, .NAN ]
        """)
    #expect(tree["A null"] == .null)
    #expect(tree["Booleans"] == .list([.bool(true), .bool(true), .bool(false), .bool(false)]))
    #expect(tree["Integers"] == .list([.int(0), .int(7), .int(58), .int(-19)]))
    #expect(tree["Floats"] == .list([.double(0), .double(-0.0), .double(0.5), .double(12000), .double(-200000)]))
    guard case .list(let floats) = tree["Also floats"], case .double(let last)? = floats.last else {
      Issue.record("no list of floats")
      return
    }
    #expect(floats.dropLast() == [.double(.infinity), .double(-.infinity), .double(.infinity)] && last.isNaN)
  }

  @Test(arguments: ["yes", "on", "1_000", "0x", "1e", "+", ".", "-", "1.2.3", "2026-01-01", "e5", "--1"])
  func wordsThatOnlyResembleValuesAreText(word: String) throws {
    #expect(try ConfigTree(yaml: "a: \"\(word)\"")["a"] == .string(word))
    #expect(try ConfigTree(yaml: "'\(word)'") == .string(word))
    if word != "-" { #expect(try ConfigTree(yaml: word) == .string(word)) }
  }

  @Test func readingUndoesWriting() throws {
    let hostile = [
      "", " ", "~", "null", "true", "yes", "3", "1e3", ".inf", "- a", "a: b", "# c", "[x", "&a", "*a", "!t",
      "two\nlines\n",
      "trailing ", "'", "\"", "\\", "<<", "caf\u{e9}", "\u{1F600}", "\u{7f}\u{1}", "key: |", "%x", "@x", "`x", "---",
    ]
    var table: [String: ConfigTree] = ["texts": .list(hostile.map(ConfigTree.string))]
    for text in hostile where text != "<<" { table[text] = .string(text) }
    table["numbers"] = .list([
      .int(.min), .int(.max), .double(1), .double(-0.0), .double(1e300), .double(.leastNonzeroMagnitude),
    ])
    table["deep"] = .list([.list([]), .table([:]), .list([.table(["a": .null]), .list([.bool(true)])])])
    let tree = ConfigTree.table(table)
    let text = try tree.yaml()
    #expect(try ConfigTree(yaml: text) == tree, "\(text)")
    #expect(try ConfigTree(yaml: text).yaml() == text)
  }

  @Test func aByteOrderMarkIsTextBehindOther() throws {
    let tree = ConfigTree.table(["x\u{FEFF}": .string("y\u{FEFF}\u{FEFF}z")])
    #expect(try ConfigTree(yaml: tree.yaml()) == tree)
    for text in ["\u{FEFF}", "\u{FEFF}\u{FEFF}x"] {
      #expect(throws: RecipeError.self) { try ConfigTree.string(text).yaml() }
      #expect(throws: RecipeError.self) { try ConfigTree.table([text: .null]).yaml() }
    }
  }

  @Test func theTextMergeKeyReadsBackAsText() throws {
    let tree = ConfigTree.table(["<<": .string("x")])
    #expect(try ConfigTree(yaml: tree.yaml()) == tree)
  }

  @Test(arguments: [
    ("a: 1\nb: [1, 2\nc: 3", "demo.yaml:3:"), ("a: 1\n\tb: 2", "demo.yaml:2:1: "), ("a: 1\na: 2", "demo.yaml:"),
    ("a: 1\n'a': 2", "demo.yaml:"), ("1: a\n\"1\": b", "demo.yaml:"), ("a: *nobody", "demo.yaml:1:4: "),
    ("a: 1\n---\nb: 2", "demo.yaml:2:1: "), ("? [a]\n: b", "demo.yaml:1:3: "),
    ("a: !!set {x}\nb: !x y", "demo.yaml:2:4: "),
    ("a:\n  <<: 3", "demo.yaml:2:7: "), ("ok: 1\nbad: \u{1}", "demo.yaml:2:6: "),
  ])
  func textThatIsNotYAMLNamesLineAndColumn(text: String, place: String) {
    let problem = message { _ = try ConfigTree(yaml: text, source: "demo.yaml") }
    #expect(problem.hasPrefix(place), "\(problem)")
    #expect(!problem.contains("\n"), "\(problem)")
  }

  @Test func anchorsAndMergesAreResolved() throws {
    let tree = try ConfigTree(
      yaml: """
        base: &base { a: 1, b: 2 }
        same: *base
        more: { <<: *base, b: 3 }
        """)
    #expect(tree["same"] == tree["base"])
    #expect(tree["more"] == .table(["a": .int(1), "b": .int(3)]))
  }

  @Test func hostileTextThrowsInsteadOfTrapping() {
    let bomb = (1...12).map { level in
      let entries = Array(repeating: level == 1 ? "x" : "*l\(level - 1)", count: 10).joined(separator: ", ")
      return "l\(level): &l\(level) [\(entries)]"
    }.joined(separator: "\n")
    #expect(throws: RecipeError.self) { try ConfigTree(yaml: bomb) }
    #expect(throws: RecipeError.self) { try ConfigTree(yaml: String(repeating: "[", count: 100_000)) }
    #expect(throws: RecipeError.self) { try ConfigTree(yaml: String(repeating: "{a: ", count: 100_000)) }
    #expect(throws: RecipeError.self) { try ConfigTree.string("a\0b").yaml() }
    for text in [
      "", "\u{FEFF}", "---", "...", "%YAML 9.9\n---\na", "%TAG", "&a", "? ", ": ", "- - - -", "\0", "a\0b: c",
    ] {
      _ = try? ConfigTree(yaml: text)
    }
  }

  @Test func filesThatCannotBeReadSaySo() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).yaml").path
    #expect(
      message { _ = try ConfigTree(yamlFile: path) }
        == "\(path): cannot be read as a recipe: there is no such file")
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data([0x61, 0xff]).write(to: URL(fileURLWithPath: path))
    #expect(message { _ = try ConfigTree(yamlFile: path) }.hasSuffix("it is not UTF-8 text"))
    try Data("# only a comment\n".utf8).write(to: URL(fileURLWithPath: path))
    #expect(try ConfigTree(yamlFile: path) == .table([:]))
  }
}

@Suite struct OverrideTests {
  private func recipe() throws -> ConfigTree { try ConfigTree(yaml: "{ a: { b: 1 }, list: [{ c: 1 }, [5]], n: 3 }") }

  @Test(arguments: [
    ("a.b=2", "{ a: { b: 2 }, list: [{ c: 1 }, [5]], n: 3 }"),
    ("a.new.deep=x: y # z", "{ a: { b: 1, new: { deep: 'x: y # z' } }, list: [{ c: 1 }, [5]], n: 3 }"),
    ("list[0].c=true", "{ a: { b: 1 }, list: [{ c: true }, [5]], n: 3 }"),
    ("list.0.c=1e-4", "{ a: { b: 1 }, list: [{ c: 1e-4 }, [5]], n: 3 }"),
    ("list[1][0]=", "{ a: { b: 1 }, list: [{ c: 1 }, [null]], n: 3 }"),
    ("n=[1, {x: 2}]", "{ a: { b: 1 }, list: [{ c: 1 }, [5]], n: [1, { x: 2 }] }"),
    ("n={k: 'v=w'}", "{ a: { b: 1 }, list: [{ c: 1 }, [5]], n: { k: 'v=w' } }"),
    ("n=\"3\"", "{ a: { b: 1 }, list: [{ c: 1 }, [5]], n: '3' }"),
  ])
  func oneSettingChangesAndTheRestStays(argument: String, expected: String) throws {
    #expect(try recipe().setting([argument]) == ConfigTree(yaml: expected))
  }

  @Test(arguments: [
    ("a", "config: a: expected path=value, as in grpo.groupSize=16"),
    ("=3", "config: <root>: expected names joined by dots"), ("a..b=3", "config: a..b: expected names joined by dots"),
    ("a[x]=3", "config: a[x]: expected names joined by dots"), ("a[-1]=3", "config: a[-1]: expected names"),
    ("a[0]b=3", "config: a[0]b: expected names"), ("a[=3", "config: a[: expected names"),
    ("list[2]=3", "config: list: has no entry [2]; this list has 2 entries, counted from 0"),
    ("list.x=3", "config: list: expected the number of an entry, as in [0], found the name 'x'"),
    ("n.x=3", "config: n: expected a section, found the number 3"),
    ("a[0]=3", "config: a: expected a list, found a section (b)"),
    ("z[0]=3", "config: z: the recipe writes no list here"), ("n=[1", "config: n: the value [1 is not YAML: value:"),
  ])
  func whatCannotBeSetSaysWhy(argument: String, beginning: String) {
    let problem = message { _ = try recipe().setting([argument]) }
    #expect(problem.hasPrefix(beginning), "\(problem)")
  }
}

@Suite struct NearestNameTests {
  @Test func slipsAreRecognisedAndStrangersAreNot() {
    let names = ["pretrain", "grpo", "distill"]
    #expect(nearestName(to: "pretrian", among: names) == "pretrain")
    #expect(nearestName(to: "GRPO", among: names) == "grpo")
    #expect(nearestName(to: "distil", among: names) == "distill")
    #expect(nearestName(to: "serve", among: names) == nil)
    #expect(nearestName(to: "x", among: [String]()) == nil)
  }
}
