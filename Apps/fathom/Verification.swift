// The work of `fathom verify`: a corpus, a stopped and a straight run, one step in every arrangement, two rollouts.
import CPUBackend
import Datasets
import Foundation
import LanguageModels
import ProcessGraph
import Tensors
import TrainingStages

/// Everything that a verification needs; `report()` does it.
struct Verification: Sendable {
  /// The recipe's file, as it was named.
  let recipe: String
  let outline: VerifyOutline
  let steps: Int
  let parts: Parts
  /// Made by the first stage; whoever named it removes it.
  let directory: String
  let progress: TerminalProgress

  /// Rows that the table of losses is over, at least: eight micro-batches need as many.
  private static let rows = 8

  func report() async throws -> VerifyReport {
    let corpus = try await corpus()
    let file = try TokenFile(corpus.directory)
    let plan = try outline.pretrainSettings(steps: steps, tokens: file.tokenCount)
    let resume = try await ResumeProof.measure(
      Pretrain(plan), on: corpus, stoppingAfter: steps / 2, in: run("resume"),
      resumingOn: Device(CPUBackend(threads: parts.threads)))
    let table = LossInvariance(try plan.firstRows(of: corpus, atLeast: Self.rows), objective: plan.objective)
    let loss = try losses(table, of: resume.model, in: plan.precision)
    let rollouts = try await rollouts(from: resume.model)
    return VerifyReport(
      recipe: recipe, documents: file.documentCount, tokens: file.tokenCount, threads: parts.threads, loss: loss,
      resume: .init(outline.pretrain.name, resume, steps: steps), rollouts: rollouts)
  }

  /// A run in a directory of its own, so that its nodes meet none of the recipe's.
  private func run(_ name: String) -> Run {
    Run(
      directory: "\(directory)/\(name)", device: parts.device, registry: parts.registry, recorder: MemoryRecorder(),
      progress: progress, logger: ProgressLog.logger("fathom.verify", progress))
  }

  /// What the pretraining learns from, made by the recipe's own stages.
  private func corpus() async throws -> CorpusArtifact {
    let run = run("sources")
    var artifact: any Artifact = Nothing()
    for node in outline.sources { artifact = try await run.perform(node.stage, on: artifact, as: node.name) }
    return CorpusArtifact(directory: artifact.directory, fingerprint: artifact.fingerprint)
  }

  /// The step in every arrangement, and as one batch on another number of threads.
  private func losses(
    _ table: LossInvariance, of checkpoint: CheckpointArtifact, in precision: Precision
  ) throws -> VerifyReport.Loss {
    let model = try ModelDirectory(checkpoint.directory).model(parts.registry, on: parts.device)
      .computing(in: precision)
    let (first, others) = (table.arrangements[0], table.arrangements.dropFirst())
    let reference = table.measure(model, first)
    var loss = VerifyReport.Loss(outline.pretrain.name, table, reference, named: first.name)
    func report(_ name: String) {
      progress.report(
        stage: "loss", done: loss.arrangements.count, of: others.count + 1, unit: "arrangement", detail: name)
    }
    for arrangement in others {
      try Task.checkCancellation()
      loss.add(arrangement, table.measure(model, arrangement), against: reference)
      report(arrangement.name)
    }
    try Task.checkCancellation()
    let threads = parts.threads == 1 ? 2 : 1
    let again = try ModelDirectory(checkpoint.directory)
      .model(parts.registry, on: Device(CPUBackend(threads: threads))).computing(in: precision)
    loss.add(first, table.measure(again, first), against: reference, threads: threads)
    report("\(threads) thread\(threads == 1 ? "" : "s")")
    return loss
  }

  /// The first GRPO of the recipe from what was pretrained here.
  private func rollouts(from base: CheckpointArtifact) async throws -> VerifyReport.Rollouts? {
    guard let node = outline.grpo, let plan = try outline.grpoSettings() else { return nil }
    let found = try await GRPO(plan).rolloutAgreement(from: base, in: run("rollouts").context(for: node.name))
    return .init(node.name, found, form: plan.attentionForm)
  }
}
