// The weights of a GGUF file as a model asks for them: widened to float32, or matrices as they stand in the file.
import BlockFormats
import Checkpoints
import GGUF
import Layers
import Tensors

/// The weights of a GGUF file on a device. As `.stored`, matrices and embeddings keep the form of the file, mapped and
/// without a copy where their rows need not move; vectors and gates are float32 always.
public struct GGUFWeights: WeightSource {
  public let model: GGUFModel
  public let form: WeightForm
  let device: Device
  public init(_ model: GGUFModel, on device: Device, form: WeightForm = .float32) {
    (self.model, self.device, self.form) = (model, device, form)
  }

  public func has(_ name: String) -> Bool {
    switch form {
    case .float32: model.contains(name)
    // What stays as it is stored is asked for in the halves that are stored.
    case .stored: model.latentHalf(named: name) != nil || model.contains(name) && !model.isHalved(name)
    }
  }

  /// Throws `CheckpointError` when the tensor is missing, has another shape, or a type that is not read here.
  public func tensor(_ name: String, shape: Shape, role: ParameterRole) throws -> Tensor {
    if form == .stored, let half = model.latentHalf(named: name) { return try self.half(half, shape) }
    let stored = try model.shape(of: name)
    guard stored == shape.extents else { throw misfit(name, stored, shape) }
    if form == .stored, role == .matrix || role == .embedding, let rows = try model.storedRows(of: name),
      rows.format != .f32
    {
      return Tensor(shape: shape, dtype: rows.format.dtype, device: device, storage: rows.storage(on: device))
    }
    let numbers = try model.rows(of: name).numbers()
    try model.storedRows(of: name)?.advise(.unneeded)
    return Tensor(numbers, shape: shape, on: device)
  }

  /// One matrix per head, multiplied head by head: as it is stored, unless that is float32.
  private func half(_ tensor: GGUFTensor, _ shape: Shape) throws -> Tensor {
    guard [tensor.rows, tensor.width] == shape.extents else { throw misfit(tensor.name, tensor.shape, shape) }
    guard let format = tensor.format, format != .f32 else {
      return Tensor(try model.file.rows(of: tensor.name).numbers(), shape: shape, on: device)
    }
    let rows = StoredRows(format, try model.file.storedRows(0..<tensor.rows, of: tensor.name))
    return Tensor(shape: shape, dtype: format.dtype, device: device, storage: rows.storage(on: device))
  }

  private func misfit(_ name: String, _ stored: [Int], _ wanted: Shape) -> CheckpointError {
    CheckpointError(model.file.path, tensor: name, "has shape \(stored); this model needs \(wanted)")
  }
}
