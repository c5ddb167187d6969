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
  /// Throws what can be known before any work: a part that nobody has brought, a setting that the part refuses.
  /// `path` is where the stage's settings stand in the recipe and begins the path of errors.
  func check(in registry: Registry, at path: String) throws
  /// Does the work in `context.directory`; continues from there when a half-finished attempt is found.
  func run(_ input: Input, in context: RunContext) async throws -> Output
}

extension Stage {
  /// Nothing to check beyond the settings themselves.
  public func check(in registry: Registry, at path: String) throws {}
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
