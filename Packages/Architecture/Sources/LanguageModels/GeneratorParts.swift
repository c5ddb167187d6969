// Ways to generate, by name, so that a recipe can choose one and training needs to know none.
import Plugins
import Text

/// Makes a generator for a model. `concurrency` is how many sequences the caller would like to run at once, and `form`
/// the attention form whose log-probabilities it will compare.
public struct GeneratorMaker: Sendable {
  public let make:
    @Sendable (_ model: any LanguageModel, _ tokenizer: any Tokenizer, _ concurrency: Int, _ form: AttentionForm) ->
      any Generator
  public init(
    _ make: @escaping @Sendable (any LanguageModel, any Tokenizer, Int, AttentionForm) -> any Generator
  ) {
    self.make = make
  }
}

/// The shelf of generators.
public enum GeneratorParts: PartKind {
  public typealias Product = GeneratorMaker
  public static let noun = "generator"
}

extension Registry {
  /// Generators by name: `naive`, and those of plugins.
  public var generators: Catalog<GeneratorMaker> {
    get { self[GeneratorParts.self] }
    set { self[GeneratorParts.self] = newValue }
  }
}

/// Brings the naive generator.
public struct LanguageModelParts: Plugin {
  public let name = "language-models"
  public init() {}
  public func register(in registry: inout Registry) throws {
    try registry.generators.add("naive") { _, _ in
      GeneratorMaker { model, tokenizer, _, _ in NaiveGenerator(model, tokenizer: tokenizer) }
    }
  }
}
