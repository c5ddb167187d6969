// What the store knows about runs, stages and artifacts, as values for pages and the command line.
// Times are seconds since 1970; a time that has not come yet is nil.

/// Where a run or a stage stands.
public enum RunStatus: String, Sendable, Codable, CaseIterable { case running, finished, failed, interrupted }

/// One run: what was started, from what, where and when.
public struct RunRecord: Sendable, Codable, Equatable {
  /// Sortable and readable: "20261121-104512-demo".
  public var id: String
  public var name: String
  /// The command line that started it.
  public var command: String
  public var status: RunStatus
  /// The merged recipe, as text.
  public var recipe: String
  /// The run's directory, absolute.
  public var directory: String
  public var started: Double
  public var ended: Double?
  public init(
    id: String, name: String, command: String, status: RunStatus, recipe: String, directory: String, started: Double,
    ended: Double? = nil
  ) {
    (self.id, self.name, self.command, self.status) = (id, name, command, status)
    (self.recipe, self.directory, self.started, self.ended) = (recipe, directory, started, ended)
  }
}

/// One stage of a run.
public struct StageRecord: Sendable, Codable, Equatable {
  public var run: String
  public var name: String
  public var status: RunStatus
  public var started: Double
  public var ended: Double?
  /// SHA-256 of the stage's settings and input; nil until it is known.
  public var fingerprint: String?
  public init(
    run: String, name: String, status: RunStatus, started: Double, ended: Double? = nil, fingerprint: String? = nil
  ) {
    (self.run, self.name, self.status) = (run, name, status)
    (self.started, self.ended, self.fingerprint) = (started, ended, fingerprint)
  }
}

/// What a stage left on disk.
public struct ArtifactRecord: Sendable, Codable, Equatable {
  public var run: String
  public var stage: String
  /// "corpus", "checkpoint", …
  public var kind: String
  public var directory: String
  public var fingerprint: String
  public init(run: String, stage: String, kind: String, directory: String, fingerprint: String) {
    (self.run, self.stage, self.kind) = (run, stage, kind)
    (self.directory, self.fingerprint) = (directory, fingerprint)
  }
}

/// One value of a metric. A value that is not a number is `nan` here and `null` in JSON, which has no word for it.
public struct MetricPoint: Sendable, Codable, Equatable {
  public var step: Int
  /// Seconds since the stage began.
  public var seconds: Double
  public var value: Double

  public init(step: Int, seconds: Double, value: Double) {
    (self.step, self.seconds, self.value) = (step, seconds, value)
  }

  private enum CodingKeys: String, CodingKey { case step, seconds, value }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    step = try container.decode(Int.self, forKey: .step)
    seconds = try container.decode(Double.self, forKey: .seconds)
    value = try container.decodeIfPresent(Double.self, forKey: .value) ?? .nan
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(step, forKey: .step)
    try container.encode(seconds, forKey: .seconds)
    if value.isFinite { try container.encode(value, forKey: .value) } else { try container.encodeNil(forKey: .value) }
  }
}
