// How a model is read and computed for inference: the form of its weights and the precision of products.
import ArgumentParser
import CPUBackend
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
      'stored' computes with matrices as the files have them, quantised, of eight or of sixteen bits; 'float32' widens \
      them first. Stored if left out.
      """)
  var weights: WeightForm?
  @Option(
    help: ArgumentHelp(
      """
      Memory that weights may take, as 12G or 800M; experts that do not fit are read from the file at every use. All that \
      is available if left out.
      """, valueName: "size"))
  var memory: MemorySize?

  func validate() throws {
    if weights == .stored && precision != .float32 {
      throw ValidationError(
        "--weights stored has its own precision; leave --precision \(precision.rawValue) out, or widen with "
          + "--weights float32.")
    }
    if memory != nil && (weights == .float32 || precision != .float32) {
      throw ValidationError(
        "--memory limits weights that are computed with as they are stored; widened ones are in memory as a whole, so leave "
          + "it out.")
    }
  }

  /// The form that `directory` is read in.
  func form(of directory: ModelDirectory) -> WeightForm {
    weights ?? (precision == .float32 ? .stored : .float32)
  }

  /// The model, ready to answer, on `device` or on that of the parts.
  func model(
    in directory: ModelDirectory, _ parts: Parts, on device: Device? = nil
  ) throws -> any LanguageModel {
    try directory.model(parts.registry, on: device ?? self.device(for: directory, parts), weights: form(of: directory))
      .computing(in: precision)
  }

  /// The parts' device, unless the model is larger than the memory for it.
  private func device(for directory: ModelDirectory, _ parts: Parts) throws -> Device {
    guard form(of: directory) == .stored else { return parts.device }
    let limit = try MemoryBudget(memory).packingLimit(for: directory)
    return limit == .none ? parts.device : Device(CPUBackend(threads: parts.threads, packing: limit))
  }
}
