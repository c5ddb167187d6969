// A stage whose ports are known by kind only. Recipes make these; the graph checks them before anything runs.
import Foundation
import Plugins
import Recipes

/// A stage with its types hidden behind closures.
public struct AnyStage: Sendable {
  public let name: String
  public let settings: ConfigTree
  /// The kind of artifact that it takes; that of `Nothing` for a stage that starts from nothing.
  public let inputKind: String
  /// The kind of artifact that it makes.
  public let outputKind: String
  private let checkBody: @Sendable (Registry, String) throws -> Void
  private let runBody: @Sendable (any Artifact, RunContext) async throws -> any Artifact
  private let performBody: @Sendable (any Artifact, Run, String) async throws -> any Artifact

  /// Hides the types of `stage`; an input of the wrong kind is a `GraphError` when it runs.
  public init<S: Stage>(_ stage: S) {
    (name, settings) = (stage.name, stage.settings)
    (inputKind, outputKind) = (S.Input.kind, S.Output.kind)
    checkBody = { try stage.check(in: $0, at: $1) }
    runBody = { input, context in try await stage.run(Self.fit(input, to: stage), in: context) }
    performBody = { input, run, node in try await run.perform(stage, on: Self.fit(input, to: stage), as: node) }
  }

  /// What the stage can say before any work; see `Stage.check`.
  public func check(in registry: Registry, at path: String) throws { try checkBody(registry, path) }

  /// Runs the stage without Make's rule.
  public func run(_ input: any Artifact, in context: RunContext) async throws -> any Artifact {
    try await runBody(input, context)
  }

  /// Runs the stage as a node of a run, under Make's rule.
  func perform(on input: any Artifact, in run: Run, as node: String) async throws -> any Artifact {
    try await performBody(input, run, node)
  }

  /// The input as the stage's own type. Another type of the same kind is carried over through its encoded form.
  private static func fit<S: Stage>(_ input: any Artifact, to stage: S) throws -> S.Input {
    if let input = input as? S.Input { return input }
    let found = type(of: input).kind
    let misfit = GraphError.mismatch(
      stage: stage.name, at: nil, takes: S.Input.kind, wiredTo: found, from: nil)
    guard found == S.Input.kind else { throw misfit }
    do {
      return try ArtifactCoding.decode(S.Input.self, from: ArtifactCoding.encode(input))
    } catch {
      throw misfit
    }
  }
}

/// Artifacts as JSON: sorted keys, and figures that are not finite as text, so that no result is ever lost to writing.
enum ArtifactCoding {
  static func encode(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try encoder.encode(value)
  }

  static func decode<T: Decodable>(_ type: T.Type, from data: Data) throws -> T {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(type, from: data)
  }
}
