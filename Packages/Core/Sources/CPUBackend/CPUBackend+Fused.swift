// Which fused operations run natively, and the small ones among them.
import CKernels
import Tensors

extension CPUBackend {
  public func accelerate(_ operation: any FusedOperation, _ inputs: [Tensor]) -> Outcome? {
    if let it = operation.exactly(LinearProduct.self) {
      return multiplies(inputs, it.precision) ? linear(it, inputs) : nil
    }
    if let it = operation.exactly(GroupedLinearProduct.self) {
      return multiplies(inputs, it.precision) ? grouped(it, inputs) : nil
    }
    if let it = operation.exactly(GatedFeedForward.self) { return areFloats(inputs) ? feedForward(it, inputs) : nil }
    if let it = operation.exactly(RMSNormalization.self) { return areFloats(inputs) ? rmsNorm(it, inputs) : nil }
    if let it = operation.exactly(SwiGLU.self) {
      return areFloats(inputs) && inputs[0].shape[1] % 2 == 0 ? swiGLU(it, inputs) : nil
    }
    if operation.exactly(Softmax.self) != nil { return areFloats(inputs) ? softmax(inputs[0]) : nil }
    if let it = operation.exactly(RotaryEmbedding.self) {
      let rows = min(inputs[1].shape[0], inputs[2].shape[0])
      return areFloats(inputs, butFor: 3, whichAreIn: 0..<rows) ? rotary(it, inputs) : nil
    }
    if let it = operation.exactly(CausalAttention.self) {
      let fits =
        it.isSelective ? areFloats(inputs, butFor: inputs.count - 1, whichAreIn: -1..<Int.max) : areFloats(inputs)
      return fits ? attention(it, inputs) : nil
    }
    if let it = operation.exactly(HeadwiseProduct.self) {
      return multipliesHeads(it, inputs) ? headwise(it, inputs) : nil
    }
    if let it = operation.exactly(ExpertCombine.self) {
      return areFloats(inputs, butFor: 2, whichAreIn: 0..<inputs[0].shape[0]) ? combine(it, inputs) : nil
    }
    if operation.exactly(CrossEntropy.self) != nil {
      return areFloats(inputs, butFor: 1, whichAreIn: Int.min..<inputs[0].shape[1]) ? crossEntropy(inputs) : nil
    }
    return nil
  }

  /// Kernels read float32 numbers and int32 indices inside their tables; all else is the definition's to judge.
  func areFloats(_ inputs: [Tensor], butFor index: Int = -1, whichAreIn range: Range<Int> = 0..<0) -> Bool {
    inputs.indices.allSatisfy { i in
      if i != index { return inputs[i].dtype == .float32 }
      guard inputs[i].dtype == .int32 else { return false }
      let indices = UnsafeBufferPointer(start: inputs[i].storage.integers, count: inputs[i].shape.count)
      return indices.allSatisfy { range.contains(Int($0)) }
    }
  }

  private func rmsNorm(_ operation: RMSNormalization, _ inputs: [Tensor]) -> Outcome {
    let (x, w) = (inputs[0], inputs[1])
    let (rows, width) = (x.shape[0], x.shape[1])
    let rstd = Tensor(shape: [rows], device: x.device, storage: allocate(byteCount: rows * 4))
    let output = make(x.shape, on: x.device) { y in
      pool.forEachRange(rows, grain: max(1, 16_384 / max(1, width))) {
        kernels.rows.rms_norm(
          y + $0.lowerBound * width, rstd.pointer + $0.lowerBound, x.pointer + $0.lowerBound * width, width, w.pointer,
          operation.epsilon, $0.count, width)
      }
    }
    let pullback = Pullback(adding: { g, sum in rmsNormGradient(g, x, w, rstd, &sum) })
    return Outcome(output, makingPullback: { pullback })
  }

