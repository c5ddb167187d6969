// Every address of the server, on one page.
import Foundation
import HTTPTypes
import Hummingbird
import JSON

struct Routes: Sendable {
  var models: [ServedModel]
  var settings: ServerSettings
  var drain: Drain
  var puzzles: (any PuzzleSource)?
  var runs: (any RunFeed)?

  func router() -> Router<BasicRequestContext> {
    let router = Router(context: BasicRequestContext.self, options: .autoGenerateHeadEndpoints)
    router.add(middleware: RequestIdentity())
    if settings.allowsCrossOrigin {
      router.add(
        middleware: CORSMiddleware(
          allowOrigin: .all, allowHeaders: [.contentType, .authorization, .requestID],
          allowMethods: [.get, .post, .options]))
    }
    router.add(middleware: ErrorTranslation())
    let open = router.group()
    add("/", .get, to: open) { _, _ in Page.chat.response }
    add("/run", .get, to: open) { _, _ in Page.run.response }
    for path: RouterPath in ["/health", "/v1/health"] { add(path, .get, to: open) { _, _ in try health() } }

    let guarded = router.group().add(middleware: KeyCheck(keys: settings.apiKeys))
    addModels(to: guarded)
    let completions = CompletionRoutes(models: models, settings: settings, drain: drain)
    for path: RouterPath in ["/v1/chat/completions", "/chat/completions"] {
      add(path, .post, to: guarded, completions.chat)
    }
    for path: RouterPath in ["/v1/completions", "/completions"] { add(path, .post, to: guarded, completions.text) }
    let runs = RunRoutes(puzzles: puzzles, runs: runs)
    add("/api/puzzle", .get, to: guarded, runs.puzzle)
    add("/api/runs", .get, to: guarded, runs.runs)
    add("/api/runs/:id/series", .get, to: guarded, runs.series)
    add("/api/runs/:id/rollouts", .get, to: guarded, runs.rollouts)
    return router
  }

  private typealias Handler = @Sendable (Request, BasicRequestContext) async throws -> Response

  /// Adds a route, and answers its other methods with 405 rather than 404.
  private func add(
    _ path: RouterPath, _ method: HTTPRequest.Method, to group: RouterGroup<BasicRequestContext>,
    _ handler: @escaping Handler
  ) {
    group.on(path, method: method, use: handler)
    for other: HTTPRequest.Method in [.get, .post, .put, .patch, .delete] where other != method {
      group.on(path, method: other) { request, _ -> Response in
        throw APIError.wrongMethod(request.method.rawValue, path: request.uri.path, allowed: method.rawValue)
      }
    }
  }

  private func health() throws -> Response {
    guard !drain.hasBegun else { throw APIError.draining }
    return .json(["status": "ok", "models": .array(models.map { .string($0.id) })])
  }

  private func addModels(to group: RouterGroup<BasicRequestContext>) {
    let list = JSONValue.object([
      .init("object", "list"), .init("data", .array(models.map(\.listing))),
    ])
    for path: RouterPath in ["/v1/models", "/models"] { add(path, .get, to: group) { _, _ in .json(list) } }
    // Names of models may contain slashes.
    for path: RouterPath in ["/v1/models/**", "/models/**"] {
      add(path, .get, to: group) { _, context in
        let path = context.parameters.getCatchAll().joined(separator: "/")
        let id = path.removingPercentEncoding ?? path
        guard let model = models.first(where: { $0.id == id }) else {
          throw APIError.unknownModel(id, known: models.map(\.id))
        }
        return .json(model.listing)
      }
    }
  }
}
