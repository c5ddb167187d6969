// One run: a directory, and everything its stages may touch. `let b = try await run.perform(SFT(…), on: a)`: the graph
// is ordinary code, edges are `let`s, and what is already done is not done again.
import Foundation
import Logging
import Plugins
import Recipes
import Tensors

/// Performs stages under Make's rule. A value: branches may use it at the same time.
public struct Run: Sendable {
  /// Absolute; made when the first stage starts.
  public let directory: String
  public let device: Device
  public let registry: Registry
  public let recorder: any RunRecorder
  public let progress: any ProgressReporter
  public let logger: Logger

  /// `directory` may be relative to the working directory.
  public init(
    directory: String, device: Device, registry: Registry, recorder: any RunRecorder,
    progress: any ProgressReporter, logger: Logger
  ) {
    self.directory = URL(fileURLWithPath: directory).standardizedFileURL.path
    (self.device, self.registry, self.recorder) = (device, registry, recorder)
    (self.progress, self.logger) = (progress, logger)
  }

  /// What a stage called `node` is handed.
  public func context(for node: String) -> RunContext {
    RunContext(
      directory: "\(directory)/\(node)", runDirectory: directory, device: device, registry: registry,
      recorder: NodeRecorder(node: node, base: recorder), progress: NodeProgress(node: node, base: progress),
      logger: logger)
  }

  /// Runs a stage in `<run>/<node>`, or returns what it made there before from the same settings and input. A
  /// half-finished attempt with the same settings is continued; another one is an error that names the difference.
  /// `node` is the stage's name unless the run has several of the kind.
  public func perform<S: Stage>(_ stage: S, on input: S.Input, as node: String? = nil) async throws -> S.Output {
    let node = node ?? stage.name
    guard Self.isDirectoryName(node) else { throw RunError.badNodeName(node) }
    let context = context(for: node)
    let start = StartRecord(
      stage: stage.name, fingerprint: stage.fingerprint(on: input),
      input: .init(kind: S.Input.kind, directory: input.directory, fingerprint: input.fingerprint),
      settings: stage.settings)
    if let output = try finished(S.Output.self, start, in: context.directory) {
      logger.info("\(node): already done", metadata: ["fingerprint": "\(start.fingerprint)"])
      return output
    }
    try stage.check(in: registry, at: node)
    try begin(start, in: context.directory)
    logger.info("\(node): \(stage.name)", metadata: ["fingerprint": "\(start.fingerprint)"])
    let output = try await stage.run(input, in: context)
    try FinishRecord(stage: stage.name, fingerprint: start.fingerprint, kind: S.Output.kind, artifact: output)
      .write(in: context.directory)
    return output
  }

  /// The same for a stage whose types are hidden.
  public func perform(_ stage: AnyStage, on input: any Artifact, as node: String? = nil) async throws -> any Artifact {
    try await stage.perform(on: input, in: self, as: node ?? stage.name)
  }

  /// Starts from nothing.
  public func perform<S: Stage>(_ stage: S, as node: String? = nil) async throws -> S.Output where S.Input == Nothing {
    try await perform(stage, on: Nothing(), as: node)
  }

  /// Names that are safe as a directory and, holding no dot, as a step of a `--set` path.
  static func isDirectoryName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 255 && name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
  }

  /// What the stage made before, when that was made from the same settings and input.
  private func finished<Output: Artifact>(
    _ type: Output.Type, _ start: StartRecord, in directory: String
  ) throws -> Output? {
    guard let mark = try FinishMark.read(FinishMark.self, in: directory) else { return nil }
    guard mark.fingerprint == start.fingerprint else { throw try change(to: start, in: directory) }
    guard let record = try FinishMark.read(FinishRecord<Output>.self, in: directory) else { return nil }
    let result = record.artifact.directory
    guard result.isEmpty || RunFiles.exists(result) else {
      throw RunError.missingResult(
        stage: start.stage, record: FinishMark.file(in: directory), directory: result)
    }
    return record.artifact
  }

  /// Makes the stage's directory and says in it what is about to happen, unless that is said there already.
  private func begin(_ start: StartRecord, in directory: String) throws {
    if let attempt = try StartRecord.read(in: directory) {
      guard attempt.fingerprint == start.fingerprint else { throw try change(to: start, in: directory) }
      return
    }
    try RunFiles.makeDirectory(directory)
    try start.write(in: directory)
  }

  /// Why what is in `directory` cannot be used.
  private func change(to start: StartRecord, in directory: String) throws -> RunError {
    guard let before = try StartRecord.read(in: directory) else {
      return .damaged(file: FinishMark.file(in: directory), reason: "it has no settings.yaml beside it")
    }
    var differences = start.settings.differences(from: before.settings, at: "")
    if before.stage != start.stage {
      let names = (ConfigTree.string(before.stage), ConfigTree.string(start.stage))
      differences.insert(ConfigDifference(path: "stage", before: names.0, after: names.1), at: 0)
    }
    if differences.isEmpty, before.input.fingerprint != start.input.fingerprint {
      func text(_ input: StartRecord.Source) -> String { "\(input.kind) \(input.fingerprint.prefix(12))" }
      return .inputChanged(
        stage: start.stage, directory: directory, before: text(before.input), after: text(start.input))
    }
    guard !differences.isEmpty else {
      return .damaged(file: FinishMark.file(in: directory), reason: "its fingerprint is not that of settings.yaml")
    }
    return .settingsChanged(stage: start.stage, directory: directory, differences: differences)
  }
}
