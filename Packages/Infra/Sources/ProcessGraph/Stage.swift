// A node of the process graph with a typed way in and a typed way out.
import Logging
import Plugins
import Recipes
import Tensors

/// One step of a run. Conforming values are their own settings: what they would do is in their stored properties.
public protocol Stage: Sendable {
  associatedtype Input: Artifact
  associatedtype Output: Artifact
  /// "pretrain", "grpo", …: the name in recipes, progress lines and the run store.
  var name: String { get }
  /// The settings that decide the result; with the input's fingerprint they make the stage's own.
  var settings: ConfigTree { get }
  /// Does the work in `context.directory`; continues from there when a half-finished attempt is found.
  func run(_ input: Input, in context: RunContext) async throws -> Output
}

/// Everything a stage may touch besides its input. Handed in, never looked up.
public struct RunContext: Sendable {
  /// The stage's own directory, absolute; created before the stage runs.
  public var directory: String
  /// The run's directory, absolute.
  public var runDirectory: String
  public var device: Device
  public var registry: Registry
  public var recorder: any RunRecorder
  public var progress: any ProgressReporter
  public var logger: Logger
  public init(
    directory: String, runDirectory: String, device: Device, registry: Registry, recorder: any RunRecorder,
    progress: any ProgressReporter, logger: Logger
  ) {
    (self.directory, self.runDirectory, self.device, self.registry) = (directory, runDirectory, device, registry)
    (self.recorder, self.progress, self.logger) = (recorder, progress, logger)
  }
}
