// `fathom runs show RUN`: one run with its stages, what they made, their last figures and a few sampled answers.
import ArgumentParser
import ProcessGraph
import RunStore

struct RunsShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", abstract: "Shows one run.")

  @Argument(help: ArgumentHelp("A run's id, the beginning of one, or 'latest'.", valueName: "run"))
  var run = "latest"
  @OptionGroup var runs: RunsOptions
  @Option(help: "How many sampled answers to show.")
  var answers = 3
  @OptionGroup var output: ListingOptions

  func validate() throws { try requireOption("answers", answers, in: 0...10_000) }

  func run() async throws {
    let directory = runs.directory
    guard directory.hasStore else {
      throw CommandError("there are no runs in \(directory.path) yet; `fathom demo` or `fathom run` makes one")
    }
    let report = try await RunReport(run, in: directory.openStore(), answers: answers)
    try output.print(report, text: report.text)
  }
}

/// Everything that `runs show` tells, read at once.
struct RunReport: Encodable {
  let run: RunRecord
  let stages: [StageRecord]
  let artifacts: [ArtifactRecord]
  let lastSteps: [StepRecord]
  let rollouts: [RolloutRecord]

  init(_ selector: String, in store: RunStore, answers: Int) async throws {
    run = try await store.run(selector)
    stages = try await store.stages(of: run.id)
    artifacts = try await store.artifacts(of: run.id)
    lastSteps = try await store.latestSteps(of: run.id)
    var rollouts: [RolloutRecord] = []
    for stage in stages.reversed() where rollouts.count < answers {
      rollouts += try await store.rollouts(run: run.id, stage: stage.name, limit: answers - rollouts.count)
    }
    self.rollouts = rollouts
  }

  var text: String {
    var parts = [header, stageTable]
    if !artifacts.isEmpty { parts.append(artifactTable) }
    parts += lastSteps.map(figureTable)
    parts += rollouts.map(Self.answer)
    return parts.joined(separator: "\n")
  }

  private var header: String {
    var table = TextTable(.left(""), .left(""))
    table.add("run", run.id)
    table.add("command", run.command)
    table.add("status", run.standing)
    table.add("started", Figures.date(run.started))
    if let ended = run.ended { table.add("took", Figures.duration(ended - run.started)) }
    table.add("directory", run.directory)
    table.add("recipe", "\(run.directory)/recipe.yaml")
    return table.text
  }

  private var stageTable: String {
    var table = TextTable(.left("stage"), .left("status"), .left("started"), .right("took"), .right("steps"))
    for stage in stages {
      let step = lastSteps.first { $0.stage == stage.name }
      table.add(
        stage.name, stage.status.rawValue, Figures.date(stage.started),
        stage.ended.map { Figures.duration($0 - stage.started) } ?? "", step.map { "\($0.step)" } ?? "")
    }
    return table.isEmpty ? "No stage has begun.\n" : table.text
  }

  private var artifactTable: String {
    var table = TextTable(.left("stage"), .left("made"), .left("where"), .left("fingerprint"))
    for artifact in artifacts {
      table.add(artifact.stage, artifact.kind, artifact.directory, String(artifact.fingerprint.prefix(12)))
    }
    return table.text
  }

  private func figureTable(_ step: StepRecord) -> String {
    var table = TextTable(.left("\(step.stage), step \(step.step)"), .right("value"))
    for (name, value) in step.values.sorted(by: { $0.key < $1.key }) { table.add(name, Figures.short(value)) }
    return table.text
  }

  private static func answer(_ rollout: RolloutRecord) -> String {
    let parts = rollout.parts.sorted { $0.key < $1.key }.map { "\($0.key) \(Figures.short($0.value))" }
    let reward =
      "reward \(Figures.short(rollout.reward))" + (parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))")
    return """
      \(rollout.stage), step \(rollout.step): \(reward), advantage \(Figures.short(rollout.advantage)), \
      \(rollout.tokenCount) tokens
      \(indented(rollout.prompt))\(indented(rollout.response))
      """
  }

  /// The lines of what a model wrote, without the control characters that would steer a terminal.
  private static func indented(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).map { line in
      let safe = line.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : String($0) }
      return "  \(safe.joined())\n"
    }.joined()
  }
}
