// Where parameters come from when a model is built.
import Tensors

/// What a parameter is for, which decides how a fresh one begins and in what form a stored one may stay.
public enum ParameterRole: Sendable {
  case matrix, embedding, scale, bias
  /// A matrix that is float32 whatever its file holds: a gate, whose last bits decide.
  case wideMatrix
}

/// A checkpoint, a random stream, or a dry run that only counts.
public protocol WeightSource: Sendable {
  /// Throws when the source cannot provide `name` with exactly `shape`.
  func tensor(_ name: String, shape: Shape, role: ParameterRole) throws -> Tensor
  /// Whether the source has `name`; fresh sources have every name.
  func has(_ name: String) -> Bool
}

/// A source scoped to one place in the model: `weights["layers"][3]["mlp"]`.
public struct Weights: Sendable {
  private let source: any WeightSource
  private let path: String
  public init(_ source: some WeightSource) { self.init(source: source, path: "") }
  private init(source: any WeightSource, path: String) { (self.source, self.path) = (source, path) }
  public subscript(_ name: String) -> Weights { Weights(source: source, path: path.isEmpty ? name : "\(path).\(name)") }
  public subscript(_ index: Int) -> Weights { self[String(index)] }
  public func tensor(_ name: String, _ shape: Shape, _ role: ParameterRole = .matrix) throws -> Tensor {
    try source.tensor(self[name].path, shape: shape, role: role)
  }
  public func has(_ name: String) -> Bool { source.has(self[name].path) }
}

/// Fresh weights: normal numbers of one standard deviation for matrices and embeddings, 1 for scales, 0 for biases.
/// A tensor depends on the seed and its name only, not on the order of building.
public struct FreshWeights: WeightSource {
  let seed: UInt64
  let standardDeviation: Float
  let device: Device
  public init(seed: UInt64, standardDeviation: Float, on device: Device) {
    (self.seed, self.standardDeviation, self.device) = (seed, standardDeviation, device)
  }
  public func has(_ name: String) -> Bool { true }
  public func tensor(_ name: String, shape: Shape, role: ParameterRole) -> Tensor {
    switch role {
    case .scale: return Tensor(repeating: 1, shape: shape, on: device)
    case .bias: return Tensor(repeating: 0, shape: shape, on: device)
    case .matrix, .wideMatrix, .embedding:
      // FNV-1a of the name: a fixed function of its bytes, unlike Swift's seeded hash.
      let hash = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
      var random = RandomStream(seed: seed, path: hash)
      return Tensor((0..<shape.count).map { _ in random.normal() * standardDeviation }, shape: shape, on: device)
    }
  }
}
