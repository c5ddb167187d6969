// The run store: what is recorded is read back, also by another connection while a run writes, and bad files are
// sentences.
import Foundation
import ProcessGraph
import RunStore
import Testing

/// A directory of its own for one test, removed with it.
private final class Scratch {
  let path = FileManager.default.temporaryDirectory.path + "/runs-\(UUID().uuidString)"
  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }
  var file: String { "\(path)/\(RunStore.fileName)" }
}

extension RunStore {
  fileprivate func begin(_ name: String, _ scratch: Scratch, at time: Double) async throws -> RunRecord {
    try await beginRun(name: name, command: "fathom \(name)", recipe: "a: 1\n", root: scratch.path, at: time)
  }
}

/// 2026-11-21 10:45:12 UTC.
private let someTime = 1_795_257_912.0

@Suite struct RunStoreTests {
  @Test func runsAreNamedByTimeAndNeverTwice() async throws {
    let scratch = try Scratch()
    let store = try RunStore.open(scratch.file)
    let first = try await store.begin("Demo: Über/../x", scratch, at: someTime)
    #expect(first.id == "20261121-104512-demo-ber-x")
    #expect(first.directory == scratch.path + "/" + first.id)
    let ids = [first.id, try await store.begin("demo  ber x", scratch, at: someTime + 0.5).id]
    #expect(ids[1] == first.id + "-2")
    #expect(try await store.begin("!", scratch, at: 0).id == "19700101-000000-run")
    #expect(try await store.begin("far", scratch, at: .infinity).id.hasPrefix("99991231-"))
    try FileManager.default.createDirectory(
      atPath: scratch.path + "/20261121-104513-taken", withIntermediateDirectories: true)
    #expect(try await store.begin("taken", scratch, at: someTime + 1).id == "20261121-104513-taken-2")
  }

  @Test func aRunIsFoundByIdByPrefixAndAsTheLatest() async throws {
    let scratch = try Scratch()
    let store = try RunStore.open(scratch.file)
    await #expect(throws: RunStoreError.self) { try await store.run("latest") }
    let old = try await store.begin("old_one", scratch, at: someTime)
    let new = try await store.begin("new", scratch, at: someTime + 86_400)
    let twin = try await store.begin("new", scratch, at: someTime + 86_400)
    #expect(try await store.runs().map(\.id) == [twin.id, new.id, old.id])
    #expect(try await store.run("latest") == twin)
    #expect(try await store.run(new.id) == new, "an exact id wins over being a prefix")
    #expect(try await store.run("20261121") == old)
    for selector in ["2026", "", "%", "2025", "20261122-104512_new"] {
      await #expect(throws: RunStoreError.self, "\(selector)") { try await store.run(selector) }
    }
  }

