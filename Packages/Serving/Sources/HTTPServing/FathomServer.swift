// The server: models behind an OpenAI- and DeepSeek-compatible API, a chat page and a chart page.
// It is one service of the app's `ServiceGroup`, so that starting, signals and stopping are the app's business.
import Hummingbird
public import Logging
import NIOCore
public import ServiceLifecycle
import UnixSignals

/// Serves models over HTTP.
///
/// ```swift
/// let server = try FathomServer(models: [model], settings: ServerSettings(port: 8080), logger: logger)
/// try await server.run()
/// ```
public struct FathomServer: Sendable {
  let routes: Routes
  private let listening = Listening()
  private let logger: Logger

  /// Throws `ServerError` when the settings cannot work or two models share a name.
  public init(
    models: [ServedModel], settings: ServerSettings = ServerSettings(), puzzles: (any PuzzleSource)? = nil,
    runs: (any RunFeed)? = nil, logger: Logger
  ) throws {
    try settings.validate()
    var names: Set<String> = []
    for model in models where !names.insert(model.id).inserted {
      throw ServerError("two models are called '\(model.id)'; each needs a name of its own")
    }
    routes = Routes(models: models, settings: settings, drain: Drain(), puzzles: puzzles, runs: runs)
    self.logger = logger
  }

  /// The service that listens until it is told to shut down gracefully; it then takes no new connections, completes
  /// what is being streamed, and ends. A server has one service and runs it once.
  public func makeService() -> some Service {
    ServerService(routes: routes, listening: listening, logger: logger)
  }

  /// Serves until the process receives SIGTERM or SIGINT, or this task is cancelled; what is being streamed then is
  /// completed first. Apps with services of their own put `makeService()` beside
  /// them in a `ServiceGroup` instead.
  public func run() async throws {
    let configuration = ServiceGroupConfiguration(
      services: [makeService()], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    let group = ServiceGroup(configuration: configuration)
    // A task of its own, awaited here: a cancelled server would cut its streams.
    let serving = Task { try await group.run() }
    try await withTaskCancellationHandler {
      try await serving.value
    } onCancel: {
      Task { await group.triggerGracefulShutdown() }
    }
  }

  /// The port that the server listens on. Waits until it does; throws `ServerError` when it could not begin to.
  public var port: Int {
    get async throws { try await listening.port() }
  }
}

/// Runs the HTTP server, and passes on when it listens and when it is asked to stop.
private struct ServerService: Service {
  var routes: Routes
  var listening: Listening
  var logger: Logger

  func run() async throws {
    let settings = routes.settings
    let application = Application(
      router: routes.router(),
      configuration: .init(address: .hostname(settings.host, port: settings.port), serverName: "fathom"),
      onServerRunning: { await listening.began(on: $0.localAddress?.port ?? settings.port) }, logger: logger)
    do {
      try await withGracefulShutdownHandler {
        try await application.run()
      } onGracefulShutdown: {
        routes.drain.begin()
      }
      await listening.ended(ServerError("the server has stopped"))
    } catch {
      let reason = ServerError("the server cannot listen on \(settings.host):\(settings.port): \(error)")
      await listening.ended(reason)
      throw reason
    }
  }
}
