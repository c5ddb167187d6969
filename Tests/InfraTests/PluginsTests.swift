// The registry: parts are found by kind and name, and errors name everybody concerned.
import Plugins
import Recipes
import Testing

private protocol Judge: Sendable { var description: String { get } }

private struct LengthJudge: Judge {
  struct Settings: Configuration {
    var limit = 10
  }
  var limit: Int
  var description: String { "length \(limit)" }
}

private enum JudgeParts: PartKind {
  typealias Product = any Judge
  static var noun: String { "judge" }
}

private enum CounterParts: PartKind {
  typealias Product = Int
  static var noun: String { "counter" }
}

extension Registry {
  fileprivate var judges: Catalog<any Judge> {
    get { self[JudgeParts.self] }
    set { self[JudgeParts.self] = newValue }
  }
}

private struct Judges: Plugin {
  var name: String
  var parts: [String]
  func register(in registry: inout Registry) throws {
    for part in parts {
      try registry.judges.add(part, configuredBy: LengthJudge.Settings.self) { LengthJudge(limit: $0.limit) }
    }
  }
}

private struct Counters: Plugin {
  let name = "counters"
  func register(in registry: inout Registry) throws {
    try registry[CounterParts.self].add("length") { settings, path in
      guard case .int(let start)? = settings["start"] else { throw ConfigError(path: path, problem: "has no start") }
      return start
    }
  }
}

private func message(_ work: () throws -> Void) -> String {
  do {
    try work()
    return "nothing was thrown"
  } catch {
    return "\(error)"
  }
}

@Suite struct PluginsTests {
  @Test func partsOfDifferentKindsDoNotMeet() throws {
    let registry = try Registry([Judges(name: "standard", parts: ["length", "format"]), Counters()])
    #expect(registry.judges.names == ["format", "length"])
    #expect(registry.judges.contains("format") && !registry.judges.contains("counter"))
    #expect(registry[CounterParts.self].names == ["length"])
    #expect(try registry[CounterParts.self].make("length", .table(["start": .int(4)])) == 4)
    #expect(try registry.judges.make("length", .table(["limit": .int(3)])).description == "length 3")
    #expect(try registry.judges.make("length").description == "length 10")
    #expect(registry.plugins == ["standard", "counters"])
    #expect(registry.contents.map(\.noun) == ["counter", "judge"])
    #expect(registry.contents.map(\.names) == [["length"], ["format", "length"]])
    #expect(registry.judges.plugin(of: "length") == "standard")
  }

  @Test func aRegistryIsAValue() throws {
    let registry = try Registry([Judges(name: "standard", parts: ["length"])])
    var changed = registry
    try changed.judges.add("mine") { _, _ in LengthJudge(limit: 1) }
    #expect(registry.judges.names == ["length"])
    #expect(changed.judges.names == ["length", "mine"])
  }

  @Test func duplicatesNameBothSides() throws {
    let standard = Judges(name: "standard-judges", parts: ["accuracy"])
    #expect(
      message { _ = try Registry([standard, Judges(name: "my-judges", parts: ["accuracy"])]) }
        == "two plugins register the judge 'accuracy': 'standard-judges' and 'my-judges'")
    #expect(
      message { _ = try Registry([Judges(name: "odd", parts: ["a", "a"])]) }
        == "the plugin 'odd' registers the judge 'a' twice")
    #expect(message { _ = try Registry([standard, standard]) }.contains("'standard-judges' is listed twice"))
    var registry = try Registry([standard])
    #expect(
      message { try registry.judges.add("accuracy") { _, _ in LengthJudge(limit: 1) } }
        == "the judge 'accuracy' is registered twice: by the plugin 'standard-judges' and by the app")
  }

  @Test func unknownNamesListWhatIsInstalled() throws {
    let registry = try Registry([Judges(name: "standard", parts: ["length", "boxed-answer", "format"])])
    #expect(
      message { _ = try registry.judges.make("boxd-answer") }
        == "no judge 'boxd-answer'; installed: boxed-answer, format, length (did you mean 'boxed-answer'?)")
    #expect(message { _ = try registry[CounterParts.self].make("x") } == "no counter 'x'; installed: none")
  }

  @Test func settingsErrorsBeginWhereTheSectionStands() throws {
    let registry = try Registry([Judges(name: "standard", parts: ["length"])])
    let typo = ConfigTree.table(["limt": .int(1)])
    #expect(
      message { _ = try registry.judges.make("length", typo, at: "grpo.judges[2]") }
        == "config: grpo.judges[2].limt: no such setting; this section has: limit (did you mean 'limit'?)")
    #expect(message { _ = try registry.judges.make("length", typo) }.hasPrefix("config: length.limt: "))
  }
}
