// Puts what the stages of one run report into the store: one transaction per call, so readers see whole steps.
import Foundation
import GRDB
import ProcessGraph

/// The recorder of one run.
public struct StoreRecorder: RunRecorder {
  let store: RunStore
  /// The run's id.
  public let run: String

  /// Keeps a step; a step that is recorded again replaces the earlier one.
  public func record(_ step: StepRecord) async throws {
    try await store.write { [run] database in
      let stage = try RunStore.stageNumber(database, run, step.stage)
      // Deleting takes the step's earlier values with it.
      try database.cachedStatement(sql: "DELETE FROM step WHERE stage = ? AND step = ?")
        .execute(arguments: [stage, step.step])
      try database.cachedStatement(sql: "INSERT INTO step (stage, step, seconds) VALUES (?, ?, ?)")
        .execute(arguments: [stage, step.step, step.seconds])
      let number = try database.cachedStatement(sql: "INSERT OR IGNORE INTO metric (name) VALUES (?)")
      let insert = try database.cachedStatement(
        sql: """
          INSERT INTO value (stage, metric, step, value)
          VALUES (?, (SELECT number FROM metric WHERE name = ?), ?, ?)
          """)
      for (name, value) in step.values.sorted(by: { $0.key < $1.key }) {
        try number.execute(arguments: [name])
        // SQLite has no NaN: it is kept as NULL and read as NaN again.
        try insert.execute(arguments: [stage, name, step.step, value.isNaN ? nil : value])
      }
    }
  }

  public func record(_ rollouts: [RolloutRecord]) async throws {
    try await store.write { [run] database in
      let insert = try database.cachedStatement(
        sql: """
          INSERT INTO rollout (stage, step, problem, prompt, response, reward, advantage, parts, tokens)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
          """)
      for rollout in rollouts {
        let stage = try RunStore.stageNumber(database, run, rollout.stage)
        try insert.execute(arguments: [
          stage, rollout.step, Data(rollout.problemID.utf8), Data(rollout.prompt.utf8), Data(rollout.response.utf8),
          rollout.reward.isNaN ? nil : rollout.reward, rollout.advantage.isNaN ? nil : rollout.advantage,
          try RolloutParts.encode(rollout.parts), rollout.tokenCount,
        ])
      }
    }
  }

  public func rewind(stage: String, to step: Int) async throws {
    try await store.write { [run] database in
      let number = try RunStore.stageNumber(database, run, stage)
      try database.execute(sql: "DELETE FROM step WHERE stage = ? AND step > ?", arguments: [number, step])
      try database.execute(sql: "DELETE FROM rollout WHERE stage = ? AND step > ?", arguments: [number, step])
    }
  }
}

/// The scores of single rewards as one JSON object; numbers that JSON lacks are written as words.
enum RolloutParts {
  static func encode(_ parts: [String: Double]) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return String(decoding: try encoder.encode(parts), as: UTF8.self)
  }

  static func decode(_ text: String) throws -> [String: Double] {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode([String: Double].self, from: Data(text.utf8))
  }
}
