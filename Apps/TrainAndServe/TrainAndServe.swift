// A model that answers while it learns, with a reward of the app's own: GRPO and the server share one engine, and every
// step hands the engine its new weights. It ends when training does: TrainAndServe RECIPE PORT DIRECTORY
import CPUBackend
import DeepSeek
import Foundation
import HTTPServing
import Inference
import LanguageModels
import Llama
import Logging
import LogicPuzzles
import Plugins
import ProcessGraph
import Recipes
import Rewards
import Tensors
import TrainingStages
import Verifiers

/// Pays for answers that try at least two assignments before they decide.
struct SecondLook: Reward, Plugin {
  let name = "second-look"
  func register(in registry: inout Registry) throws { try registry.rewards.add(name) { _, _ in self } }
  func score(_ response: Response, of problem: Problem) -> Score {
    .score(response.text.split(separator: " ").count { $0 == "try" } >= 2 ? 1 : 0)
  }
}

@main
struct TrainAndServe {
  static func main() async {
    do {
      let arguments = CommandLine.arguments
      guard arguments.count == 4, let port = Int(arguments[2]) else { throw ServerError("give RECIPE PORT DIRECTORY") }
      let registry = try Registry([
        DeepSeekFamilies(), LlamaFamilies(), StandardRewards(), TrainingStagesPlugin(), LogicPuzzles(), SecondLook(),
      ])
      let run = Run(
        directory: arguments[3], device: Device(CPUBackend(threads: 2)), registry: registry, recorder: MemoryRecorder(),
        progress: SilentProgress(), logger: Logger(label: "train-and-serve"))
      let recipe = try ConfigTree(yamlFile: arguments[1])
      func settings<S: Configuration>(_ name: String) throws -> S { try S(overlaying: recipe[name] ?? .null, at: name) }

      let corpus = try await run.perform(PrepareCorpus(settings("corpus")))
      let base = try await run.perform(Pretrain(settings("base")), on: corpus)
      let files = ModelDirectory(base.directory)
      let (model, tokenizer) = (try files.model(registry, on: run.device), try files.tokenizer())
      let engine = InferenceEngine(model, tokenizer: tokenizer, settings: EngineSettings(form: .textbook))
      let served = ServedModel(
        id: "thinker", tokenizer: tokenizer, template: try files.template(), generator: engine,
        contextLength: model.contextLength, systemFingerprint: "fp_learning", unwrapsAnswer: true)
      let server = try FathomServer(models: [served], settings: ServerSettings(port: port), logger: run.logger)
      async let _ = server.run()  // until this function ends
      let thinker = try await run.perform(GRPO(settings("thinker"), rollouts: engine), on: base)
      print("trained \(thinker.directory)")
    } catch {
      print("train-and-serve: \(error)")
      exit(1)
    }
  }
}
