// The plugin: one value that brings documents, problems and the verifier under one name.
import Datasets
import Plugins
import Recipes
import Rewards

/// Registers the document source, the problem source and the verifier `knights-and-knaves`.
public struct LogicPuzzles: Plugin {
  /// The name of all three parts.
  public static let partName = "knights-and-knaves"

  public let name = "logic-puzzles"
  public init() {}
  public func register(in registry: inout Registry) throws {
    try registry.documents.add(Self.partName, configuredBy: PuzzleCorpus.Settings.self) { try PuzzleCorpus($0) }
    try registry.problems.add(Self.partName, configuredBy: PuzzleProblems.Settings.self) { try PuzzleProblems($0) }
    try registry.verifiers.add(Self.partName) { _, _ in AssignmentVerifier() }
  }
}
