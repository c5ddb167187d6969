// Whether a stage that was stopped and continued ends in the same bytes as one that was not.
import Checkpoints
import Foundation
import ProcessGraph
import Tensors

/// A stage performed twice: straight, and stopped on the way and continued from its checkpoint.
public struct ResumeProof: Sendable, Equatable {
  /// What a checkpoint holds, as SHA-256 of its files.
  public struct Digest: Sendable, Equatable, Codable {
    /// Of model.safetensors.
    public let weights: String
    /// Of optimizer.safetensors: the moments.
    public let optimizer: String
  }
  /// The last step before the stop.
  public let stoppedAfter: Int
  /// The checkpoint that the stop left.
  public let halfway: Digest
  /// The last checkpoint of the straight run.
  public let straight: Digest
  /// The last checkpoint of the run that was stopped and continued.
  public let resumed: Digest
  /// What the straight run made.
  public let model: CheckpointArtifact

  /// Both ended in the same bytes, and something was learnt after the stop.
  public var holds: Bool { straight == resumed && halfway.weights != straight.weights }
}

extension ResumeProof {
  /// Performs `stage` in `run` as the nodes `straight` and `resumed`. The second is stopped after `step` as by Ctrl-C.
  /// It is continued from what is on disk alone, on `device` if one is given, as another process would.
  public static func measure<S: Stage>(
    _ stage: S, on input: S.Input, stoppingAfter step: Int, in run: Run, resumingOn device: Device? = nil
  ) async throws -> ResumeProof where S.Output == CheckpointArtifact {
    let model = try await run.perform(stage, on: input, as: "straight")
    let straight = try newest(of: "straight", in: run)

    let stopping = run.with(progress: StoppingProgress(step: step, base: run.progress))
    // A task of its own, which the stop cancels and nothing else.
    async let attempt = stopping.perform(stage, on: input, as: "resumed")
    do {
      _ = try await attempt
    } catch is CancellationError {
      try Task.checkCancellation()
    }
    let stop = try newest(of: "resumed", in: run)
    guard stop.step == step, step < straight.step else {
      throw ResumeProofError(
        "stage '\(stage.name)' was to be stopped after step \(step) of \(straight.step), but its newest checkpoint is of "
          + "step \(stop.step); stop it after a step before the last")
    }
    _ = try await run.with(device: device).perform(stage, on: input, as: "resumed")
    let resumed = try newest(of: "resumed", in: run)
    return ResumeProof(
      stoppedAfter: step, halfway: stop.digest, straight: straight.digest, resumed: resumed.digest, model: model)
  }

  private static func newest(of node: String, in run: Run) throws -> (step: Int, digest: Digest) {
    let checkpoints = TrainerState.checkpoints(in: "\(run.directory)/\(node)")
    guard let saved = try DurableDirectory.newest(in: checkpoints) else {
      throw ResumeProofError("\(checkpoints) has no checkpoint; a stage that trains leaves one when it stops")
    }
    let digest = Digest(
      weights: try Fingerprint.sha256(file: "\(saved.path)/model.safetensors"),
      optimizer: try Fingerprint.sha256(file: "\(saved.path)/\(TrainerState.optimizerStem).safetensors"))
    return (saved.step, digest)
  }
}

/// A stage that cannot be stopped and continued as a proof needs it, in one sentence.
public struct ResumeProofError: Error, CustomStringConvertible {
  public let description: String
  init(_ description: String) { self.description = description }
}

/// Cancels the task that shows a step, as Ctrl-C would.
private struct StoppingProgress: ProgressReporter {
  let step: Int
  let base: any ProgressReporter

  func report(stage: String, done: Int, of total: Int, unit: String, detail: String) {
    base.report(stage: stage, done: done, of: total, unit: unit, detail: detail)
    if done == step { withUnsafeCurrentTask { $0?.cancel() } }
  }
  func finish(stage: String, summary: String) { base.finish(stage: stage, summary: summary) }
  func note(_ sentence: String) { base.note(sentence) }
}

extension Run {
  /// The same directory and parts with another reporter or device.
  fileprivate func with(progress: (any ProgressReporter)? = nil, device: Device? = nil) -> Run {
    Run(
      directory: directory, device: device ?? self.device, registry: registry, recorder: recorder,
      progress: progress ?? self.progress, logger: logger)
  }
}
