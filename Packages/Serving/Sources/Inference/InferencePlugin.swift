// The engine as a part that recipes can name.
import LanguageModels
import Plugins

/// Registers the batched engine as the generator `engine`.
public struct InferencePlugin: Plugin {
  public let name = "inference"
  public init() {}
  public func register(in registry: inout Registry) throws {
    try registry.generators.add("engine") { _, _ in
      GeneratorMaker { model, tokenizer, concurrency, form in
        var settings = EngineSettings()
        (settings.slots, settings.form) = (concurrency, form)
        return InferenceEngine(model, tokenizer: tokenizer, settings: settings)
      }
    }
  }
}
