// The server as a service of this process: started, announced once it listens, stopped in order by Ctrl-C or SIGTERM.
import HTTPServing
import Logging
import ServiceLifecycle
import UnixSignals

/// Models that this process offers over HTTP.
struct LocalServer {
  let models: [ServedModel]
  var settings = ServerSettings()
  var puzzles: (any PuzzleSource)?
  var runs: (any RunFeed)?
  /// Answers that are being streamed when the server is told to stop have this long.
  private static let patience = Duration.seconds(30)

  init(
    models: [ServedModel], settings: ServerSettings = ServerSettings(), puzzles: (any PuzzleSource)? = nil,
    runs: (any RunFeed)? = nil
  ) {
    (self.models, self.settings, self.puzzles, self.runs) = (models, settings, puzzles, runs)
  }

  /// Serves until a signal; `announce` gets the address, "http://127.0.0.1:8080", once it can be opened.
  func run(announcing announce: @escaping @Sendable (String) -> Void) async throws {
    var logger = Logger(label: "fathom.serve") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .warning
    let server = try FathomServer(models: models, settings: settings, puzzles: puzzles, runs: runs, logger: logger)
    var configuration = ServiceGroupConfiguration(
      services: [server.makeService()], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    configuration.maximumGracefulShutdownDuration = Self.patience
    let group = ServiceGroup(configuration: configuration)
    let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
    async let serving: Void = group.run()
    // A server that cannot listen is reported by the group.
    if let port = try? await server.port { announce("http://\(host):\(port)") }
    try await serving
  }
}
