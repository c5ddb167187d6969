// Feed-forward layers in float32: blocks of rows go through all products of a direction while they are near the core.
// Every element is the chain that it is in products of their own.
import CKernels
import Tensors

extension CPUBackend {
  func feedForward(_ operation: GatedFeedForward, _ inputs: [Tensor]) -> Outcome {
    let layer = FeedForwardLayer(operation, inputs)
    let weights = Array(inputs.dropFirst())
    packTransposes(weights)
    let packed = weights.map { packedTranspose($0) }
    let entering = make([layer.rows, 2 * layer.inner], on: layer.x.device) { _ in }
    let output = make([layer.rows, layer.outWidth], on: layer.x.device) { y in
      forEachBlock(of: layer) { group, rows in
        let (gate, up, down) = (packed[3 * group], packed[3 * group + 1], packed[3 * group + 2])
        let (x, hidden) = (layer.x.pointer + rows.lowerBound * layer.width, layer.scratch(rows, in: self))
        let between = entering.pointer + rows.lowerBound * 2 * layer.inner
        multiply(x, layer.width, by: gate, into: between, 2 * layer.inner, rows: rows.count)
        multiply(x, layer.width, by: up, into: between + layer.inner, 2 * layer.inner, rows: rows.count)
        kernels.rows.swiglu(hidden.floats, between, between + layer.inner, 2 * layer.inner, rows.count, layer.inner)
        multiply(
          hidden.floats, layer.inner, by: down, into: y + rows.lowerBound * layer.outWidth, layer.outWidth,
          rows: rows.count)
      }
    }
    let pullback = Pullback(adding: { g, sum in feedForwardGradients(layer, g, entering, &sum) })
    return Outcome(output, makingPullback: { pullback })
  }

  /// What enters the down product is not kept: the gradient of SwiGLU has it at hand.
  private func feedForwardGradients(
    _ layer: FeedForwardLayer, _ g: Tensor, _ entering: Tensor, _ sum: inout Tensor?
  ) -> [Tensor?] {
    let (products, weights) = (layer.operation.products, layer.operation.split(layer.weights[...]))
    let (gateUp, down) = (packStacked(products.gateUp, weights.gateUp), packStacked(products.down, weights.down))
    let dentering = make(entering.shape, on: g.device) { _ in }
    let hidden = make([layer.rows, layer.inner], on: g.device) { _ in }
    let dx = addOrMake(layer.x.shape, on: g.device, &sum) { dx, accumulates in
      forEachBlock(of: layer) { group, rows in
        let dh = layer.scratch(rows, in: self)
        let start = rows.lowerBound * 2 * layer.inner
        let (between, dbetween) = (entering.pointer + start, dentering.pointer + start)
        multiply(
          g.pointer + rows.lowerBound * layer.outWidth, layer.outWidth, by: down[group], into: dh.floats, layer.inner,
          rows: rows.count)
        kernels.rows.swiglu_backward(
          dbetween, dbetween + layer.inner, hidden.pointer + rows.lowerBound * layer.inner, dh.floats, between,
          between + layer.inner, 2 * layer.inner, rows.count, layer.inner)
        multiply(
          dbetween, 2 * layer.inner, by: gateUp[group], into: dx + rows.lowerBound * layer.width, layer.width,
          rows: rows.count, accumulates: accumulates)
      }
    }
    let gradients = (0..<products.down.groups).map { _ in layerGradients(layer, on: g.device) }
    let split = layer.operation.split(gradients.flatMap { $0 }[...])
    run(
      weightTasks(products.down, g, hidden, split.down)
        + gateUpTasks(layer, weightTasks(products.gateUp, dentering, layer.x, split.gateUp)), beside: [])
    return [dx] + gradients.flatMap { $0 }
  }

