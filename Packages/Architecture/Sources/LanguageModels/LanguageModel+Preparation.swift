// What can be done for a model before its first token: weights take the layout that products read while somebody else
// still reads the tokenizer.
import Layers
import Tensors

extension LanguageModel {
  /// Has the backend prepare the matrices that every token is multiplied by. Routed experts wait for a token that goes
  /// to them, and a table that rows are only gathered from needs nothing. Results are the same with it and without.
  public func prepare() {
    let parameters = parameters
    let hasHead = parameters.contains { $0.name == "lm_head.weight" }
    for parameter in parameters where isReadByEveryToken(parameter.name, hasHead: hasHead) {
      device.backend.prepare(parameter.tensor)
    }
  }

  private func isReadByEveryToken(_ name: String, hasHead: Bool) -> Bool {
    if name.contains(".experts.") { return false }
    return isHiddenMatrix(name) || name == (hasHead ? "lm_head.weight" : "model.embed_tokens.weight")
  }
}
