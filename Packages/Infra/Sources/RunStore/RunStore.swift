// Every run that was ever started here, with its figures: one SQLite file; many processes read while one writes.
// This file opens it and keeps what runs and stages do; reading is in RunStore+Reading.swift.
import Foundation
import GRDB
import ProcessGraph

/// The record of runs. A handle: copies speak to the same file.
public struct RunStore: Sendable {
  /// The name of the file in the directory that holds the runs.
  public static let fileName = "fathom.sqlite"
  public let path: String
  private let pool: DatabasePool

  /// Opens the store at `path` and brings its tables up to date; a missing file is created, its directory must exist.
  /// With `isReadOnly` the file must exist and is left as it is.
  public static func open(_ path: String, isReadOnly: Bool = false) throws -> RunStore {
    if isReadOnly && !FileManager.default.fileExists(atPath: path) {
      throw RunStoreError("\(path): there is no run store here; the first run creates it")
    }
    do {
      return try RunStore(path: path, isReadOnly: isReadOnly)
    } catch let error as DatabaseError {
      throw RunStoreError(error, path)
    }
  }

  private init(path: String, isReadOnly: Bool) throws {
    var configuration = Configuration()
    configuration.readonly = isReadOnly
    configuration.busyMode = .timeout(10)
    configuration.label = "fathom.runs"
    self.path = path
    pool = try DatabasePool(path: path, configuration: configuration)
    let migrator = RunStoreSchema.migrator
    let (isCurrent, isNewer, isForeign) = try pool.read { database in
      let tables = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM sqlite_master") ?? 0
      let isForeign = try tables > 0 && migrator.appliedIdentifiers(database).isEmpty
      return (try migrator.hasCompletedMigrations(database), try migrator.hasBeenSuperseded(database), isForeign)
    }
    if isForeign {
      throw RunStoreError("\(path): this is another program's database; a run store or a new path was expected")
    }
    if isNewer { throw RunStoreError("\(path): a newer version of this program wrote the run store; use that one") }
    if isCurrent { return }
    if isReadOnly {
      throw RunStoreError("\(path): the run store has older tables; open it for writing once to bring them up to date")
    }
    try migrator.migrate(pool)
  }

  /// One transaction that changes something.
  func write<Result: Sendable>(_ body: @Sendable @escaping (Database) throws -> Result) async throws -> Result {
    do {
      return try await pool.write(body)
    } catch let error as DatabaseError {
      throw RunStoreError(error, path)
    }
  }

  /// One look at a consistent state, also while another process writes.
  func read<Result: Sendable>(_ body: @Sendable @escaping (Database) throws -> Result) async throws -> Result {
    do {
      return try await pool.read(body)
    } catch let error as DatabaseError {
      throw RunStoreError(error, path)
    }
  }
}

extension RunStore {
  /// Enters a new run, running since `started`. Its directory will be `root`/id; a second run of the same name in the
  /// same second becomes id-2, and so does one whose directory is taken.
  public func beginRun(
    name: String, command: String, recipe: String, root: String,
    at started: Double = Date().timeIntervalSince1970
  ) async throws -> RunRecord {
    try await write { database in
      let base = RunID.make(name: name, at: started)
      var (id, number) = (base, 1)
      while try Row.fetchOne(database, sql: "SELECT 1 FROM run WHERE id = ?", arguments: [id]) != nil
        || FileManager.default.fileExists(atPath: "\(root)/\(id)")
      {
        number += 1
        id = "\(base)-\(number)"
      }
      let run = RunRecord(
        id: id, name: name, command: command, status: .running, recipe: recipe, directory: "\(root)/\(id)",
        started: started)
      try database.execute(
        sql: "INSERT INTO run (id, name, command, status, recipe, directory, started) VALUES (?, ?, ?, ?, ?, ?, ?)",
        arguments: [id, name, command, run.status.rawValue, recipe, run.directory, started])
      return run
    }
  }

  /// Says where a run stands; `running` also forgets when it ended, for a run that is resumed.
  public func setStatus(
    _ status: RunStatus, ofRun id: String, at time: Double = Date().timeIntervalSince1970
  ) async throws {
    try await write { database in
      try database.execute(
        sql: "UPDATE run SET status = ?, ended = ? WHERE id = ?",
        arguments: [status.rawValue, status == .running ? nil : time, id])
      if database.changesCount == 0 { throw RunStore.noRun(id) }
    }
  }

  /// Enters a stage, running since `started`; a stage that is run again keeps its figures.
  public func beginStage(
    _ name: String, run: String, fingerprint: String? = nil, at started: Double = Date().timeIntervalSince1970
  ) async throws {
    try await write { database in
      let stage = try RunStore.stageNumber(database, run, name, at: started)
      try database.execute(
        sql: "UPDATE stage SET status = 'running', started = ?, ended = NULL, fingerprint = ? WHERE number = ?",
        arguments: [started, fingerprint, stage])
    }
  }

  /// Says how a stage ended.
  public func endStage(
    _ name: String, run: String, status: RunStatus, at ended: Double = Date().timeIntervalSince1970
  ) async throws {
    try await write { database in
      try database.execute(
        sql: "UPDATE stage SET status = ?, ended = ? WHERE run = ? AND name = ?",
        arguments: [status.rawValue, status == .running ? nil : ended, run, name])
      if database.changesCount == 0 { throw RunStoreError("run '\(run)' has no stage '\(name)'; begin it first") }
    }
  }

  /// Enters what a stage left on disk, in place of an earlier artifact of the same kind.
  public func record(_ artifact: ArtifactRecord) async throws {
    try await write { database in
      let stage = try RunStore.stageNumber(database, artifact.run, artifact.stage)
      try database.execute(
        sql: "INSERT OR REPLACE INTO artifact (stage, kind, directory, fingerprint) VALUES (?, ?, ?, ?)",
        arguments: [stage, artifact.kind, artifact.directory, artifact.fingerprint])
    }
  }

  /// What the stages of this run report to.
  public func recorder(for run: String) -> StoreRecorder { StoreRecorder(store: self, run: run) }

  /// The number of a stage, which is entered now if it is new.
  static func stageNumber(
    _ database: Database, _ run: String, _ name: String, at time: Double = Date().timeIntervalSince1970
  ) throws -> Int64 {
    let find = try database.cachedStatement(sql: "SELECT number FROM stage WHERE run = ? AND name = ?")
    if let number = try Int64.fetchOne(find, arguments: [run, name]) { return number }
    guard try Row.fetchOne(database, sql: "SELECT 1 FROM run WHERE id = ?", arguments: [run]) != nil else {
      throw noRun(run)
    }
    try database.execute(
      sql: "INSERT INTO stage (run, name, status, started) VALUES (?, ?, 'running', ?)", arguments: [run, name, time])
    return database.lastInsertedRowID
  }

  static func noRun(_ id: String) -> RunStoreError {
    RunStoreError("there is no run '\(id)'; `fathom runs` lists the runs that there are")
  }
}
