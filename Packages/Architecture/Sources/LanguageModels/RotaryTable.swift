// Cosines and sines of every position, made once for a model.
import Foundation
import Tensors

/// Cosines and sines of every position up to a length, [positions, width / 2].
package struct RotaryTable: Sendable {
  package let cosines: Tensor
  package let sines: Tensor

  package init(_ settings: RotarySettings, width: Int, positions: Int, on device: Device) {
    let (frequencies, scale) = (settings.frequencies(width: width), settings.tableScale)
    let angles = (0..<positions).flatMap { p in frequencies.map { Float(Double(p) * $0) } }
    cosines = Tensor(angles.map { Float(cos(Double($0)) * scale) }, shape: [positions, width / 2], on: device)
    sines = Tensor(angles.map { Float(sin(Double($0)) * scale) }, shape: [positions, width / 2], on: device)
  }
}
