// What can be done for a model before its first token: weights take the layout that products read while somebody else
// still reads the tokenizer.
import Layers
import Tensors

extension LanguageModel {
  /// Has the backend prepare the matrices that every token is multiplied by, for products in float32. Routed experts wait
  /// for a token that goes to them; a table that rows are only gathered from, the up-projection that is read head by head
  /// and the module that predicts further need nothing. Results are the same with it and without.
  public func prepare() {
    guard precision.projections == .float32 else { return }
    let parameters = parameters
    let hasHead = parameters.contains { $0.name == "lm_head.weight" }
    let prediction = parameters.first { $0.name.hasSuffix(".eh_proj.weight") }?.name.dropLast("eh_proj.weight".count)
    for parameter in parameters where isReadByEveryToken(parameter.name, hasHead: hasHead) {
      if let prediction, parameter.name.hasPrefix(prediction) { continue }
      device.backend.prepare(parameter.tensor)
    }
  }

  private func isReadByEveryToken(_ name: String, hasHead: Bool) -> Bool {
    if name.contains(".experts.") || name.hasSuffix(".kv_b_proj.weight") { return false }
    return isHiddenMatrix(name) || name == (hasHead ? "lm_head.weight" : "model.embed_tokens.weight")
  }
}