  /// dw is summed over fixed blocks of rows and then over blocks in order, whatever the number of threads.
  private func rmsNormGradient(
    _ g: Tensor, _ x: Tensor, _ w: Tensor, _ rstd: Tensor, _ sum: inout Tensor?
  ) -> [Tensor?] {
    let (rows, width) = (x.shape[0], x.shape[1])
    let block = 256
    let blocks = max(1, (rows + block - 1) / block)
    let partial = make([blocks, width], on: x.device) { $0.update(repeating: 0, count: blocks * width) }
    let dx = addOrMake(x.shape, on: x.device, &sum) { dx, accumulates in
      pool.forEach(blocks) { i in
        let range = i * block..<min(rows, (i + 1) * block)
        kernels.rows.rms_norm_backward(
          dx + range.lowerBound * width, width, partial.pointer + i * width, g.pointer + range.lowerBound * width,
          x.pointer + range.lowerBound * width, width, w.pointer, rstd.pointer + range.lowerBound, range.count, width,
          accumulates ? 1 : 0)
      }
    }
    return [dx, partial.sum(axis: 0).reshaped(w.shape)]
  }

  private func rotary(_ operation: RotaryEmbedding, _ inputs: [Tensor]) -> Outcome {
    let (cosines, sines, positions) = (inputs[1], inputs[2], inputs[3])
    @Sendable func turn(_ x: Tensor, direction: Int32, to precision: Precision = .float32) -> Tensor {
      let (rows, width) = (x.shape[0], x.shape[1])
      return make(x.shape, on: x.device) { y in
        pool.forEachRange(rows, grain: max(1, 16_384 / max(1, width))) {
          let (from, to) = (x.pointer + $0.lowerBound * width, y + $0.lowerBound * width)
          to.update(from: from, count: $0.count * width)
          kernels.rows.rotary(
            to + operation.offset, from + operation.offset, width, width, width / operation.heads, cosines.pointer,
            sines.pointer, positions.storage.integers + $0.lowerBound, operation.isInterleaved ? 1 : 0, direction,
            $0.count, operation.heads, operation.width)
          if precision == .bfloat16 { kernels.bf16.round_values(to, width, $0.count, width) }
        }
      }
    }
    return Outcome(turn(inputs[0], direction: 1, to: operation.precision)) { [turn($0, direction: -1), nil, nil, nil] }
  }

  private func swiGLU(_ operation: SwiGLU, _ inputs: [Tensor]) -> Outcome {
    let x = inputs[0]
    let (rows, width) = (x.shape[0], x.shape[1] / 2)
    let grain = max(1, 8192 / max(width, 1))
    let output = make([rows, width], on: x.device) { y in
      pool.forEachRange(rows, grain: grain) {
        let from = x.pointer + $0.lowerBound * 2 * width
        kernels.rows.swiglu(y + $0.lowerBound * width, from, from + width, 2 * width, $0.count, width)
      }
    }
    return Outcome(
      output,
      keeping: {
        let kept = keep(x, in: operation.kept)
        return { g in [swiGLUGradient(g, kept())] }
      })
  }

  private func swiGLUGradient(_ g: Tensor, _ x: Tensor) -> Tensor {
    let (rows, width) = (x.shape[0], x.shape[1] / 2)
    return make(x.shape, on: x.device) { dx in
      pool.forEachRange(rows, grain: max(1, 8192 / max(width, 1))) {
        let (from, to) = (x.pointer + $0.lowerBound * 2 * width, dx + $0.lowerBound * 2 * width)
        kernels.rows.swiglu_backward(
          to, to + width, nil, g.pointer + $0.lowerBound * width, from, from + width, 2 * width, $0.count, width)
      }
    }
  }

  /// dx = (g − Σ g · y) · y along each row.
  private func softmax(_ x: Tensor) -> Outcome {
    let (rows, width) = (x.shape[0], x.shape[1])
    let y = make(x.shape, on: x.device) { y in
      pool.forEachRange(rows, grain: max(1, 8192 / max(1, width))) {
        kernels.rows.softmax(y + $0.lowerBound * width, x.pointer + $0.lowerBound * width, $0.count, width)
      }
    }
    return Outcome(y) { g in [(g - (g * y).sum(axis: 1).broadcast(to: y.shape)) * y] }
  }