  /// Gradients of one group's weights. Those of gate and up lie one above the other in one block of memory.
  private func layerGradients(_ layer: FeedForwardLayer, on device: Device) -> [Tensor] {
    let shape: Shape = [layer.inner, layer.width]
    let (bytes, both) = (shape.count * 4, allocate(byteCount: shape.count * 8))
    let halves = [0, bytes].map { start in
      Storage(both.address + start, byteCount: bytes) { _ in withExtendedLifetime(both) {} }
    }
    return halves.map { Tensor(shape: shape, device: device, storage: $0) }
      + [make([layer.outWidth, layer.inner], on: device) { _ in }]
  }

  /// The tasks of gate and up, which read the same rows of x, as one; apart where one task would be OpenBLAS's.
  private func gateUpTasks(
    _ layer: FeedForwardLayer, _ tasks: [TransposedTask<Float>]
  ) -> [TransposedTask<Float>] {
    if layer.width >= 1024 && 2 * layer.inner >= 1024 { return tasks }
    return stride(from: 0, to: tasks.count, by: 2).map { i in
      TransposedTask(
        c: tasks[i].c, a: tasks[i].a, aStride: tasks[i].aStride, b: tasks[i].b, bStride: tasks[i].bStride,
        m: 2 * tasks[i].m, n: tasks[i].n, k: tasks[i].k, gradients: 2)
    }
  }

  /// c = a · b, or c + a · b, on the calling thread, for rows with strides.
  private func multiply(
    _ a: UnsafePointer<Float>, _ aStride: Int, by b: PackedMatrix, into c: UnsafeMutablePointer<Float>, _ cStride: Int,
    rows: Int, accumulates: Bool = false
  ) {
    if b.n == 0 { return }
    compute(
      ProductPiece(
        task: ProductTask(
          c: c, cStride: cStride, a: a, aStride: aStride, rows: rows, b: b, accumulates: accumulates),
        rows: 0..<rows, panels: 0..<b.panels))
  }

  /// Runs `body` for blocks of rows, each of one group.
  private func forEachBlock(of layer: FeedForwardLayer, _ body: (_ group: Int, _ rows: Range<Int>) -> Void) {
    let size = layer.blockRows(threads: threads)
    let blocks = inTurns(
      layer.operation.offsets.indices.dropLast().flatMap { group in
        let (first, last) = (layer.operation.offsets[group], layer.operation.offsets[group + 1])
        return stride(from: first, to: last, by: size).map { (group: group, rows: $0..<min($0 + size, last)) }
      })
    pool.forEach(blocks.count) { body(blocks[$0].group, blocks[$0].rows) }
  }
}

/// The operands of a feed-forward layer and their extents.
private struct FeedForwardLayer: Sendable {
  let operation: GatedFeedForward
  let x: Tensor
  let weights: [Tensor]

  init(_ operation: GatedFeedForward, _ inputs: [Tensor]) {
    let weights = operation.split(inputs.dropFirst())
    operation.products.gateUp.check([inputs[0]] + weights.gateUp)
    precondition(
      weights.down.allSatisfy { $0.shape == [weights.down[0].shape[0], weights.gateUp[0].shape[0]] },
      "\(operation.name): \(weights.down.map(\.shape)) do not take what leaves \(weights.gateUp[0].shape)")
    (self.operation, x, self.weights) = (operation, inputs[0], Array(inputs.dropFirst()))
  }
  var rows: Int { x.shape[0] }
  var width: Int { x.shape[1] }
  var inner: Int { weights[0].shape[0] }
  var outWidth: Int { weights[2].shape[0] }

  /// Memory for what enters the down product in these rows.
  func scratch(_ rows: Range<Int>, in backend: CPUBackend) -> Storage {
    backend.allocate(byteCount: rows.count * inner * 4)
  }

  /// Rows whose numbers take half of a second-level cache of 1 MiB, and no more than gives every thread some blocks.
  func blockRows(threads: Int) -> Int {
    let near = max(48, min(240, 120_000 / max(1, 3 * inner + width + outWidth)))
    return max(12, min(near, rows / (threads * 4)))
  }
}
