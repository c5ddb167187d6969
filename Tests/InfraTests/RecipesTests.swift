// Settings: what recipes may say, what their errors say, and that nothing they hold is lost on the way.
import Foundation
import Recipes
import Testing

private struct AdamSettings: Configuration, Equatable {
  var beta1 = 0.9
  var beta2 = 0.95
}

private struct RewardEntry: Configuration, Equatable {
  var name = "accuracy"
  var weight = 1.0
  var settings: ConfigTree = .table([:])
  func validate() throws {
    if weight < 0 { throw ConfigError(path: "weight", problem: "must not be negative, found \(weight)") }
  }
}

private enum Schedule: String, Codable, CaseIterable { case constant, cosine, linear }

private struct GRPOSettings: Configuration, Equatable {
  var groupSize = 8
  var learningRate: Float = 0.1
  var schedule = Schedule.cosine
  var keepsOptimizer = true
  var note: String? = nil
  var warmup: AdamSettings? = nil
  var people = [2, 3]
  var grid = [[1.5, 2.5], []]
  var optimizer = AdamSettings()
  var rewards: [RewardEntry] = []
  var mixture = ["math": 1.0]
  var free: ConfigTree = .table(["kind": .string("none")])
  func validate() throws {
    if groupSize < 2 { throw ConfigError(path: "groupSize", problem: "must be at least 2, found \(groupSize)") }
  }
}

private struct Empty: Configuration {}

private func message(_ work: () throws -> Void) -> String {
  do {
    try work()
    return "nothing was thrown"
  } catch {
    return "\(error)"
  }
}

private func settings(_ yaml: String) throws -> GRPOSettings {
  try GRPOSettings(overlaying: ConfigTree(yaml: yaml), at: "grpo")
}

@Suite struct OverlayTests {
  @Test func recipeChangesWhatItNamesAndKeepsTheOtherDefaults() throws {
    let read = try settings(
      """
      groupSize: 16
      schedule: linear
      optimizer: { beta2: 1 }
      warmup: { beta1: 0.5 }
      people: []
      rewards: [{ weight: 2 }, { name: format, settings: { any: [thing] } }]
      mixture: { code: 2 }
      free: { kind: adaptive, more: { a: 1 } }
      """)
    var expected = GRPOSettings()
    expected.groupSize = 16
    expected.schedule = .linear
    expected.optimizer.beta2 = 1
    expected.warmup = AdamSettings(beta1: 0.5)
    expected.people = []
    expected.rewards = [
      RewardEntry(weight: 2),
      RewardEntry(name: "format", settings: .table(["any": .list([.string("thing")])])),
    ]
    expected.mixture = ["math": 1, "code": 2]
    expected.free = .table(["kind": .string("adaptive"), "more": .table(["a": .int(1)])])
    #expect(read == expected)
    #expect(try settings("") == GRPOSettings())
  }

