// What the tests of the process graph share: stages that write what they were given, and a run in its own directory.
import Foundation
import Logging
import Plugins
import ProcessGraph
import Recipes
import ReferenceBackend
import Synchronization
import Tensors
import Testing

/// Counts how often stages really ran, by node directory.
final class StageTally: Sendable {
  private let names = Mutex<[String]>([])
  func add(_ directory: String) { names.withLock { $0.append(URL(fileURLWithPath: directory).lastPathComponent) } }
  var ran: [String] { names.withLock { $0 } }
}

struct StageInterrupted: Error {}

/// A stage of any two kinds that writes what it was given.
struct WritingStage<Input: Artifact, Output: Artifact>: Stage {
  struct Settings: Configuration {
    var steps = 10
    var seed = 0
    var optimizer = ["beta": 0.5]
  }
  let name: String
  let settings: ConfigTree
  let tally: StageTally
  let make: @Sendable (_ directory: String, _ fingerprint: String) -> Output
  var interrupts = false

  init(
    _ name: String, _ settings: Settings = Settings(), _ tally: StageTally,
    _ make: @escaping @Sendable (String, String) -> Output
  ) throws {
    (self.name, self.settings, self.tally, self.make) = (name, try ConfigTree(encoding: settings), tally, make)
  }

  func run(_ input: Input, in context: RunContext) async throws -> Output {
    tally.add(context.directory)
    try Data(input.fingerprint.utf8).write(to: URL(fileURLWithPath: "\(context.directory)/work.txt"))
    try await context.recorder.record(StepRecord(stage: name, step: 1, seconds: 0, values: [:]))
    if interrupts { throw StageInterrupted() }
    return make(context.directory, fingerprint(on: input))
  }
}

typealias CorpusStage = WritingStage<Nothing, CorpusArtifact>
typealias PretrainStage = WritingStage<CorpusArtifact, CheckpointArtifact>
typealias TuneStage = WritingStage<CheckpointArtifact, CheckpointArtifact>
typealias JudgeStage = WritingStage<CheckpointArtifact, EvaluationArtifact>

struct TestStages: Plugin {
  let name = "test-stages"
  let tally: StageTally
  func register(in registry: inout Registry) throws {
    let tally = tally
    try registry.stages.add("puzzle-corpus", configuredBy: CorpusStage.Settings.self) {
      try CorpusStage("puzzle-corpus", $0, tally, CorpusArtifact.init)
    }
    try registry.stages.add("pretrain", configuredBy: PretrainStage.Settings.self) {
      try PretrainStage("pretrain", $0, tally, CheckpointArtifact.init)
    }
    try registry.stages.add("grpo", configuredBy: TuneStage.Settings.self) {
      try TuneStage("grpo", $0, tally, CheckpointArtifact.init)
    }
    try registry.stages.add("evaluate", configuredBy: JudgeStage.Settings.self) {
      try JudgeStage("evaluate", $0, tally) {
        .init(directory: $0, fingerprint: $1, figures: ["pass@1": .nan, "n": 0.5])
      }
    }
  }
}

/// A run in a directory of its own, removed afterwards.
struct Workshop {
  let tally = StageTally()
  let recorder = MemoryRecorder()
  let registry: Registry
  let directory: String

  init() throws {
    registry = try Registry([TestStages(tally: tally)])
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("graph-\(UUID())").path
  }
  func remove() { try? FileManager.default.removeItem(atPath: directory) }

  var run: Run {
    Run(
      directory: directory, device: Device(ReferenceBackend()), registry: registry, recorder: recorder,
      progress: SilentProgress(), logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
  }
  func graph(_ yaml: String) throws -> Graph { try Graph(recipe: ConfigTree(yaml: yaml), stages: registry.stages) }
  func corpus(steps: Int = 10) throws -> CorpusStage {
    try CorpusStage("puzzle-corpus", .init(steps: steps), tally, CorpusArtifact.init)
  }
  func problem(_ yaml: String) -> String {
    do {
      _ = try graph(yaml)
      return "nothing was thrown"
    } catch {
      return "\(error)"
    }
  }
}

func stageMessage(_ work: () async throws -> Void) async -> String {
  do {
    try await work()
    return "nothing was thrown"
  } catch {
    return "\(error)"
  }
}
