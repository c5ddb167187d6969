// Compares one answer with the reference. The dataset that asks a question brings the verifier that can read answers
// to it, so rewards need not know any dataset.
import Plugins

/// Judges the text of an answer, tags already removed. Called by rewards, with whatever a model wrote.
/// Must return for any text whatever in time linear in it, and give the problem's own `answer` full marks.
public protocol Verifier: Sendable {
  /// How `answer`, which may be any text, compares with `problem.answer`.
  func verify(_ answer: String, against problem: Problem) -> Score
}

/// Verifiers, as a kind of part.
public enum VerifierParts: PartKind {
  public typealias Product = any Verifier
  public static var noun: String { "verifier" }
}

extension Registry {
  /// The verifiers that problems can name.
  public var verifiers: Catalog<any Verifier> {
    get { self[VerifierParts.self] }
    set { self[VerifierParts.self] = newValue }
  }
}

/// Verifiers ready for use, by the name that problems call them.
public struct VerifierSet: Sendable {
  private let verifiers: [String: any Verifier]

  public init(_ verifiers: [String: any Verifier] = [:]) { self.verifiers = verifiers }

  /// Every verifier of the registry, each with its default settings.
  public init(from registry: Registry) throws {
    let catalog = registry.verifiers
    verifiers = try Dictionary(uniqueKeysWithValues: catalog.names.map { ($0, try catalog.make($0)) })
  }

  /// The names it knows, sorted.
  public var names: [String] { verifiers.keys.sorted() }

  /// The verifier that `problem` names; throws `RewardError.unknownVerifier`.
  public func verifier(of problem: Problem) throws -> any Verifier {
    guard let verifier = verifiers[problem.verifier] else {
      throw RewardError.unknownVerifier(problem.verifier, problem: problem.id, installed: names)
    }
    return verifier
  }
}
