// A model that answers while it learns: GRPO and the server share one engine, and each step hands the engine its new
// weights. It ends by itself, when training does: TrainAndServe [STEPS] [PORT] [DIRECTORY]
import CPUBackend
import DeepSeek
import Foundation
import HTTPServing
import Inference
import LanguageModels
import Logging
import LogicPuzzles
import Plugins
import ProcessGraph
import Rewards
import ServiceLifecycle
import Tensors
import TrainingStages
import Verifiers

@main
struct TrainAndServe {
  static func main() async {
    do {
      let arguments = CommandLine.arguments + ["6", "0", "train-and-serve"].dropFirst(CommandLine.arguments.count - 1)
      guard let steps = Int(arguments[1]), let port = Int(arguments[2]) else {
        throw ServerError("the arguments are [STEPS] [PORT] [DIRECTORY]; the first two must be numbers")
      }
      let registry = try Registry([
        InferencePlugin(), DeepSeekFamilies(), StandardRewards(), TrainingStagesPlugin(), LogicPuzzles(), SecondLook(),
      ])
      let run = Run(
        directory: arguments[3], device: Device(CPUBackend(threads: 2)), registry: registry,
        recorder: MemoryRecorder(), progress: StepLines(), logger: Logger(label: "train-and-serve"))
      let base = try await makeBase(run)
      let files = ModelDirectory(base.directory)
      let (model, tokenizer) = (try files.model(registry, on: run.device), try files.tokenizer())
      var settings = EngineSettings()
      settings.form = .textbook  // the form that training computes in, so that both see equal log-probabilities
      let engine = InferenceEngine(model, tokenizer: tokenizer, settings: settings)
      let served = ServedModel(
        id: "thinker", tokenizer: tokenizer, template: try files.template(), generator: engine,
        contextLength: model.contextLength, systemFingerprint: "fp_learning", unwrapsAnswer: true)
      let server = try FathomServer(models: [served], settings: ServerSettings(port: port), logger: run.logger)
      let services = ServiceGroup(configuration: .init(services: [server.makeService()], logger: run.logger))

      async let serving: Void = services.run()
      async let asked: Void = ask(try await server.port)
      var plan = try puzzlePlan(steps)
      plan.rewards = [RewardTermSettings("accuracy"), RewardTermSettings("second-look", weight: 0.2)]
      let thinker = try await run.perform(GRPO(plan, rollouts: engine), on: base)
      try await asked
      await services.triggerGracefulShutdown()
      try await serving
      print("trained \(thinker.directory)")
    } catch {
      print("train-and-serve: \(error)")
      exit(1)
    }
  }
}
