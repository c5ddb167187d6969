// Host memory, C kernels chosen for this processor, and a pool of threads.
import CKernels
import COpenBLAS
import ReferenceBackend
import Tensors

/// Which kernels to run.
public enum InstructionSet: String, Sendable, CaseIterable {
  case scalar, avx2, avx512, neon
  var code: ck_isa {
    switch self {
    case .scalar: CK_SCALAR
    case .avx2: CK_AVX2
    case .avx512: CK_AVX512
    case .neon: CK_NEON
    }
  }
  /// Whether it multiplies bfloat16 with an instruction of its own here. Otherwise the same numbers come, for many rows,
  /// more slowly than in float32.
  public var hasBFloat16Products: Bool { ck_bf16_is_native(code) != 0 }
  /// Whether this processor and this build have it.
  public var isAvailable: Bool { ck_isa_available(code) != 0 }
  /// The best one that is available.
  public static var best: InstructionSet { allCases.first { $0.code == ck_best_isa() } ?? .scalar }
}

/// The backend that everything runs on by default. Forward results do not depend on `threads`.
public struct CPUBackend: Backend {
  public let name: String
  let pool: ThreadPool
  let memory: StoragePool
  let lasting = LastingMemory()
  let kernels: KernelTable
  let packings: PackedMemory
  let reference = ReferenceBackend()

  /// `threads` counts the calling thread. An instruction set that is not available here is a programming error.
  /// `packing` limits the memory of weights that are kept as the kernels read them.
  public init(threads: Int, instructionSet: InstructionSet = .best, packing: PackingLimit = .none) {
    precondition(threads >= 1, "CPUBackend: \(threads) threads; at least 1 is needed")
    precondition(instructionSet.isAvailable, "CPUBackend: \(instructionSet) is not available on this processor")
    openblas_set_num_threads(1)  // OpenBLAS is called from inside the pool, where its own threads would only collide
    name = "cpu/\(instructionSet.rawValue)"
    pool = ThreadPool(threads: threads)
    memory = StoragePool()
    kernels = KernelTable(ck_kernels_for(instructionSet.code))
    packings = PackedMemory(packing)
  }

  public var threads: Int { pool.threads }
  public var memoryStatistics: MemoryStatistics { memory.statistics }
  /// Gives unused blocks back to the system, between stages of a run.
  public func releaseUnusedMemory() { memory.trim() }

  public func allocate(byteCount: Int) -> Storage { memory.allocate(byteCount: byteCount) }
  public func write(_ bytes: UnsafeRawBufferPointer, to storage: Storage) { reference.write(bytes, to: storage) }
  public func read(_ storage: Storage, into bytes: UnsafeMutableRawBufferPointer) {
    reference.read(storage, into: bytes)
  }
  public func forEach(_ count: Int, _ body: (Int) -> Void) { pool.forEach(count, body) }
}

/// The kernels of one instruction set.
struct KernelTable: @unchecked Sendable {  // points to constant tables that live as long as the program
  let gemm: ck_gemm_kernels
  let bf16: ck_bf16_kernels
  let attention: ck_attention_kernels
  let attentionBFloat16: ck_attention_kernels
  let rows: ck_row_kernels
  let float8: ck_float8_kernels
  let scaled: ck_scaled_kernels
  let blocks: ck_block_kernels
  let narrow: ck_narrow_kernels
  init(_ table: UnsafePointer<ck_kernels>) {
    gemm = table.pointee.gemm.pointee
    bf16 = table.pointee.bf16.pointee
    attention = table.pointee.attention.pointee
    attentionBFloat16 = table.pointee.attention_bf16.pointee
    rows = table.pointee.rows.pointee
    float8 = table.pointee.float8.pointee
    scaled = table.pointee.scaled.pointee
    blocks = table.pointee.blocks.pointee
    narrow = table.pointee.narrow.pointee
  }
}

extension Storage {
  var floats: UnsafeMutablePointer<Float> { address.assumingMemoryBound(to: Float.self) }
  var integers: UnsafeMutablePointer<Int32> { address.assumingMemoryBound(to: Int32.self) }
  /// Pairs of bfloat16, as packed panels hold them.
  var words: UnsafeMutablePointer<UInt32> { address.assumingMemoryBound(to: UInt32.self) }
  var shorts: UnsafeMutablePointer<UInt16> { address.assumingMemoryBound(to: UInt16.self) }
}
extension Tensor {
  var pointer: UnsafeMutablePointer<Float> { storage.floats }
}

extension CPUBackend {
  /// A float32 tensor whose elements `fill` writes.
  func make(_ shape: Shape, on device: Device, _ fill: (UnsafeMutablePointer<Float>) -> Void) -> Tensor {
    let storage = allocate(byteCount: shape.count * 4)
    fill(storage.floats)
    return Tensor(shape: shape, device: device, storage: storage)
  }
}
