// What every request passes through on its way in and out: a number, an open door or a closed one, and manners.
import Foundation
import HTTPTypes
import Hummingbird
import LanguageModels
import Logging

extension HTTPField.Name {
  static var requestID: Self { name("x-request-id") }
  static var processingMilliseconds: Self { name("openai-processing-ms") }
  static var accelBuffering: Self { name("x-accel-buffering") }

  private static func name(_ text: String) -> Self {
    guard let name = HTTPField.Name(text) else { preconditionFailure("'\(text)' is not a header name") }
    return name
  }
}

/// Gives each request an id (the client's own where it sent one) and says it in the response and in the log.
struct RequestIdentity: RouterMiddleware {
  typealias Context = BasicRequestContext

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    let sent = request.headers[.requestID].flatMap { Self.isPlain($0) ? $0 : nil }
    let id = sent ?? "req-\(randomHexadecimal())"
    var context = context
    context.logger[metadataKey: "request"] = .string(id)
    let clock = ContinuousClock()
    let start = clock.now
    var response = try await next(request, context)
    let (seconds, attoseconds) = (clock.now - start).components
    response.headers[.requestID] = id
    response.headers[.processingMilliseconds] = String(seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    context.logger.debug(
      "answered", metadata: ["path": "\(request.uri.path)", "status": "\(response.status.code)"])
    return response
  }

  /// Whether an id from outside may be repeated in headers and logs.
  private static func isPlain(_ id: String) -> Bool {
    (1...128).contains(id.utf8.count) && id.utf8.allSatisfy { (0x21...0x7E).contains($0) }
  }
}

/// Turns everything thrown into the API's error object. What is not a client's mistake is logged and kept vague.
struct ErrorTranslation: RouterMiddleware {
  typealias Context = BasicRequestContext

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let error as APIError {
      return error.response
    } catch let error as GenerationError {
      return APIError.badRequest(error.description).response
    } catch let error as HTTPError where error.status == .notFound {
      return APIError.notFound("there is nothing at \(request.uri.path.prefix(200))", code: "route_not_found").response
    } catch {
      // A vanished client cancels its request: nobody reads this answer.
      if error is CancellationError {
        context.logger.debug("the client went away")
      } else {
        context.logger.error("\(request.method) \(request.uri.path) failed: \(error)")
      }
      return APIError.internalError.response
    }
  }
}

/// Lets only those in who present a key. Health and the pages themselves, which hold nothing secret, are open.
struct KeyCheck: RouterMiddleware {
  typealias Context = BasicRequestContext
  var keys: [String]

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    guard !keys.isEmpty else { return try await next(request, context) }
    guard let header = request.headers[.authorization] else {
      throw APIError.unauthorized("the Authorization header is missing; it must be \"Bearer\" and a key")
    }
    let parts = header.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else {
      throw APIError.unauthorized("the Authorization header is of another kind; it must be \"Bearer\" and a key")
    }
    var isKnown = false
    for key in keys where Self.areEqual(key, parts[1]) { isKnown = true }
    guard isKnown else { throw APIError.unauthorized("the key is not one of this server's keys") }
    return try await next(request, context)
  }

  /// Takes the same time wherever the first difference is, so that a key cannot be guessed byte by byte.
  private static func areEqual(_ key: String, _ sent: Substring) -> Bool {
    let (key, sent) = (Array(key.utf8), Array(sent.utf8))
    guard key.count == sent.count else { return false }
    return zip(key, sent).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
