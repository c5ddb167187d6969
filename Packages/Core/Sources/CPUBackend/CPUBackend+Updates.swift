// Updates in place.
import CKernels
import Tensors

extension CPUBackend {
  public func accelerate(_ update: any FusedUpdate, _ targets: inout [Tensor], _ inputs: [Tensor]) -> Bool {
    let numbers = update is RowReplacement ? inputs.prefix(1) : inputs[...]
    if let update = update as? AdamWUpdate, targets.dropFirst().allSatisfy({ $0.dtype == .bfloat16 }),
      targets[0].dtype == .float32, numbers.allSatisfy({ $0.dtype == .float32 })
    {
      adamW(update, &targets, inputs[0], kernels.rows.adamw_bf16)
      return true
    }
    guard targets.allSatisfy({ $0.dtype == .float32 }), numbers.allSatisfy({ $0.dtype == .float32 }) else {
      return false
    }
    switch update {
    case let update as AdamWUpdate: adamW(update, &targets, inputs[0], kernels.rows.adamw)
    case let update as ScaledAddition: scaledAddition(update, &targets, inputs[0])
    case let update as RowReplacement: replaceRows(update, &targets, inputs)
    default: return false
    }
    return true
  }

  public func sumOfSquares(_ x: Tensor) -> Double {
    precondition(x.dtype == .float32, "sum of squares: of \(x.dtype); float32 was expected")
    let elements = UnsafeBufferPointer(start: UnsafePointer(x.pointer), count: x.shape.count)
    return [Double](unsafeUninitializedCapacity: SquareBlocks.count(elements.count)) { sums, count in
      count = sums.count
      let target = sums.baseAddress
      pool.forEachRange(count, grain: 8) { for block in $0 { target?[block] = SquareBlocks.sum(block, of: elements) } }
    }.reduce(0, +)
  }

  /// The weight, its moments as the kernel stores them, the gradient, the factors of the update, and how many.
  private typealias AdamWKernel<Moment> = (
    UnsafeMutablePointer<Float>, UnsafeMutablePointer<Moment>, UnsafeMutablePointer<Moment>, UnsafePointer<Float>,
    Float, Float, Float, Float, Float, Float, Float, Float, Int
  ) -> Void

  private func adamW<Moment>(
    _ update: AdamWUpdate, _ targets: inout [Tensor], _ g: Tensor, _ kernel: AdamWKernel<Moment>
  ) {
    let count = targets[0].shape.count
    let c1 = AdamWUpdate.correction(update.beta1, update.step)
    let c2 = AdamWUpdate.correction(update.beta2, update.step)
    var (weight, first, second) = (targets[0].taken(), targets[1].taken(), targets[2].taken())
    defer { targets = [weight, first, second] }
    weight.mutate { w in
      first.mutate { m in
        second.mutate { v in
          pool.forEachRange(count, grain: 16_384) {
            let i = $0.lowerBound
            kernel(
              w.assumingMemoryBound(to: Float.self) + i, m.assumingMemoryBound(to: Moment.self) + i,
              v.assumingMemoryBound(to: Moment.self) + i, g.pointer + i, update.gradientScale, update.learningRate,
              update.beta1, update.beta2, update.epsilon, update.weightDecay, c1, c2, $0.count)
          }
        }
      }
    }
  }

  private func scaledAddition(_ update: ScaledAddition, _ targets: inout [Tensor], _ input: Tensor) {
    let count = input.shape.count
    targets[0].mutate { address in
      let target = address.assumingMemoryBound(to: Float.self)
      pool.forEachRange(count, grain: 16_384) {
        let i = $0.lowerBound
        if update.decay != 1 { kernels.rows.binary_scalar(CK_MULTIPLY, target + i, target + i, update.decay, $0.count) }
        kernels.rows.axpy(target + i, input.pointer + i, update.factor, $0.count)
      }
    }
  }

  private func replaceRows(_ update: RowReplacement, _ targets: inout [Tensor], _ inputs: [Tensor]) {
    update.check(targets, inputs)
    let (rows, index) = (inputs[0], inputs[1].storage.integers)
    let width = targets[0].shape[1]
    targets[0].mutate { address in
      let table = address.assumingMemoryBound(to: Float.self)
      // Rows of a memory lie far apart and are seldom in the cache: two threads wait for two of them at once.
      pool.forEachRange(rows.shape[0], grain: max(1, 4096 / max(1, width))) {
        for r in $0 { (table + Int(index[r]) * width).update(from: rows.pointer + r * width, count: width) }
      }
    }
  }
}
