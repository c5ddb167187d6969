// A routed layer as the paper prints it, one token at a time in double precision, with the experts said from outside:
// what replay is judged by.
import Foundation
import Layers
import Tensors

@testable import DeepSeek

/// y = Σ_k w_k · E_k(x) + E_shared(x), with w the normalised scores of the given experts, scaled (DeepSeek-V3, equations
/// 12 to 16).
struct PlainExperts {
  /// Rows of the router's matrix, by expert.
  var gate: [[Double]]
  private let experts: [Expert]
  private let shared: Expert?
  private let scale: Double

  private struct Expert {
    let gate, up, down: [[Double]]
    func callAsFunction(_ x: [Double]) -> [Double] {
      let inner = zip(PlainExperts.product(gate, x), PlainExperts.product(up, x)).map { g, u in g / (1 + exp(-g)) * u }
      return PlainExperts.product(down, inner)
    }
  }

  init(_ layer: MixtureOfExperts) {
    func rows(_ tensor: Tensor) -> [[Double]] {
      let (all, width) = (tensor.floats().map(Double.init), tensor.shape[1])
      return stride(from: 0, to: all.count, by: width).map { Array(all[$0..<$0 + width]) }
    }
    gate = rows(layer.router.gate)
    experts = layer.experts.map {
      Expert(gate: rows($0.gate.weight), up: rows($0.up.weight), down: rows($0.down.weight))
    }
    shared = layer.shared.map {
      Expert(gate: rows($0.gate.weight), up: rows($0.up.weight), down: rows($0.down.weight))
    }
    scale = layer.router.settings.routedScale
  }

  private static func product(_ matrix: [[Double]], _ x: [Double]) -> [Double] {
    matrix.map { row in
      var sum = 0.0
      for i in row.indices { sum += row[i] * x[i] }
      return sum
    }
  }

  /// The layer's output for one token that goes to `chosen`.
  func callAsFunction(_ x: [Double], to chosen: [Int]) -> [Double] {
    let scores = Self.product(gate, x).map { 1 / (1 + exp(-$0)) }
    let total = chosen.reduce(0) { $0 + scores[$1] }
    var y = shared.map { $0(x) } ?? x.map { _ in 0 }
    for expert in chosen {
      let weight = scale * scores[expert] / total
      for (i, value) in experts[expert](x).enumerated() { y[i] += weight * value }
    }
    return y
  }
}
