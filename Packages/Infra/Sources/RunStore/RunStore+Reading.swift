// What pages and the command line ask of the store. Every answer is one consistent look at the file.
import Foundation
import GRDB
import ProcessGraph

extension RunStore {
  /// All runs, the newest first.
  public func runs() async throws -> [RunRecord] {
    try await read { database in
      try Row.fetchAll(database, sql: "SELECT * FROM run ORDER BY started DESC, id DESC").map { try RunRecord($0) }
    }
  }

  /// The run with this id, or the only one whose id begins with it, or the newest for "latest".
  public func run(_ selector: String) async throws -> RunRecord {
    try await read { database in
      if selector == "latest" {
        let newest = "SELECT * FROM run ORDER BY started DESC, id DESC LIMIT 1"
        guard let row = try Row.fetchOne(database, sql: newest) else {
          throw RunStoreError("there is no latest run: the run store is empty")
        }
        return try RunRecord(row)
      }
      if let row = try Row.fetchOne(database, sql: "SELECT * FROM run WHERE id = ?", arguments: [selector]) {
        return try RunRecord(row)
      }
      let rows = try Row.fetchAll(
        database, sql: "SELECT * FROM run WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT 4",
        arguments: [selector])
      guard !selector.isEmpty, let row = rows.first else { throw RunStore.noRun(selector) }
      guard rows.count == 1 else {
        let ids = try rows.prefix(3).map { try RunRecord($0).id }.joined(separator: ", ")
        throw RunStoreError(
          "'\(selector)' is the beginning of several runs (\(ids)\(rows.count > 3 ? ", …" : "")); write more of the id")
      }
      return try RunRecord(row)
    }
  }

  /// The stages of a run in the order in which they were first begun.
  public func stages(of run: String) async throws -> [StageRecord] {
    try await read { database in
      try Row.fetchAll(database, sql: "SELECT * FROM stage WHERE run = ? ORDER BY number", arguments: [run])
        .map { try StageRecord($0) }
    }
  }

  /// What the stages of a run left on disk, in the order of the stages.
  public func artifacts(of run: String) async throws -> [ArtifactRecord] {
    try await read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT stage.run, stage.name AS stage, kind, directory, artifact.fingerprint FROM artifact
          JOIN stage ON stage.number = artifact.stage WHERE stage.run = ? ORDER BY stage.number, kind
          """, arguments: [run]
      ).map {
        ArtifactRecord(
          run: $0["run"], stage: $0["stage"], kind: $0["kind"], directory: $0["directory"],
          fingerprint: $0["fingerprint"])
      }
    }
  }

  /// The names of the metrics that a stage has recorded, in alphabetical order.
  public func metricNames(of run: String, stage: String) async throws -> [String] {
    try await read { database in
      // One probe of the values' key per known metric, however many steps there are.
      try String.fetchAll(
        database,
        sql: """
          SELECT name FROM metric WHERE EXISTS (
            SELECT 1 FROM value WHERE value.metric = metric.number
            AND value.stage = (SELECT number FROM stage WHERE run = ? AND name = ?)) ORDER BY name
          """, arguments: [run, stage])
    }
  }

  /// The values of a metric in step order, from step `since` on (that step included). Empty when there are none.
  public func series(
    run: String, stage: String, metric: String, since: Int = 0
  ) async throws -> [MetricPoint] {
    try await read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT value.step, step.seconds, value.value FROM value
          JOIN step ON step.stage = value.stage AND step.step = value.step
          WHERE value.stage = (SELECT number FROM stage WHERE run = ? AND name = ?)
            AND value.metric = (SELECT number FROM metric WHERE name = ?) AND value.step >= ? ORDER BY value.step
          """, arguments: [run, stage, metric, since]
      ).map { MetricPoint(step: $0["step"], seconds: $0["seconds"], value: $0["value"] ?? .nan) }
    }
  }

  /// The last recorded step of every stage of a run that has recorded any, in the order of the stages.
  public func latestSteps(of run: String) async throws -> [StepRecord] {
    try await read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT stage.number, stage.name, step.step, step.seconds FROM stage JOIN step ON step.stage = stage.number
            AND step.step = (SELECT MAX(step) FROM step WHERE step.stage = stage.number)
          WHERE stage.run = ? ORDER BY stage.number
          """, arguments: [run]
      ).map { row in
        let (stage, step): (Int64, Int) = (row["number"], row["step"])
        let values = try Row.fetchAll(
          database,
          sql: """
            SELECT metric.name, value.value FROM value JOIN metric ON metric.number = value.metric
            WHERE value.stage = ? AND value.step = ?
            """, arguments: [stage, step]
        ).map { value -> (String, Double) in (value["name"], value["value"] ?? .nan) }
        return StepRecord(
          stage: row["name"], step: step, seconds: row["seconds"],
          values: Dictionary(values, uniquingKeysWith: { $1 }))
      }
    }
  }

  /// Sampled answers of a stage: of one step, or of all with the newest step first; within a step as recorded.
  public func rollouts(
    run: String, stage: String, step: Int? = nil, limit: Int = 50
  ) async throws -> [RolloutRecord] {
    try await read { database in
      var arguments: StatementArguments = [run, stage]
      if let step { arguments += [step] }
      return try Row.fetchAll(
        database,
        sql: """
          SELECT * FROM rollout WHERE stage = (SELECT number FROM stage WHERE run = ? AND name = ?)
            \(step == nil ? "" : "AND step = ?") ORDER BY step DESC, number LIMIT ?
          """, arguments: arguments + [max(0, limit)]
      ).map { try RolloutRecord($0, stage: stage) }
    }
  }
}

extension RunRecord {
  init(_ row: Row) throws {
    self.init(
      id: row["id"], name: row["name"], command: row["command"], status: try RunStatus(row), recipe: row["recipe"],
      directory: row["directory"], started: row["started"], ended: row["ended"])
  }
}

extension StageRecord {
  init(_ row: Row) throws {
    self.init(
      run: row["run"], name: row["name"], status: try RunStatus(row), started: row["started"], ended: row["ended"],
      fingerprint: row["fingerprint"])
  }
}

extension RunStatus {
  init(_ row: Row) throws {
    let text: String = row["status"]
    guard let status = RunStatus(rawValue: text) else {
      throw RunStoreError("the run store has the status '\(text)'; known are running, finished, failed, interrupted")
    }
    self = status
  }
}

extension RolloutRecord {
  init(_ row: Row, stage: String) throws {
    func text(_ column: String) -> String { String(decoding: row[column] as Data, as: UTF8.self) }
    self.init(
      stage: stage, step: row["step"], problemID: text("problem"), prompt: text("prompt"), response: text("response"),
      reward: row["reward"] ?? .nan, advantage: row["advantage"] ?? .nan,
      parts: try RolloutParts.decode(row["parts"]), tokenCount: row["tokens"])
  }
}
