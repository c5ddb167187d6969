// The up-projection of latent attention: whole, as it is trained, or in the two halves that GGUF files hold, each in its
// stored form. The halves are what the absorbed form multiplies by, head by head.
import LanguageModels
import Layers
import Tensors

// T tokens · H heads · N nope · V value · C latent
struct LatentUpProjection: Module {
  let settings: DeepSeekV3Settings
  /// W_UK over W_UV for each head, [H · (N + V), C]; nil where the halves are there.
  private var whole: Linear?
  /// W_UKᵀ of each head, [H · C, N], and W_UV, [H · V, C].
  private var keys: Tensor?
  private var values: Tensor?

  /// Takes the halves only where the whole is not there: a fresh model has the whole.
  init(_ s: DeepSeekV3Settings, _ weights: Weights) throws {
    settings = s
    if !weights.has("kv_b_proj.weight"), weights.has("k_b_proj.weight") {
      keys = try weights.tensor("k_b_proj.weight", [s.heads * s.latentRank, s.noPositionWidth])
      values = try weights.tensor("v_b_proj.weight", [s.heads * s.valueWidth, s.latentRank])
    } else {
      whole = try Linear(
        s.latentRank, s.heads * (s.noPositionWidth + s.valueWidth), weights["kv_b_proj"])
    }
  }
  mutating func visit(_ visitor: inout some ParameterVisitor) {
    visitor("kv_b_proj", &whole)
    visitor("k_b_proj.weight", &keys)
    visitor("v_b_proj.weight", &values)
  }

  /// Keys and values of every head from the latent: [T, C] → [T, H · (N + V)].
  func callAsFunction(
    _ latent_TC: Tensor, in precision: Precision, _ form: Float8Form = Float8Form()
  ) -> Tensor {
    if let whole { return whole(latent_TC, in: precision, form) }
    return LinearProduct(precision, form: form)(latent_TC, joined())
  }

  /// q̃ = W_UKᵀ · q of every head: [T, H · N] → [T, H · C].
  func queries(_ nope_THN: Tensor, in precision: Precision) -> Tensor {
    let s = settings
    if let keys { return perHead(0, s.latentRank, isTransposed: true, precision)(nope_THN, keys) }
    return perHead(0, s.noPositionWidth, isTransposed: false, precision)(nope_THN, wholeWeight)
  }

  /// Every head's value of its mixed latents: [T, H · C] → [T, H · V].
  func values(_ mixed_THC: Tensor, in precision: Precision) -> Tensor {
    let s = settings
    if let values { return perHead(0, s.valueWidth, isTransposed: true, precision)(mixed_THC, values) }
    return perHead(s.noPositionWidth, s.valueWidth, isTransposed: true, precision)(mixed_THC, wholeWeight)
  }

  private func perHead(_ offset: Int, _ width: Int, isTransposed: Bool, _ precision: Precision) -> HeadwiseProduct {
    HeadwiseProduct(heads: settings.heads, offset: offset, width: width, isTransposed: isTransposed, precision)
  }
  private var wholeWeight: Tensor {
    guard let whole else { preconditionFailure("LatentUpProjection: neither whole nor in halves") }
    return whole.weight
  }

  /// The whole as float32, made of the halves once and kept beside them, for the textbook form.
  private func joined() -> Tensor {
    guard let keys, let values else { return wholeWeight }
    let s = settings
    let shape: Shape = [s.heads * (s.noPositionWidth + s.valueWidth), s.latentRank]
    let storage = keys.storage.derived(DerivedLayout("latent-up-projection", shape.extents)) {
      let upper = keys.cast(to: .float32).reshaped([s.heads, s.latentRank, s.noPositionWidth]).transposed([0, 2, 1])
      let lower = values.cast(to: .float32).reshaped([s.heads, s.valueWidth, s.latentRank])
      return Tensor.concatenated([upper, lower], axis: 1).storage
    }
    return Tensor(shape: shape, device: keys.device, storage: storage)
  }
}
