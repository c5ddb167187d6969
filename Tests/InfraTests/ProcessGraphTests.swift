// Runs: finished work is not repeated, changed work is named, interrupted work continues.
import Foundation
import ProcessGraph
import Testing

@Suite struct RunTests {
  @Test func finishedWorkIsReturnedWithoutRunning() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let first = try await shop.run.perform(shop.corpus())
    let again = try await shop.run.perform(shop.corpus())
    #expect(first == again)
    #expect(first.directory == "\(shop.run.directory)/puzzle-corpus")
    #expect(shop.tally.ran == ["puzzle-corpus"])
    #expect(await shop.recorder.steps.count == 1)
  }

  @Test func changedSettingsAreNamedAndNothingRuns() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    _ = try await shop.run.perform(shop.corpus())
    let problem = await stageMessage { _ = try await shop.run.perform(shop.corpus(steps: 12)) }
    #expect(
      problem == "stage 'puzzle-corpus' was started in \(shop.run.directory)/puzzle-corpus with other settings "
        + "(steps: 10, now 12); undo the change, delete that directory to run the stage again, or choose a new run directory"
    )
    #expect(shop.tally.ran.count == 1)
    _ = try await shop.run.perform(shop.corpus(steps: 12), as: "other")
    #expect(shop.tally.ran == ["puzzle-corpus", "other"])
  }

  @Test func anotherInputIsNotTheSameWork() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let stage = try PretrainStage("pretrain", .init(), shop.tally, CheckpointArtifact.init)
    _ = try await shop.run.perform(stage, on: CorpusArtifact(directory: "/", fingerprint: "aaa"))
    let problem = await stageMessage {
      _ = try await shop.run.perform(stage, on: CorpusArtifact(directory: "/", fingerprint: "bbb"))
    }
    #expect(problem.contains("from another input (corpus aaa, now corpus bbb)"), "\(problem)")
    #expect(shop.tally.ran.count == 1)
  }

  @Test func interruptedWorkContinuesInItsDirectory() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    var stage = try shop.corpus()
    stage.interrupts = true
    await #expect(throws: StageInterrupted.self) { try await shop.run.perform(stage) }
    let directory = "\(shop.run.directory)/puzzle-corpus"
    #expect(FileManager.default.fileExists(atPath: "\(directory)/settings.yaml"))
    #expect(!FileManager.default.fileExists(atPath: "\(directory)/artifact.json"))
    let changed = await stageMessage { _ = try await shop.run.perform(shop.corpus(steps: 1)) }
    #expect(changed.contains("(steps: 10, now 1)"), "\(changed)")
    _ = try await shop.run.perform(shop.corpus())
    #expect(shop.tally.ran.count == 2)
    let files = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    #expect(files == ["artifact.json", "settings.yaml", "work.txt"])
  }

  @Test func fingerprintChangesWithEachThingThatDecides() throws {
    let tally = StageTally()
    func print(_ name: String, _ steps: Int, _ input: String) throws -> String {
      try PretrainStage(name, .init(steps: steps), tally, CheckpointArtifact.init)
        .fingerprint(on: CorpusArtifact(directory: "/\(UUID())", fingerprint: input))
    }
    let one = try print("a", 1, "x")
    #expect(try print("a", 1, "x") == one)
    #expect(try Set([one, print("b", 1, "x"), print("a", 2, "x"), print("a", 1, "y")]).count == 4)
  }

  @Test func damagedRecordsAndLostResultsSayWhatToDo() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let elsewhere = "\(shop.directory)/elsewhere"
    let stage = try CorpusStage("corpus", .init(), shop.tally) { _, print in
      CorpusArtifact(directory: elsewhere, fingerprint: print)
    }
    _ = try await shop.run.perform(stage)
    let lost = await stageMessage { _ = try await shop.run.perform(stage) }
    #expect(lost.contains("its result \(elsewhere) is gone"), "\(lost)")
    let record = URL(fileURLWithPath: "\(shop.run.directory)/corpus/artifact.json")
    try Data("{".utf8).write(to: record)
    let damaged = await stageMessage { _ = try await shop.run.perform(stage) }
    #expect(damaged.hasPrefix("\(record.path) is not what a run writes"), "\(damaged)")
    #expect(shop.tally.ran.count == 1)
  }

  @Test(arguments: ["", ".", "..", "a/b", "../x", "a.b", "a b", "a\0b"])
  func nodeNamesCannotLeaveTheRun(name: String) async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    await #expect(throws: RunError.badNodeName(name)) { try await shop.run.perform(shop.corpus(), as: name) }
    #expect(shop.tally.ran.isEmpty)
  }
}

@Suite struct AnyStageTests {
  private struct PluginCheckpoint: Artifact {
    static let kind = "checkpoint"
    var directory: String
    var fingerprint: String
  }

  @Test func anotherTypeOfTheSameKindIsCarriedOver() async throws {
    let shop = try Workshop()
    defer { shop.remove() }
    let stage = AnyStage(try TuneStage("grpo", .init(), shop.tally, CheckpointArtifact.init))
    #expect((stage.inputKind, stage.outputKind) == ("checkpoint", "checkpoint"))
    let input = PluginCheckpoint(directory: "/x", fingerprint: "abc")
    let output = try await shop.run.perform(stage, on: input)
    #expect(output is CheckpointArtifact)
    #expect(try String(contentsOfFile: "\(output.directory)/work.txt", encoding: .utf8) == "abc")
    let problem = await stageMessage {
      _ = try await stage.run(CorpusArtifact(directory: "/x", fingerprint: "abc"), in: shop.run.context(for: "grpo"))
    }
    #expect(problem == "stage 'grpo' takes a checkpoint, but it is wired to a corpus")
  }
}

@Suite struct MemoryRecorderTests {
  @Test func rewindForgetsOnlyLaterStepsOfThatStage() async {
    let recorder = MemoryRecorder()
    for step in 1...3 {
      for stage in ["a", "b"] {
        await recorder.record(StepRecord(stage: stage, step: step, seconds: 0, values: ["loss": 1]))
        let rollout = RolloutRecord(
          stage: stage, step: step, problemID: "p", prompt: "", response: "", reward: 0, advantage: 0, parts: [:],
          tokenCount: 0)
        await recorder.record([rollout])
      }
    }
    await recorder.rewind(stage: "a", to: 1)
    #expect(await recorder.steps.filter { $0.stage == "a" }.map(\.step) == [1])
    #expect(await recorder.steps.filter { $0.stage == "b" }.map(\.step) == [1, 2, 3])
    #expect(await recorder.rollouts.filter { $0.stage == "a" }.map(\.step) == [1])
    #expect(await recorder.rollouts.count == 4)
  }
}
