// Where files of weights and tensors meet.
import Layers
import LowPrecision
import Tensors

extension StoredType {
  /// The type that tensors of `dtype` are stored in. There is none for codes with scales: blocks are stored
  /// as GGUF, and eight-bit floats in two tensors.
  public init(_ dtype: DType) {
    switch dtype {
    case .float32: self = .f32
    case .bfloat16: self = .bf16
    case .float16: self = .f16
    case .int32: self = .i32
    case .uint8: self = .u8
    case .float8, .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_K, .q3_K, .q4_K, .q5_K, .q6_K:
      preconditionFailure("safetensors: has no type for \(dtype); such weights are not written")
    }
  }
  /// The dtype that holds this type's numbers; nil where there is none yet.
  public var dtype: DType? { DType.allCases.first { !$0.isQuantised && StoredType($0) == self } }
}

extension TensorToStore {
  /// A tensor under `name`, in its own dtype. Its bytes are copied when the file is written, not before.
  public init(_ name: String, _ tensor: Tensor) {
    self.init(name, StoredType(tensor.dtype), tensor.shape.extents) { sink in
      try tensor.bytes().withUnsafeBytes { try sink($0) }
    }
  }
}

/// The weights of a model's directory, on a device: as float32, or matrices as they are stored, in the mapping. Bytes are
/// read when a tensor is asked for, or, as they are stored, when they are computed with.
public struct CheckpointWeights: WeightSource {
  public let files: CheckpointFiles
  public let form: WeightForm
  let device: Device
  public init(_ files: CheckpointFiles, on device: Device, form: WeightForm = .float32) {
    (self.files, self.device, self.form) = (files, device, form)
  }

  public func has(_ name: String) -> Bool { files.contains(name) }

  /// Throws `CheckpointError` when the tensor is missing, has another shape, or a type that cannot be computed with.
  public func tensor(_ name: String, shape: Shape, role: ParameterRole) throws -> Tensor {
    let entry = try files.entry(named: name)
    guard entry.shape == shape.extents else {
      throw CheckpointError(files.directory, tensor: name, "has shape \(entry.shape); this model needs \(shape)")
    }
    if let format = Float8(entry.type) { return try scaled(name, shape, format, role) }
    guard let dtype = entry.type.dtype, dtype != .int32, dtype != .uint8 else {
      throw CheckpointError(
        files.directory, tensor: name,
        "has type \(entry.type.rawValue); weights may be F32, BF16, F16, or F8_E4M3 and F8_E5M2 with scales")
    }
    let bytes = try files.mappedBytes(of: name)
    let mapped = Tensor(
      shape: shape, dtype: dtype, device: device, storage: bytes.storage(alignedTo: dtype.blockBytes, on: device))
    if form == .stored, role == .matrix || role == .embedding { return mapped }
    defer { bytes.advise(.unneeded) }
    if dtype != .float32 { return mapped.cast(to: .float32) }
    return bytes.withBytes { Tensor(bytes: $0, shape: shape, dtype: dtype, on: device) }
  }
}

extension Module {
  /// Every parameter as it is stored.
  public var tensorsToStore: [TensorToStore] { parameters.map { TensorToStore($0.name, $0.tensor) } }

  /// Replaces every parameter by the stored one of its name, in the parameter's own dtype. Throws `CheckpointError` for
  /// the first that is missing or does not fit; the module is then unchanged.
  public mutating func load(_ files: CheckpointFiles, on device: Device) throws {
    let source = CheckpointWeights(files, on: device)
    var replacements: [String: Tensor] = [:]
    for parameter in parameters {
      let stored = try source.tensor(parameter.name, shape: parameter.tensor.shape, role: .matrix)
      replacements[parameter.name] = stored.cast(to: parameter.tensor.dtype)
    }
    var replace = Replace(replacements: replacements)
    visit(&replace)
  }
}

private struct Replace: ParameterVisitor {
  var path: [String] = []
  let replacements: [String: Tensor]
  mutating func visit(_ tensor: inout Tensor, isTrained: Bool) {
    if let replacement = replacements[name] { tensor = replacement }
  }
}
