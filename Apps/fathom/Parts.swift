// What this app is made of: the plugins it lists, and the device that everything runs on.
import CPUBackend
import DeepSeek
import Foundation
import Inference
import LanguageModels
import Llama
import LogicPuzzles
import Plugins
import Tensors
import TrainingStages
import Verifiers

/// The app's registry and device. Made once per command and handed on.
struct Parts: Sendable {
  let registry: Registry
  let device: Device
  let threads: Int

  /// `threads` counts the threads of the kernels; nil takes every core that this process may use.
  init(threads: Int? = nil) throws {
    registry = try Self.makeRegistry()
    self.threads = threads ?? max(1, ProcessInfo.processInfo.activeProcessorCount)
    device = Device(CPUBackend(threads: self.threads))
  }

  /// The parts alone, for commands that only look at names and configurations.
  static func makeRegistry() throws -> Registry {
    try Registry([
      LanguageModelParts(), DeepSeekFamilies(), LlamaFamilies(), InferencePlugin(), StandardRewards(), LogicPuzzles(),
      TrainingStagesPlugin(),
    ])
  }
}
