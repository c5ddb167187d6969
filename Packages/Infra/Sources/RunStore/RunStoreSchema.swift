// The tables of the run store and how older files become current ones. Migrations are added, never edited.
// Metric names are numbered once; a metric's values lie together in step order, so a curve is one range of the file.
import GRDB

enum RunStoreSchema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 runs, stages, steps, rollouts") { database in
      try database.execute(sql: first)
    }
    return migrator
  }

  /// Tables are strict, so that whoever wrote a file, a column holds what its readers expect.
  /// Free text is kept as bytes where it may contain the character NUL, at which SQLite's text would end.
  private static let first = """
    CREATE TABLE run (
      id TEXT PRIMARY KEY, name TEXT NOT NULL, command TEXT NOT NULL,
      status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'failed', 'interrupted')),
      recipe TEXT NOT NULL, directory TEXT NOT NULL, started REAL NOT NULL, ended REAL) STRICT, WITHOUT ROWID;
    CREATE TABLE stage (
      number INTEGER PRIMARY KEY, run TEXT NOT NULL REFERENCES run(id) ON DELETE CASCADE, name TEXT NOT NULL,
      status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'failed', 'interrupted')),
      started REAL NOT NULL, ended REAL, fingerprint TEXT, UNIQUE (run, name)) STRICT;
    CREATE TABLE artifact (
      stage INTEGER NOT NULL REFERENCES stage(number) ON DELETE CASCADE, kind TEXT NOT NULL,
      directory TEXT NOT NULL, fingerprint TEXT NOT NULL, PRIMARY KEY (stage, kind)) STRICT, WITHOUT ROWID;
    CREATE TABLE step (
      stage INTEGER NOT NULL REFERENCES stage(number) ON DELETE CASCADE, step INTEGER NOT NULL,
      seconds REAL NOT NULL, PRIMARY KEY (stage, step)) STRICT, WITHOUT ROWID;
    CREATE TABLE metric (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE value (
      stage INTEGER NOT NULL, metric INTEGER NOT NULL REFERENCES metric(number), step INTEGER NOT NULL,
      value REAL, PRIMARY KEY (stage, metric, step),
      FOREIGN KEY (stage, step) REFERENCES step(stage, step) ON DELETE CASCADE) STRICT, WITHOUT ROWID;
    CREATE INDEX value_by_step ON value(stage, step);
    CREATE TABLE rollout (
      number INTEGER PRIMARY KEY, stage INTEGER NOT NULL REFERENCES stage(number) ON DELETE CASCADE,
      step INTEGER NOT NULL, problem BLOB NOT NULL, prompt BLOB NOT NULL, response BLOB NOT NULL, reward REAL,
      advantage REAL, parts TEXT NOT NULL, tokens INTEGER NOT NULL) STRICT;
    CREATE INDEX rollout_by_step ON rollout(stage, step);
    """
}
