// A place where tensors live and operations run.

/// What a device must offer. Conforming backends pass one shared suite of tests.
public protocol Backend: Sendable {
  var name: String { get }
  /// Memory for `byteCount` bytes, 64-byte aligned, contents undefined.
  func allocate(byteCount: Int) -> Storage
  /// Host bytes into storage that nobody else references yet, and back.
  func write(_ bytes: UnsafeRawBufferPointer, to storage: Storage)
  func read(_ storage: Storage, into bytes: UnsafeMutableRawBufferPointer)
  /// Runs one primitive; operands live on this backend and fit the primitive.
  func evaluate(_ call: Call) -> Storage
  /// Runs a fused operation natively, or returns nil to have its definition run instead.
  func accelerate(_ operation: any FusedOperation, _ inputs: [Tensor]) -> Outcome?
  /// Changes tensors in place, or returns false to have the definition run instead.
  func accelerate(_ update: any FusedUpdate, _ targets: inout [Tensor], _ inputs: [Tensor]) -> Bool
  /// Holds a float32 `x` for the way back and gives its numbers, rounded to `precision`, there. What is recomputed is
  /// not held but made again. A backend may hold more than it needs: the default does, and rounds nothing.
  func keep(_ x: Tensor, in precision: Precision) -> @Sendable () -> Tensor
  /// Makes ahead of their first use what linear maps in float32 read of a weight [N, K], a packing say. The tensor's own
  /// bytes are then read by casts and gathered rows alone. The default does nothing.
  func prepare(_ weight: Tensor)
  /// Σ x² of a float32 tensor, with the bits of the default implementation.
  func sumOfSquares(_ x: Tensor) -> Double
  /// Host work beside the operations (drawing tokens, say): runs `body` for every chunk in 0 ..< count, in any order and
  /// on any of the backend's threads, and returns when all are done. Chunks must not depend on each other.
  func forEach(_ count: Int, _ body: (Int) -> Void)
}

extension Backend {
  public func accelerate(_ operation: any FusedOperation, _ inputs: [Tensor]) -> Outcome? { nil }
  public func accelerate(_ update: any FusedUpdate, _ targets: inout [Tensor], _ inputs: [Tensor]) -> Bool { false }
  public func keep(_ x: Tensor, in precision: Precision) -> @Sendable () -> Tensor {
    {
      x.storage.makeAgain()
      return x
    }
  }
  public func prepare(_ weight: Tensor) {}
  public func forEach(_ count: Int, _ body: (Int) -> Void) {
    for chunk in 0..<count { body(chunk) }
  }
}

/// Handed in at the top of a program; every derived tensor inherits it from its operands.
public struct Device: Sendable {
  public let backend: any Backend
  public init(_ backend: some Backend) { self.backend = backend }
}