  @Test func choicesAndFreeSubtreesAreReplacedAsAWhole() throws {
    enum Decay: Codable, Equatable { case cosine(steps: Int), linear(from: Int, to: Int) }
    struct Settings: Configuration {
      var decay = Decay.cosine(steps: 3)
      var free: ConfigTree = .table(["kind": .string("none")])
    }
    let read = try Settings(
      overlaying: ConfigTree(yaml: "{ decay: { linear: { from: 1, to: 0 } }, free: { other: 1 } }"))
    #expect(read.decay == .linear(from: 1, to: 0))
    #expect(read.free == .table(["other": .int(1)]))
    #expect(
      message { _ = try Settings(overlaying: ConfigTree(yaml: "{ decay: { cosine: { step: 1 } } }")) }
        .hasPrefix("config: decay.cosine.steps: is required, but this section has only: step"))
  }

  @Test func whatAnErrorQuotesStaysOnItsLine() {
    let long = String(repeating: "y", count: 900)
    for yaml in [
      #""a\nb\u0085c": 1"#, "? \(long)\n: 1", #"optimizer: "a\nb""#, "optimizer: \(long)", #"rewards: ["a\0b\u2028"]"#,
    ] {
      let text = message { _ = try settings(yaml) }
      let isVisible = text.unicodeScalars.allSatisfy {
        $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) && $0.value != 0x2028
      }
      #expect(text.hasPrefix("config: grpo") && text.count < 400 && isVisible, "\(text)")
    }
  }

  @Test func unknownKeyListsTheNamesOfItsSection() {
    #expect(
      message { _ = try settings("optimizer: { gamma: 1 }") }
        == "config: grpo.optimizer.gamma: no such setting; this section has: beta1, beta2")
    #expect(
      message { _ = try settings("optimizer: { bta2: 1 }") }
        == "config: grpo.optimizer.bta2: no such setting; this section has: beta1, beta2 (did you mean 'beta2'?)")
  }

  @Test(arguments: [
    ("rewards: [{}, { wieght: 1 }]", "grpo.rewards[1].wieght", "(did you mean 'weight'?)"),
    ("warmup: { beta3: 1 }", "grpo.warmup.beta3", "this section has: beta1, beta2"),
    ("groupsize: 3", "grpo.groupsize", "(did you mean 'groupSize'?)"),
  ])
  func unknownKeysAreFoundWhereverASectionStands(yaml: String, path: String, hint: String) {
    let text = message { _ = try settings(yaml) }
    #expect(text.hasPrefix("config: \(path): no such setting; "), "\(text)")
    #expect(text.contains(hint), "\(text)")
  }

  @Test(arguments: [
    ("groupSize: many", "groupSize: expected a whole number, found the text 'many'"),
    ("groupSize: 1.5", "groupSize: expected a whole number, found the number 1.5"),
    ("groupSize: { a: 1 }", "groupSize: expected a whole number, found a section (a)"),
    ("groupSize:", "groupSize: expected a whole number, found nothing"),
    ("learningRate: fast", "learningRate: expected a number, found the text 'fast'"),
    ("keepsOptimizer: yes", "keepsOptimizer: expected true or false, found the text 'yes'"),
    ("note: 3", "note: expected text, found the number 3"),
    ("optimizer: 3", "optimizer: expected a section, found the number 3"),
    ("optimizer:", "optimizer: expected a section, found nothing"),
    ("optimizer: [1]", "optimizer: expected a section, found a list of 1"),
    ("people: 3", "people: expected a list, found the number 3"),
    ("people: [1, two]", "people[1]: expected a whole number, found the text 'two'"),
    ("grid: [[1], [2, x]]", "grid[1][1]: expected a number, found the text 'x'"),
    ("mixture: { math: much }", "mixture.math: expected a number, found the text 'much'"),
    (
      "schedule: cosin",
      "schedule: expected one of constant, cosine, linear, found the text 'cosin' (did you mean 'cosine'?)"
    ),
    ("groupSize: 1", "groupSize: must be at least 2, found 1"),
    ("rewards: [{ weight: -1 }]", "rewards[0].weight: must not be negative, found -1.0"),
  ])
  func wrongValueNamesPathExpectationAndFinding(yaml: String, expected: String) {
    #expect(message { _ = try settings(yaml) } == "config: grpo.\(expected)")
  }

  @Test func defaultsThenRecipeThenCommandLine() throws {
    let recipe = try ConfigTree(yaml: "{ groupSize: 4, optimizer: { beta1: 0.1 } }")
    let read = try GRPOSettings(overlaying: recipe.setting(["groupSize=5", "optimizer.beta2=0.2", "groupSize=6"]))
    #expect(read.groupSize == 6)
    #expect(read.optimizer == AdamSettings(beta1: 0.1, beta2: 0.2))
    #expect(read.learningRate == GRPOSettings().learningRate)
  }

  @Test func settingsWithoutPropertiesRefuseEverything() throws {
    _ = try Empty(overlaying: .table([:]))
    #expect(
      message { _ = try Empty(overlaying: .table(["a": .int(1)]), at: "part") }
        == "config: part.a: no such setting; this section has no settings")
    #expect(throws: ConfigError.self) { try Empty(overlaying: .int(3)) }
  }
}

