// The artifacts most stages exchange. A plugin may define more; two stages fit together when the kinds match.

/// Text prepared for training: problems, documents, token shards.
public struct CorpusArtifact: Artifact, Equatable {
  public static let kind = "corpus"
  public let directory: String
  public let fingerprint: String
  public init(directory: String, fingerprint: String) {
    (self.directory, self.fingerprint) = (directory, fingerprint)
  }
}

/// A model in its published layout: config.json, weights, tokenizer.
public struct CheckpointArtifact: Artifact, Equatable {
  public static let kind = "checkpoint"
  public let directory: String
  public let fingerprint: String
  public init(directory: String, fingerprint: String) {
    (self.directory, self.fingerprint) = (directory, fingerprint)
  }
}

/// What an evaluation found, in figures by name ("pass@1"), with the details in its directory.
public struct EvaluationArtifact: Artifact, Equatable {
  public static let kind = "evaluation"
  public let directory: String
  public let fingerprint: String
  public let figures: [String: Double]
  public init(directory: String, fingerprint: String, figures: [String: Double]) {
    (self.directory, self.fingerprint, self.figures) = (directory, fingerprint, figures)
  }
}

/// The input of stages that start from nothing. It is nowhere and always the same.
public struct Nothing: Artifact, Equatable {
  public static let kind = "nothing"
  public var directory: String { "" }
  public var fingerprint: String { "nothing" }
  public init() {}
}
