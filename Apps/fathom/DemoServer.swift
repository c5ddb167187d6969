// The demo's web pages: charts from the first step on, the chat once the model is there, all at one address.
// Signals are the run's business: what they cancel, training or answering, ends in its own order.
import HTTPServing
import LanguageModels
import LogicPuzzles
import ProcessGraph
import RunStore
import ServiceLifecycle

/// A server that runs beside the training.
struct DemoServer: Sendable {
  /// "http://127.0.0.1:8080".
  let address: String
  private let model: LateModel
  private let group: ServiceGroup
  private let serving: Task<Void, any Error>

  /// Ports that are tried one after another when none was asked for.
  private static let ports = 8080...8099
  /// Answers that are being streamed when the server is told to stop have this long.
  private static let patience = Duration.seconds(10)

  /// Starts to listen. Without a `port` the first free one of twenty is taken.
  static func open(
    host: String, port: Int?, announcing outline: DemoOutline, runs: RunsDirectory, progress: any ProgressReporter
  ) async throws -> DemoServer {
    let store = try runs.openStore()
    func attempt(_ port: Int) async throws -> DemoServer {
      try await DemoServer(ServerSettings(host: host, port: port), outline, store, progress)
    }
    if let port { return try await attempt(port) }
    do {
      return try await attempt(ports.lowerBound)
    } catch {
      for port in ports.dropFirst() {
        if let server = try? await attempt(port) { return server }
      }
      throw error
    }
  }

  private init(
    _ settings: ServerSettings, _ outline: DemoOutline, _ store: RunStore, _ progress: any ProgressReporter
  ) async throws {
    let model = LateModel()
    let announcement = model.announcement(id: DemoNode.thinker.rawValue, contextLength: outline.model.contextLength)
    let logger = ProgressLog.logger("fathom.serve", progress)
    let server = try FathomServer(
      models: [announcement], settings: settings, puzzles: ChatPuzzles(generator: try PuzzleGenerator()),
      runs: StoredRuns(store), logger: logger)
    var configuration = ServiceGroupConfiguration(services: [server.makeService()], logger: logger)
    configuration.maximumGracefulShutdownDuration = Self.patience
    let group = ServiceGroup(configuration: configuration)
    serving = Task { try await group.run() }
    let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
    address = "http://\(host):\(try await server.port)"
    (self.model, self.group) = (model, group)
  }

  /// Answers questions with `model` until this task is cancelled, then completes what is being answered. `announce` is
  /// called once the model answers.
  func answer(with model: ServedModel, announce: () throws -> Void) async throws {
    self.model.arrive(model)
    try announce()
    do {
      try await withTaskCancellationHandler {
        try await serving.value
      } onCancel: {
        // Its effect is awaited: serving ends by it.
        Task { await group.triggerGracefulShutdown() }
      }
    } catch {
      // A client that took longer than the patience is not worth a word to somebody who wants to stop.
      guard Task.isCancelled else { throw error }
    }
  }
}
