// Movement of elements of any width: copies of the longest runs that stay together.
import Tensors

extension CPUBackend {
  func move(_ call: Call, into out: Storage) -> Bool {
    guard call.operands.allSatisfy({ $0.dtype == call.dtype }) else { return false }
    let width = call.dtype.blockBytes
    let result = call.result
    switch call.primitive {
    case .slice(let axis, let start):
      let x = call.operands[0]
      let inner = x.shape.extents[(axis + 1)...].reduce(1, *) * width
      copyRuns(result, axis, inner) { outer in
        let from = x.storage.address + (outer * x.shape[axis] + start) * inner
        return (from, out.address + outer * result[axis] * inner, result[axis] * inner)
      }
    case .pad(let axis, let before):
      let x = call.operands[0]
      let inner = x.shape.extents[(axis + 1)...].reduce(1, *) * width
      out.address.initializeMemory(as: UInt8.self, repeating: 0, count: result.count * width)
      copyRuns(result, axis, inner) { outer in
        let from = x.storage.address + outer * x.shape[axis] * inner
        return (from, out.address + (outer * result[axis] + before) * inner, x.shape[axis] * inner)
      }
    case .concatenate(let axis):
      let inner = result.extents[(axis + 1)...].reduce(1, *) * width
      var start = 0
      for x in call.operands {
        let at = start
        copyRuns(result, axis, inner) { outer in
          let from = x.storage.address + outer * x.shape[axis] * inner
          return (from, out.address + (outer * result[axis] + at) * inner, x.shape[axis] * inner)
        }
        start += x.shape[axis]
      }
    case .transpose(let permutation):
      let strides = call.operands[0].shape.strides
      gatherStrided(call.operands[0], result, permutation.map { strides[$0] }, width, out)
    case .broadcast:
      let x = call.operands[0]
      let missing = result.rank - x.shape.rank
      let strides = (0..<result.rank).map {
        $0 < missing || x.shape[$0 - missing] == 1 ? 0 : x.shape.strides[$0 - missing]
      }
      gatherStrided(x, result, strides, width, out)
    default: return false
    }
    return true
  }

  private func copyRuns(
    _ result: Shape, _ axis: Int, _ inner: Int, _ run: (Int) -> (UnsafeMutableRawPointer, UnsafeMutableRawPointer, Int)
  ) {
    let outer = result.extents[..<axis].reduce(1, *)
    pool.forEachRange(outer, grain: max(1, 32_768 / max(1, inner * result[axis]))) { range in
      for o in range {
        let (source, target, count) = run(o)
        target.copyMemory(from: source, byteCount: count)
      }
    }
  }

  /// result[c] = x[Σ c·strides], strides in elements.
  private func gatherStrided(_ x: Tensor, _ result: Shape, _ strides: [Int], _ width: Int, _ out: Storage) {
    func gather<Element>(_ element: Element.Type) {
      gatherStrided(
        x.storage.address.assumingMemoryBound(to: element), result, strides,
        out.address.assumingMemoryBound(to: element))
    }
    switch width {
    case 4: gather(Int32.self)
    case 2: gather(UInt16.self)
    default: gather(UInt8.self)
    }
  }
  private func gatherStrided<Element>(
    _ x: UnsafePointer<Element>, _ result: Shape, _ strides: [Int], _ out: UnsafeMutablePointer<Element>
  ) {
    if result.count == 0 { return }
    guard let last = result.extents.last, let step = strides.last else {
      out[0] = x[0]
      return
    }
    let rows = result.count / last
    let outer = Array(result.extents.dropLast())
    pool.forEachRange(rows, grain: max(1, 8192 / last)) { range in
      for row in range {
        var (rest, base) = (row, 0)
        for axis in stride(from: outer.count - 1, through: 0, by: -1) {
          base += rest % outer[axis] * strides[axis]
          rest /= outer[axis]
        }
        let (source, target) = (x + base, out + row * last)
        if step == 1 {
          target.update(from: source, count: last)
        } else {
          for i in 0..<last { target[i] = source[i * step] }
        }
      }
    }
  }
}
