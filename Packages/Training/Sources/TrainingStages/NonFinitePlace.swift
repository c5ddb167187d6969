// Where numbers stopped being numbers: the weights are looked at, then the step is run once more under a probe.
import Instruments
import LanguageModels
import Layers
import Tensors

/// The first place, in the order of the forward pass and then of the way back, where a number was infinite or NaN.
public struct NonFinitePlace: Sendable, Equatable {
  /// Named as in a checkpoint, for example "model.layers.0.self_attn.o_proj"; nil when no module could be told.
  public var module: String?
  /// What was not finite there, for example "the output of linear in model.layers.0.self_attn.o_proj".
  public var what: String
  /// The part of the batch that showed it, counted from 1, where it went through the model in several.
  public var part: Int?
}

extension NonFinitePlace {
  init(weight name: String, _ remark: String = "") {
    self.init(module: moduleName(of: [name]), what: "the weight \(name)\(remark)")
  }

  init(_ result: NonFiniteResult, part: Int?) {
    module = moduleName(of: result.names)
    self.part = part
    let near = module.map { result.readsNamed ? " in \($0)" : " behind \($0)" } ?? " before any module"
    what = "\(result.isGradient ? "a gradient" : "the output") of \(result.operation)\(near)"
  }
}

/// The module that all these parameters are of: what their names begin with, without a parameter's own name.
private func moduleName(of parameters: [String]) -> String? {
  guard let first = parameters.first else { return nil }
  var common = first.split(separator: ".").dropLast()
  for name in parameters.dropFirst() {
    common = common.prefix(zip(common, name.split(separator: ".")).prefix { $0 == $1 }.count)
  }
  return common.isEmpty ? first : common.joined(separator: ".")
}

extension Module {
  /// The first parameter or piece of state, in the order of the walk, that is not finite.
  var firstNonFinite: String? { parameters.first { !$0.tensor.isFinite }?.name }
}

extension LanguageModel {
  /// Why the loss of `parts` or its gradient `total` is not finite. `loss` is called again for each part until one shows
  /// it, on a copy of this model whose every operation is looked at; it must give what it gave before.
  func firstNonFinitePlace<Part>(
    _ parts: [Part], _ total: Gradients?, _ loss: (any LanguageModel, Part) -> Tensor
  ) -> NonFinitePlace {
    if let name = firstNonFinite { return NonFinitePlace(weight: name) }
    for (index, part) in parts.enumerated() {
      guard let result = probe(part, loss) else { continue }
      return NonFinitePlace(result, part: parts.count > 1 ? index + 1 : nil)
    }
    // Parts that are finite alone may add up to what is not.
    if let name = parameters.first(where: { total?.byName[$0.name]?.isFinite == false })?.name {
      return NonFinitePlace(module: moduleName(of: [name]), what: "the gradient of \(name), summed over the parts")
    }
    return NonFinitePlace(module: nil, what: "nothing, when the step was repeated")
  }

  private func probe<Part>(_ part: Part, _ loss: (any LanguageModel, Part) -> Tensor) -> NonFiniteResult? {
    let probe = ProbingBackend(device.backend, watching: parameters.map { ($0.name, $0.tensor) })
    var (watched, move) = (self, Move(device: Device(probe)))
    watched.visit(&move)
    _ = Layers.valueAndGradients(of: watched) { tracked in
      let value = loss(tracked, part)
      probe.beginGradients()
      return value
    }
    return probe.first
  }
}

/// Shows the same storage on another device. Tensors inherit their device from their first operand, so what is made
/// from the parameters is computed there.
private struct Move: ParameterVisitor {
  var path: [String] = []
  let device: Device
  init(device: Device) { self.device = device }
  mutating func visit(_ tensor: inout Tensor, isTrained: Bool) {
    tensor = Tensor(shape: tensor.shape, dtype: tensor.dtype, device: device, storage: tensor.storage)
  }
}