@Suite struct TreeCodingTests {
  private struct Everything: Codable, Equatable {
    struct Inner: Codable, Equatable { var x: Int8 = -8 }
    enum Payload: Codable, Equatable { case none, both(a: Int, b: String) }
    var whole: [UInt32] = [0, .max]
    var short: Float = 0.1
    var long = 0.1
    var nested: [[[Int]]] = [[[1], []], []]
    var table: [String: [String: Inner]] = ["a": ["b": Inner()]]
    var gaps: [Int?] = [1, nil]
    var some: Inner? = Inner()
    var none: Inner?
    var raw: [Schedule] = [.linear]
    var payloads: [Payload] = [.none, .both(a: 1, b: "x: y")]
    var tree: ConfigTree = .list([.null, .double(0.5), .table(["k": .bool(true)])])
  }

  @Test func decodeUndoesEncode() throws {
    let value = Everything()
    #expect(try ConfigTree(encoding: value).decode(Everything.self) == value)
  }

  @Test func encoderAgreesWithJSON() throws {
    let value = Everything()
    let judge = try JSONDecoder().decode(ConfigTree.self, from: JSONEncoder().encode(value))
    #expect(try ConfigTree(encoding: value) == judge)
  }

  @Test func floatsAreWrittenAsPeopleWriteThem() throws {
    #expect(try ConfigTree(encoding: Everything())["short"] == .double(0.1))
  }

  @Test func whatASettingCannotHoldThrows() {
    #expect(
      message { _ = try ConfigTree(encoding: ["seeds": [UInt64.max]]) }
        == "config: seeds[0]: 18446744073709551615 is larger than the largest setting, 9223372036854775807")
    #expect(
      message { _ = try ConfigTree.int(300).decode(Int8.self, at: "x") }
        == "config: x: expected a whole number from -128 to 127, found the number 300")
    #expect(throws: ConfigError.self) { try ConfigTree.double(1e300).decode(Float.self) }
  }

  @Test func requiredSettingsSayWhatTheirSectionHas() {
    struct Strict: Decodable { var teacher: String }
    #expect(
      message { _ = try ConfigTree.table(["techer": .null]).decode(Strict.self) }
        == "config: teacher: is required, but this section has only: techer")
  }

  @Test func canonicalJSONIsJSONWithSortedKeys() throws {
    let tree: ConfigTree = .table([
      "b": .list([.int(1), .double(0.25), .null, .bool(false)]), "a": .string("\"\\\n\u{1}\u{7f}\u{e9}"),
      "c": .table([:]),
    ])
    let json = tree.canonicalJSON
    #expect(try JSONDecoder().decode(ConfigTree.self, from: Data(json.utf8)) == tree)
    #expect(json.hasPrefix("{\"a\":") && json.hasSuffix(",\"b\":[1,0.25,null,false],\"c\":{}}"), "\(json)")
    #expect(ConfigTree.double(1).canonicalJSON != ConfigTree.int(1).canonicalJSON)
  }

  @Test func differencesNameOnlyWhatChanged() throws {
    let before = try ConfigTree(yaml: "{ a: { b: 1, c: [1, { d: 2 }] }, e: .nan, gone: 1 }")
    let after = try ConfigTree(yaml: "{ a: { b: 1, c: [1, { d: 3 }] }, e: .nan, new: [1] }")
    #expect(
      after.differences(from: before).map(\.description) == [
        "a.c[1].d: 2, now 3", "gone: 1, now absent", "new: absent, now [1]",
      ])
    #expect(before.differences(from: before).isEmpty)
  }
}