  @Test func statusesAndStagesAndArtifactsAreKept() async throws {
    let scratch = try Scratch()
    let store = try RunStore.open(scratch.file)
    let run = try await store.begin("demo", scratch, at: 100)
    try await store.beginStage("pretrain", run: run.id, fingerprint: "f1", at: 101)
    try await store.beginStage("grpo", run: run.id, at: 103)
    try await store.endStage("pretrain", run: run.id, status: .finished, at: 102)
    let artifact = ArtifactRecord(
      run: run.id, stage: "pretrain", kind: "checkpoint", directory: "/d", fingerprint: "c1")
    try await store.record(artifact)
    try await store.record(artifact)
    try await store.setStatus(.failed, ofRun: run.id, at: 110)
    #expect(try await store.run(run.id).status == .failed)
    #expect(try await store.run(run.id).ended == 110)
    try await store.setStatus(.running, ofRun: run.id)
    #expect(try await store.run(run.id) == run)
    let stages = try await store.stages(of: run.id)
    #expect(
      stages == [
        StageRecord(run: run.id, name: "pretrain", status: .finished, started: 101, ended: 102, fingerprint: "f1"),
        StageRecord(run: run.id, name: "grpo", status: .running, started: 103),
      ])
    #expect(try await store.artifacts(of: run.id) == [artifact])
    await #expect(throws: RunStoreError.self) { try await store.setStatus(.failed, ofRun: "absent") }
    await #expect(throws: RunStoreError.self) { try await store.endStage("absent", run: run.id, status: .failed) }
    await #expect(throws: RunStoreError.self) { try await store.beginStage("sft", run: "absent") }
  }

  @Test func stepsAreReadBackByMetric() async throws {
    let scratch = try Scratch()
    let store = try RunStore.open(scratch.file)
    let run = try await store.begin("demo", scratch, at: 1).id
    let recorder = store.recorder(for: run)
    for step in (0..<20).reversed() {
      var values = ["loss": 1 / Double(step + 1), "completions/mean_length": Double(step)]
      if step == 7 { values["loss"] = .nan }
      if step == 8 { values["loss"] = .infinity }
      if step % 5 == 0 { values["eval"] = Double(step) }
      try await recorder.record(StepRecord(stage: "grpo", step: step, seconds: Double(step) / 2, values: values))
    }
    try await recorder.record(StepRecord(stage: "sft", step: 3, seconds: 1, values: ["loss": 9]))
    #expect(try await store.metricNames(of: run, stage: "grpo") == ["completions/mean_length", "eval", "loss"])
    #expect(try await store.metricNames(of: run, stage: "sft") == ["loss"])
    let eval = try await store.series(run: run, stage: "grpo", metric: "eval", since: 5)
    #expect(eval == [5, 10, 15].map { MetricPoint(step: $0, seconds: Double($0) / 2, value: Double($0)) })
    let loss = try await store.series(run: run, stage: "grpo", metric: "loss")
    #expect(loss.map(\.step) == Array(0..<20))
    #expect(loss[7].value.isNaN && loss[8].value == .infinity && loss[19].value == 0.05)
    let latest = try await store.latestSteps(of: run)
    #expect(latest.map(\.stage) == ["grpo", "sft"] && latest.map(\.step) == [19, 3])
    #expect(latest[0].values == ["loss": 0.05, "completions/mean_length": 19])
    #expect(try await store.series(run: run, stage: "absent", metric: "loss").isEmpty)
    let json = try JSONEncoder().encode([loss[7], loss[19]])
    let again = try JSONDecoder().decode([MetricPoint].self, from: json)
    #expect(again[0].value.isNaN && again[1] == loss[19])
  }

  @Test func aStepRecordedAgainReplacesItself() async throws {
    let scratch = try Scratch()
    let store = try RunStore.open(scratch.file)
    let run = try await store.begin("demo", scratch, at: 1).id
    let recorder = store.recorder(for: run)
    try await recorder.record(StepRecord(stage: "s", step: 1, seconds: 1, values: ["loss": 1, "old": 2]))
    let step = StepRecord(stage: "s", step: 1, seconds: 2, values: ["loss": 3])
    try await recorder.record(step)
    #expect(try await store.latestSteps(of: run) == [step])
    #expect(try await store.metricNames(of: run, stage: "s") == ["loss"])
    await #expect(throws: RunStoreError.self) { try await store.recorder(for: "absent").record(step) }
  }

  @Test func rolloutsAreReadBackLetterByLetterAndRewound() async throws {
    let scratch = try Scratch()
    let store = try RunStore.open(scratch.file)
    let run = try await store.begin("demo", scratch, at: 1).id
    let recorder = store.recorder(for: run)
    let texts = ["", "a\u{0}b", "\u{1F600}'; DROP TABLE run; --", "e\u{301}\n"]
    let rollouts = (1...3).flatMap { step in
      texts.map { text in
        RolloutRecord(
          stage: "grpo", step: step, problemID: "p\(text)", prompt: text + "?", response: text, reward: 0.1 + 0.2,
          advantage: -Double(step), parts: ["format": 1, "odd \u{0}\"": .infinity], tokenCount: 7)
      }
    }
    try await recorder.record(rollouts)
    try await recorder.record([RolloutRecord]())
    for step in 1...3 {
      try await recorder.record(StepRecord(stage: "grpo", step: step, seconds: 0, values: ["loss": 1]))
    }
    #expect(try await store.rollouts(run: run, stage: "grpo", step: 2) == Array(rollouts[4..<8]))
    #expect(try await store.rollouts(run: run, stage: "grpo", limit: 5) == Array(rollouts[8..<12] + rollouts[4..<5]))
    #expect(try await store.rollouts(run: run, stage: "grpo", limit: -1).isEmpty)
    try await recorder.rewind(stage: "grpo", to: 1)
    #expect(try await store.rollouts(run: run, stage: "grpo") == Array(rollouts[..<4]))
    #expect(try await store.series(run: run, stage: "grpo", metric: "loss").map(\.step) == [1])
  }

  @Test func anotherConnectionReadsWhileARunWrites() async throws {
    let scratch = try Scratch()
    let writer = try RunStore.open(scratch.file)
    let run = try await writer.begin("demo", scratch, at: 1).id
    let recorder = writer.recorder(for: run)
    try await recorder.record(StepRecord(stage: "s", step: 0, seconds: 0, values: ["a": 0, "b": 0]))
    let reader = try RunStore.open(scratch.file, isReadOnly: true)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for step in 1...100 {
          try await recorder.record(
            StepRecord(stage: "s", step: step, seconds: 0, values: ["a": Double(step), "b": Double(step)]))
        }
      }
      group.addTask {
        // Whole steps only: both metrics of the last step are always there and agree.
        for _ in 0..<100 {
          let last = try #require(try await reader.latestSteps(of: run).first)
          #expect(last.values == ["a": Double(last.step), "b": Double(last.step)])
        }
      }
      try await group.waitForAll()
    }
    #expect(try await reader.series(run: run, stage: "s", metric: "a").count == 101)
    await #expect(throws: RunStoreError.self) { try await reader.setStatus(.failed, ofRun: run) }
  }

  @Test func filesThatAreNoRunStoreAreSentences() throws {
    let scratch = try Scratch()
    func complaint(_ path: String, isReadOnly: Bool = false) -> String {
      do {
        _ = try RunStore.open(path, isReadOnly: isReadOnly)
        return "accepted"
      } catch {
        return "\(error)"
      }
    }
    let text = scratch.path + "/text"
    try String(repeating: "not a database, whatever it is called\n", count: 100)
      .write(toFile: text, atomically: true, encoding: .utf8)
    #expect(complaint(text).contains("this is not a run store"))
    #expect(complaint(scratch.path + "/absent/x.sqlite").contains("cannot be opened"))
    #expect(complaint(scratch.path).contains("cannot be opened"))
    #expect(complaint(scratch.path + "/x.sqlite", isReadOnly: true).contains("no run store here"))
    #expect(!FileManager.default.fileExists(atPath: scratch.path + "/x.sqlite"))
    #expect(complaint(scratch.file) == "accepted" && complaint(scratch.file) == "accepted")
  }
}
