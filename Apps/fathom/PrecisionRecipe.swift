// The recipe of a comparison of precisions: the demo's corpus, and its base once for each seed and precision.
import Foundation
import Recipes
import Tensors

/// A corpus, a base, and which runs of the base there are.
struct PrecisionRecipe: Sendable {
  typealias Member = PrecisionComparison.Member
  /// The subcommand that takes a comparison up again.
  static let command = "bench precision"
  private static let corpusStage = "corpus"

  private let corpus: ConfigTree
  private let base: [String: ConfigTree]
  private let firstSeed: Int
  /// Seed after seed, so that pairs are complete early.
  private(set) var members: [Member] = []

  /// The demo's, with changes; the reduced one unless `isFull`.
  init(demo isFull: Bool, _ changes: [String]) throws {
    let kept = ["stages.corpus.", "stages.base."]
    let reductions = isFull ? [] : DemoRecipe.reductions.filter { change in kept.contains { change.hasPrefix($0) } }
    let demo = try ConfigTree(yaml: DemoRecipe.text, source: "the demo's recipe").setting(reductions + changes)
    guard let corpus = demo["stages"]?[Self.corpusStage], case .table(let base)? = demo["stages"]?["base"] else {
      throw ConfigError(path: "stages", problem: "expected the demo's stages 'corpus' and 'base'")
    }
    (self.corpus, self.base) = (corpus, base)
    guard case .int(let seed) = base["seed"] ?? demo["seed"] ?? .int(0) else {
      throw ConfigError(path: "seed", problem: "expected a whole number")
    }
    firstSeed = seed
  }

  /// That of a comparison in `directory`.
  init(_ recipe: ConfigTree, of directory: String) throws {
    guard case .table(let stages)? = recipe["stages"], let corpus = stages[Self.corpusStage] else {
      throw CommandError("\(directory): the run is no comparison of precisions; it has no stage 'corpus'")
    }
    var (members, base): ([Member], [String: ConfigTree]) = ([], [:])
    for (name, stage) in stages where name != Self.corpusStage {
      guard case .table(let settings) = stage, case .int(let seed)? = settings["seed"],
        case .string(let precision)? = settings["precision"],
        Self.stage(of: Member(precision: precision, seed: seed)) == name
      else {
        throw CommandError("\(directory): the run is no comparison of precisions; '\(name)' is no stage of one")
      }
      members.append(Member(precision: precision, seed: seed))
      base = settings
    }
    guard let first = members.map(\.seed).min() else {
      throw CommandError("\(directory): the run is no comparison of precisions; it trains nothing")
    }
    (self.corpus, self.base, firstSeed) = (corpus, base, first)
    self.members = members
  }

  /// Adds what is missing of so many seeds, at least those that are there, in each precision, those that are there too.
  mutating func add(_ precisions: [Precision], seeds: Int) {
    let end = max(firstSeed + seeds, members.map { $0.seed + 1 }.max() ?? firstSeed)
    let wanted = precisions.map(\.rawValue)
    let all = wanted + Set(members.map(\.precision)).subtracting(wanted).sorted()
    members = (firstSeed..<end).flatMap { seed in all.map { Member(precision: $0, seed: seed) } }
  }
  /// Those that are compared with `other`.
  func precisions(besides other: Precision) -> [String] {
    var names: [String] = []
    for member in members where member.precision != other.rawValue && !names.contains(member.precision) {
      names.append(member.precision)
    }
    return names
  }

  static func stage(of member: Member) -> String { "seed\(member.seed)-\(member.precision)" }

  /// The whole comparison.
  var tree: ConfigTree { tree(of: members) }
  /// The corpus and one run.
  func tree(of member: Member) -> ConfigTree { tree(of: [member]) }

  private func tree(of members: [Member]) -> ConfigTree {
    var stages = [Self.corpusStage: corpus]
    for member in members {
      stages[Self.stage(of: member)] = .table(
        base.merging(["precision": .string(member.precision), "seed": .int(member.seed)]) { $1 })
    }
    return .table(["name": .string("precision"), "seed": .int(firstSeed), "stages": .table(stages)])
  }
}
