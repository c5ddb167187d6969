// Memory at steady state: a training step uses again what the step before gave back.
import CPUBackend
import Layers
import Tensors
import Testing

/// A network with every kind of layer.
private struct Network: Module {
  var embedding: Embedding
  var norm: RMSNorm
  var forward: FeedForward
  var head: Linear
  init(_ weights: Weights) throws {
    embedding = try Embedding(50, 16, weights["embedding"])
    norm = try RMSNorm(16, epsilon: 1e-6, weights["norm"])
    forward = try FeedForward(16, inner: 40, weights["forward"])
    head = try Linear(16, 50, weights["head"])
  }
  mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("embedding", &embedding)
    visitor("norm", &norm)
    visitor("forward", &forward)
    visitor("head", &head)
  }
  func loss(_ tokens: Tensor, _ targets: Tensor) -> Tensor {
    let x = embedding(tokens)
    return -(CrossEntropy()(head(x + forward(norm(x))), targets).total()) * (1 / Float(tokens.shape[0]))
  }
}

private struct Descend: ParameterVisitor {
  var path: [String] = []
  let gradients: Gradients
  mutating func visit(_ tensor: inout Tensor, isTrained: Bool) {
    guard let g = gradients.byName[name] else { return }
    var targets = [tensor.taken()]
    ScaledAddition(decay: 1, factor: -0.5)(&targets, [g])
    tensor = targets.removeLast()
  }
}

@Suite struct StoragePoolTests {
  @Test func aRepeatedTrainingStepAsksTheSystemForNothing() throws {
    let backend = CPUBackend(threads: 1)
    let device = Device(backend)
    var model = try Network(Weights(FreshWeights(seed: 1, standardDeviation: 0.2, on: device)))
    let tokens = Tensor((0..<40).map { Int32($0 * 7 % 50) }, shape: [40], on: device)
    let targets = Tensor((0..<40).map { Int32($0 * 7 % 50 + 1) % 50 }, shape: [40], on: device)
    var losses: [Float] = []
    func step() {
      let (loss, gradients) = valueAndGradients(of: model) { $0.loss(tokens, targets) }
      losses.append(loss.scalar())
      var descend = Descend(gradients: gradients)
      model.visit(&descend)
    }
    for _ in 0..<3 { step() }
    let warm = backend.memoryStatistics
    for _ in 0..<10 { step() }
    let later = backend.memoryStatistics
    #expect(warm.systemAllocations > 0)
    #expect(later.systemAllocations == warm.systemAllocations)
    #expect(later.bytesInUse == warm.bytesInUse)
    #expect(losses[12] < losses[0] * 0.9, "\(losses)")
  }

  @Test func whatNobodyUsesGoesBackToTheSystem() {
    let backend = CPUBackend(threads: 1)
    do { _ = backend.allocate(byteCount: 10_000) }
    let kept = backend.allocate(byteCount: 100)
    #expect(backend.memoryStatistics.bytesFromSystem >= 10_100)
    backend.releaseUnusedMemory()
    #expect(backend.memoryStatistics.bytesFromSystem == backend.memoryStatistics.bytesInUse)
    #expect(kept.byteCount == 100)
  }

  @Test func blocksAreAlignedAndApart() {
    let backend = CPUBackend(threads: 2)
    let blocks = (0..<200).map { backend.allocate(byteCount: $0 * 37) }
    let starts = blocks.map { UInt(bitPattern: $0.address) }
    #expect(starts.allSatisfy { $0 % 64 == 0 })
    let order = blocks.sorted { $0.address < $1.address }
    for (a, b) in zip(order, order.dropFirst()) { #expect(a.address + a.byteCount <= b.address) }
  }
}
