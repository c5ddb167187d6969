// What is wrong with the wiring of a recipe. All of it is found before the first second of work.
import Recipes
import Sentences

/// A graph that cannot run.
public enum GraphError: Error, Equatable, CustomStringConvertible {
  /// Two ports of different kinds. `at` is the node's place in the recipe, `from` the node it is wired to.
  case mismatch(stage: String, at: String?, takes: String, wiredTo: String, from: String?)
  /// A stage that needs an input and has no `from`. `candidates` are the nodes that make one.
  case unwired(stage: String, at: String, takes: String, candidates: [String])
  case unknownSource(String, at: String, nodes: [String])
  /// Nodes that wait for each other, each for the next.
  case cycle([String])

  public var description: String { sentenceLine(sentence) }

  private var sentence: String {
    switch self {
    case .mismatch(let stage, let path, let takes, let found, let node):
      let place = path.map { " (\($0))" } ?? ""
      let source = node.map { " ('\($0)')" } ?? ""
      return "stage '\(stage)'\(place) takes \(Self.article(takes)), but it is wired to \(Self.article(found))\(source)"
    case .unwired(let stage, let path, let takes, let candidates):
      let makers =
        candidates.isEmpty ? "no node makes one" : "nodes that make one: \(candidates.joined(separator: ", "))"
      return "stage '\(stage)' (\(path)) takes \(Self.article(takes)), but it has no 'from'; \(makers)"
    case .unknownSource(let name, let path, let nodes):
      return "\(path).from: there is no node '\(name)'; this recipe has: \(nodes.joined(separator: ", "))"
        + didYouMean(name, among: nodes)
    case .cycle(let nodes):
      return "stages wait for each other in a circle: \((nodes + nodes.prefix(1)).joined(separator: " <- "))"
    }
  }

  private static func article(_ kind: String) -> String {
    if kind == Nothing.kind { return kind }
    return ("aeiou".contains(kind.prefix(1).lowercased()) && !kind.isEmpty ? "an " : "a ") + kind
  }
}
