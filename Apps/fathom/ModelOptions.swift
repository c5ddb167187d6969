// How a model is read and computed for inference: the form of its weights and the precision of products.
import ArgumentParser
import LanguageModels
import Layers
import Tensors

extension WeightForm: @retroactive ExpressibleByArgument {}

/// Options of the commands that ask a model something.
struct ModelOptions: ParsableArguments {
  @Option(help: "What products are computed in; a model gives the bits of its training in the precision of its run.")
  var precision = Precision.float32
  @Option(
    help: """
      'stored' computes with matrices as the file has them, quantised or of sixteen bits, 'float32' widens them first. \
      GGUF files are stored if left out, directories float32.
      """)
  var weights: WeightForm?

  func validate() throws {
    if weights == .stored && precision != .float32 {
      throw ValidationError(
        "--weights stored has its own precision; leave --precision \(precision.rawValue) out, or widen with "
          + "--weights float32.")
    }
  }

  /// The form that `directory` is read in.
  func form(of directory: ModelDirectory) -> WeightForm {
    weights ?? (precision == .float32 ? directory.inferenceWeights : .float32)
  }

  /// The model, ready to answer, on `device` or on that of the parts.
  func model(
    in directory: ModelDirectory, _ parts: Parts, on device: Device? = nil
  ) throws -> any LanguageModel {
    try directory.model(parts.registry, on: device ?? parts.device, weights: form(of: directory))
      .computing(in: precision)
  }
}
