// One entry of a recipe's `stages` on its way to a node: the wiring is taken out, the rest are the stage's settings.
import Plugins
import Recipes

struct Draft {
  let node: Graph.Node
  /// The entry with the stage's defaults filled in.
  let merged: ConfigTree

  init(_ name: String, _ entry: ConfigTree, seed: Int?, catalog: Catalog<AnyStage>) throws {
    let path = Graph.path(of: name)
    guard Run.isDirectoryName(name) else { throw RunError.badNodeName(name) }
    guard case .table(var settings) = entry else {
      throw ConfigError(
        path: path, problem: "expected a section such as { stage: pretrain, from: corpus }, found \(entry.summary)")
    }
    guard let kind = try Self.word(settings.removeValue(forKey: "stage"), at: "\(path).stage") else {
      throw ConfigError(path: path, problem: "has no 'stage'; installed: \(catalog.names.joined(separator: ", "))")
    }
    try catalog.require(kind, at: "\(path).stage")
    let source = try Self.word(settings.removeValue(forKey: "from"), at: "\(path).from")
    var stage = try catalog.make(kind, .table(settings), at: path)
    if let seed, settings["seed"] == nil, stage.settings["seed"] != nil {
      settings["seed"] = .int(seed)
      stage = try catalog.make(kind, .table(settings), at: path)
    }
    node = Graph.Node(name: name, source: source, stage: stage)
    var wiring: [String: ConfigTree] = ["stage": .string(kind)]
    wiring["from"] = source.map(ConfigTree.string)
    merged = .table(Self.filled(settings, from: stage.settings).merging(wiring) { $1 })
  }

  /// The settings a recipe gives, and beneath them those it leaves to the stage.
  private static func filled(_ given: [String: ConfigTree], from defaults: ConfigTree) -> [String: ConfigTree] {
    guard case .table(let all) = defaults else { return given }
    return all.merging(given) { standard, given in
      guard case .table(let section) = given else { return given }
      return .table(filled(section, from: standard))
    }
  }

  private static func word(_ tree: ConfigTree?, at path: String) throws -> String? {
    switch tree {
    case .string(let word): return word
    case nil, .null: return nil
    case let other?: throw ConfigError(path: path, problem: "expected a name, found \(other.summary)")
    }
  }
}
