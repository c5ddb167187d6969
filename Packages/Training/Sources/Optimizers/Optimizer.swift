// Weights moved along gradients, in place when nobody else holds them.
import Layers
import Tensors

/// An optimizer and its state. The state is walked like a model's parameters, so it is saved by the same code.
public struct Optimizer: Module {
  public let settings: OptimizerSettings
  /// Steps taken so far.
  public private(set) var step = 0
  /// First and second moments by parameter (AdamW), or the momentum alone (Muon).
  private var moments: [String: [Tensor]] = [:]

  /// Without moments it moves no parameter: the other initializer prepares them.
  private init(_ settings: OptimizerSettings, step: Int = 0) { (self.settings, self.step) = (settings, step) }

  /// Prepares zero moments for every trained parameter, so that a saved state can be loaded over them. AdamW's are
  /// float32 or bfloat16; Muon's momentum is float32.
  public init(
    _ settings: OptimizerSettings, for model: some Module, isHiddenMatrix: (String) -> Bool, step: Int = 0,
    moments dtype: DType = .float32
  ) {
    Self.requireMoments(dtype)
    self.init(settings, step: step)
    for parameter in model.parameters where parameter.isTrained {
      let usesMuon = settings.kind == .muon && isHiddenMatrix(parameter.name)
      let zero = { Tensor(repeating: 0, shape: parameter.tensor.shape, on: parameter.tensor.device) }
      moments[parameter.name] = usesMuon ? [zero()] : [zero().cast(to: dtype), zero().cast(to: dtype)]
    }
  }

  /// Stores AdamW's moments in `dtype`, float32 or bfloat16, from now on.
  public mutating func keepMoments(in dtype: DType) {
    Self.requireMoments(dtype)
    for (name, state) in moments where state.count == 2 { moments[name] = state.map { $0.cast(to: dtype) } }
  }

  public mutating func visit(_ visitor: inout some ParameterVisitor) {
    for name in moments.keys.sorted() {
      for index in moments[name]!.indices {
        visitor("\(name).\(["momentum", "variance"][index])", &moments[name]![index], isTrained: false)
      }
    }
  }

  private static func requireMoments(_ dtype: DType) {
    precondition([.float32, .bfloat16].contains(dtype), "Optimizer: moments of \(dtype) are not float32 or bfloat16")
  }

  /// One step. Returns the gradient's norm before clipping; who knows it already hands it in.
  @discardableResult
  public mutating func update(
    _ model: inout some Module, along gradients: Gradients, norm known: Double? = nil, multiplier: Double
  ) -> Double {
    let norm = known ?? gradients.norm()
    let scale = settings.clip > 0 && norm > settings.clip ? settings.clip / norm : 1
    step += 1
    let directions = orthogonalDirections(gradients, scale: Float(scale))
    var walk = UpdateWalk(
      settings: settings, step: step, multiplier: multiplier, scale: Float(scale), gradients: gradients,
      directions: directions, moments: moments)
    moments = [:]
    model.visit(&walk)
    moments = walk.moments
    return norm
  }

  /// Muon (Jordan et al. 2024): momentum with Nesterov's look ahead, made orthogonal.
  private mutating func orthogonalDirections(_ gradients: Gradients, scale: Float) -> [String: Tensor] {
    let names = moments.keys.filter { moments[$0]!.count == 1 && gradients.byName[$0] != nil }.sorted()
    let momentum = Float(settings.momentum)
    var ahead: [(String, Tensor)] = []
    for name in names {
      let g = gradients.byName[name]!
      var target = [moments[name]![0].taken()]
      ScaledAddition(decay: momentum, factor: scale)(&target, [g])
      moments[name]![0] = target[0]
      ahead.append((name, g * scale + target[0] * momentum))
    }
    return orthogonalized(ahead)
  }
}

private struct UpdateWalk: ParameterVisitor {
  var path: [String] = []
  let settings: OptimizerSettings
  let step: Int
  let multiplier: Double
  let scale: Float
  let gradients: Gradients
  let directions: [String: Tensor]
  var moments: [String: [Tensor]]

  mutating func visit(_ tensor: inout Tensor, isTrained: Bool) {
    guard isTrained else { return }
    let name = name
    if let direction = directions[name] {
      let (rows, columns) = (Double(tensor.shape[0]), Double(tensor.shape[1]))
      let rate = settings.matrixLearningRate * multiplier
      var target = [tensor.taken()]
      ScaledAddition(
        decay: Float(1 - rate * settings.matrixWeightDecay), factor: Float(-rate * max(1, rows / columns).squareRoot())
      )(&target, [direction])
      tensor = target[0]
    } else if let g = gradients.byName[name], var state = moments.removeValue(forKey: name) {
      var targets = [tensor.taken()] + state.indices.map { state[$0].taken() }
      state = []
      // Norms, biases and single vectors are not decayed.
      let decay = targets[0].shape.rank > 1 ? settings.weightDecay : 0
      AdamWUpdate(
        learningRate: Float(settings.learningRate * multiplier), beta1: Float(settings.beta1),
        beta2: Float(settings.beta2),
        epsilon: Float(settings.epsilon), weightDecay: Float(decay), step: step, gradientScale: scale
      )(&targets, [g])
      tensor = targets[0]
      moments[name] = Array(targets.dropFirst())
    }
  }
}
