// Cosines and sines of positions, made for a model when a pass first reaches them: contexts are long, and most texts are
// short.
import Foundation
import Synchronization
import Tensors

/// Cosines and sines of a model's positions. Copies share what has been made.
package struct RotaryTable: Sendable {
  /// Both [positions from 0 on, width / 2].
  package struct Rows: Sendable {
    package let cosines: Tensor
    package let sines: Tensor
  }
  private final class Made: Sendable {
    let rows = Mutex<Rows?>(nil)
  }
  private let make: @Sendable (_ positions: Int) -> Rows
  private let most: Int
  private let made = Made()

  /// A table of at most `positions` positions for rotations of `width` numbers.
  package init(_ settings: RotarySettings, width: Int, positions: Int, on device: Device) {
    let (frequencies, scale) = (settings.frequencies(width: width), settings.tableScale)
    most = positions
    make = { positions in
      let angles = (0..<positions).flatMap { p in frequencies.map { Float(Double(p) * $0) } }
      func table(_ function: (Double) -> Double) -> Tensor {
        Tensor(angles.map { Float(function(Double($0)) * scale) }, shape: [positions, width / 2], on: device)
      }
      return Rows(cosines: table { cos($0) }, sines: table { sin($0) })
    }
  }

  /// Rows for at least the first `count` positions, or for all where there are fewer. A row has the same bits however
  /// many there are. Their number doubles, so that an answer that grows has them made a few times only.
  package func rows(reaching count: Int) -> Rows {
    made.rows.withLock { rows in
      let present = rows.map { $0.cosines.shape[0] } ?? 0
      if let rows, present >= min(count, most) { return rows }
      let new = make(min(most, max(count, 2 * present, 512)))
      rows = new
      return new
    }
  }
}
