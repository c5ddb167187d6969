// A verification for people: the table of losses, then what else was compared, side by side.
import Foundation
import TrainingStages

extension VerifyReport {
  /// Two tables and what they are held to.
  var text: String {
    """
    \(recipe): the stage '\(loss.stage)' on \(Figures.grouped(documents)) \(documents == 1 ? "document" : "documents"), \
    \(Figures.grouped(resume.steps)) steps, \(threads) \(threads == 1 ? "thread" : "threads")

    One step over the same \(Figures.grouped(loss.rows)) rows, \(Figures.grouped(loss.tokens)) tokens:

    \(lossTable.text)
    Every log-probability must be the same bits, on another number of threads every gradient too. Sums that are taken
    in another order may be \(String(format: "%.0e", tolerance)) apart, relatively.

    \(proofTable.text)
    \(holds ? "Everything holds.\n" : "")
    """
  }

  private var lossTable: TextTable {
    var table = TextTable(
      .left("computed as"), .right("log p that differ"), .right("loss"), .right("apart"), .right("gradient norm"),
      .right("apart"), .left(""))
    table.add(loss.reference, "", Self.exact(loss.loss), "", Self.exact(loss.gradientNorm), "")
    for row in loss.arrangements {
      table.add(
        row.name, "\(Figures.grouped(row.differingTokens)) of \(Figures.grouped(row.targets))", Self.exact(row.loss),
        Self.scientific(row.lossDifference), Self.exact(row.gradientNorm),
        Self.scientific(row.gradientNormDifference), Self.verdict(row.holds))
    }
    return table
  }

  private var proofTable: TextTable {
    var table = TextTable(.left("compared"), .left("found"), .left("and"), .left(""))
    let resumed = "after \(resume.steps) steps, and resumed after \(resume.stoppedAfter)"
    table.add(
      "weights \(resumed)", Self.short(resume.straight.weights), Self.short(resume.resumed.weights),
      resume.hasLearnt ? Self.verdict(resume.straight.weights == resume.resumed.weights) : "nothing learnt")
    table.add(
      "moments \(resumed)", Self.short(resume.straight.optimizer), Self.short(resume.resumed.optimizer),
      Self.verdict(resume.straight.optimizer == resume.resumed.optimizer))
    guard let rollouts else {
      table.add("rollouts and training", "the recipe has no stage 'grpo'")
      return table
    }
    for round in rollouts.rounds {
      let steps = round.step == 0 ? "" : " after \(round.step) step\(round.step == 1 ? "" : "s") of '\(rollouts.stage)'"
      table.add(
        "log p sampled and trained\(steps)",
        "\(Figures.grouped(round.mismatches)) of \(Figures.grouped(round.tokens)) differ",
        "by \(Self.scientific(round.largestDifference)) at most",
        rollouts.isPromised ? Self.verdict(round.holds) : "not promised (\(rollouts.attentionForm))")
    }
    return table
  }

  private static func verdict(_ holds: Bool) -> String { holds ? "ok" : "differs" }
  /// Nine digits tell any two numbers of float32 apart.
  private static func exact(_ value: Double) -> String { String(format: "%#.9g", value) }
  private static func scientific(_ value: Double) -> String { value == 0 ? "0" : String(format: "%.1e", value) }
  /// The beginning of a SHA-256, which is all a person compares.
  private static func short(_ digest: String) -> String { "SHA-256 \(digest.prefix(16))" }
}