  private func crossEntropy(_ inputs: [Tensor]) -> Outcome {
    let (logits, targets) = (inputs[0], inputs[1])
    let (rows, width) = (logits.shape[0], logits.shape[1])
    let grain = max(1, 8192 / max(1, width))
    let lse = Tensor(shape: [rows], device: logits.device, storage: allocate(byteCount: rows * 4))
    let output = make([rows], on: logits.device) { logp in
      pool.forEachRange(rows, grain: grain) {
        kernels.rows.cross_entropy(
          logp + $0.lowerBound, lse.pointer + $0.lowerBound, logits.pointer + $0.lowerBound * width,
          targets.storage.integers + $0.lowerBound, $0.count, width)
      }
    }
    return Outcome(output) { g in
      let gradient = make(logits.shape, on: logits.device) { dlogits in
        pool.forEachRange(rows, grain: grain) {
          kernels.rows.cross_entropy_backward(
            dlogits + $0.lowerBound * width, g.pointer + $0.lowerBound, logits.pointer + $0.lowerBound * width,
            lse.pointer + $0.lowerBound, targets.storage.integers + $0.lowerBound, $0.count, width)
        }
      }
      return [gradient, nil]
    }
  }

  private func combine(_ operation: ExpertCombine, _ inputs: [Tensor]) -> Outcome {
    let (outputs, weights, slots) = (inputs[0], inputs[1], inputs[2])
    let (tokens, chosen, width) = (slots.shape[0], slots.shape[1], outputs.shape[1])
    let slot = slots.storage.integers
    let grain = max(1, 8192 / max(1, width * chosen))
    let (rows, weight) = (outputs.pointer, weights.pointer)
    let output = make([tokens, width], on: outputs.device) { y in
      pool.forEachRange(tokens, grain: grain) { range in
        for t in range {
          let target = y + t * width
          target.update(repeating: 0, count: width)
          for k in 0..<chosen {
            let i = t * chosen + k
            kernels.rows.axpy(target, rows + Int(slot[i]) * width, weight[i], width)
          }
        }
      }
    }
    return Outcome(
      output,
      keeping: {
        let kept = keep(outputs, in: operation.kept)
        return { g in combineGradient(g, kept(), weights, slots) }
      })
  }

  /// Each row of the outputs gathers from the choices that name it, in order; rows that nobody names have zeros.
  private func combineGradient(_ g: Tensor, _ outputs: Tensor, _ weights: Tensor, _ slots: Tensor) -> [Tensor?] {
    let (rows, chosen, width) = (outputs.shape[0], slots.shape[1], outputs.shape[1])
    let slot = slots.storage.integers
    let grain = max(1, 8192 / max(1, width))
    let choices = RowChains(slot, count: slots.shape.count, rows: rows)
    let dweights = make(weights.shape, on: g.device) { _ in }
    let (from, own, weight, dweight) = (g.pointer, outputs.pointer, weights.pointer, dweights.pointer)
    let doutputs = make(outputs.shape, on: g.device) { d in
      pool.forEachRange(rows, grain: grain) {
        for row in $0 {
          (d + row * width).update(repeating: 0, count: width)
          choices.forEach(in: row) { i in
            let token = from + i / chosen * width
            dweight[i] = dot(token, own + row * width, width)
            kernels.rows.axpy(d + row * width, token, weight[i], width)
          }
        }
      }
    }
    return [doutputs, dweights, nil]
  }

  /// Σ a·b with sixteen partial sums, so that the order is fixed and the compiler can use vectors.
  func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
    var lanes = SIMD16<Float>(repeating: 0)
    var i = 0
    while i + 16 <= count {
      let x = UnsafeRawPointer(a + i).loadUnaligned(as: SIMD16<Float>.self)
      lanes += x * UnsafeRawPointer(b + i).loadUnaligned(as: SIMD16<Float>.self)
      i += 16
    }
    var total = lanes.sum()
    while i < count {
      total += a[i] * b[i]
      i += 1
    }
    return total
  }
}

extension FusedOperation {
  /// This as a value of `type` where it is one. Comparing types takes a fraction of a failing dynamic cast's time, and a
  /// token asks thousands of times.
  fileprivate func exactly<Operation: FusedOperation>(_ type: Operation.Type) -> Operation? {
    Self.self == type ? self as? Operation : nil
  }
}
