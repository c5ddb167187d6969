// What the way back reads again and waits in eight or twelve bits a number.
import LowPrecision
import Tensors

extension CPUBackend {
  /// The codes of a float32 matrix, made once for its contents and shared by all that read them. They may outlive it.
  /// They are this backend's, also where `x` belongs to a device that only watches this one.
  func sharedCodes(_ x: Tensor, _ quantization: Quantization) -> QuantizedMatrix {
    QuantizedMatrix(
      weight: Tensor(shape: x.shape, dtype: x.dtype, device: Device(self), storage: x.storage), quantization)
  }
  /// Codes of some columns that nobody else reads.
  func codes(_ x: Tensor, columns: Range<Int>, _ quantization: Quantization) -> QuantizedMatrix {
    let own = Tensor(shape: x.shape, dtype: x.dtype, device: Device(self), storage: x.storage)
    return quantize(own, columns: columns, quantization)
  }

  /// Holds the codes of `x` for the way back and gives their numbers there; what is recomputed is made again.
  func keepCodes(_ x: Tensor, _ quantization: Quantization) -> @Sendable () -> Tensor {
    let device = x.device
    @Sendable func numbers(of codes: QuantizedMatrix) -> Tensor {
      let numbers = codes.dequantized()
      return Tensor(shape: numbers.shape, device: device, storage: numbers.storage)
    }
    if x.storage.isRecomputed {
      return {
        x.storage.makeAgain()
        return numbers(of: sharedCodes(x, quantization))
      }
    }
    let codes = sharedCodes(x, quantization)
    return { numbers(of: codes) }
  }

  /// The same in E5M6 with scales that are powers of two.
  func keepTwelveBits(_ x: Tensor) -> @Sendable () -> Tensor {
    if x.storage.isRecomputed {
      return {
        x.storage.makeAgain()
        return numbers(of: sharedTwelveBits(x))
      }
    }
    let codes = sharedTwelveBits(x)
    return { numbers(of: codes) }
  }

  /// Holds the input of a linear map for the gradient of its weights, as `form` has it; what is recomputed is made
  /// again.
  func keepInput(_ x: Tensor, _ form: Float8Form, _ rows: Quantization) -> @Sendable () -> ColumnSource {
    @Sendable func source() -> ColumnSource {
      form.keepsTwelveBits ? .twelveBits(sharedTwelveBits(x)) : .codes(sharedCodes(x, rows))
    }
    if x.storage.isRecomputed {
      return {
        x.storage.makeAgain()
        return source()
      }
    }
    let kept = source()
    return { kept }
  }
}
