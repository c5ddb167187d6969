// What clients are told when something is wrong: a status, and one sentence in the API's error object.
import HTTPTypes
import Hummingbird
import JSON
import Jinja
import Sentences

/// An answer that is an error.
struct APIError: Error, Equatable {
  var status: HTTPResponse.Status
  var message: String
  var type: String
  /// The field that is wrong.
  var param: String?
  var code: String?
  var headers = HTTPFields()

  /// The body: `{"error": {"message", "type", "param", "code"}}`.
  var body: JSONValue {
    [
      "error": [
        "message": .string(sentenceLine(message)), "type": .string(type), "param": param.map { .string($0) } ?? .null,
        "code": code.map { .string($0) } ?? .null,
      ]
    ]
  }

  var response: Response { .json(body, status: status, headers: headers) }
}

extension APIError {
  static func badRequest(_ message: String, param: String? = nil, code: String? = nil) -> Self {
    APIError(status: .badRequest, message: message, type: "invalid_request_error", param: param, code: code)
  }

  static func unsupported(_ param: String, _ reason: String) -> Self {
    badRequest("\(param) is not supported here; \(reason)", param: param, code: "unsupported_parameter")
  }

  static func notFound(_ message: String, param: String? = nil, code: String? = nil) -> Self {
    APIError(status: .notFound, message: message, type: "not_found_error", param: param, code: code)
  }

  static func unknownModel(_ id: String, known: [String]) -> Self {
    notFound(
      "model is \"\(id.prefix(80))\", which is not served here; this server has \(known.joined(separator: ", "))",
      param: "model", code: "model_not_found")
  }

  static func wrongMethod(_ method: String, path: String, allowed: String) -> Self {
    APIError(
      status: .methodNotAllowed, message: "\(method) is not possible on \(path); use \(allowed)",
      type: "invalid_request_error", param: nil, code: "method_not_allowed", headers: [.allow: allowed])
  }

  static func tooLarge(limit: Int) -> Self {
    APIError(
      status: .contentTooLarge, message: "the body is too large; at most \(limit) bytes are read",
      type: "invalid_request_error", param: nil, code: "body_too_large", headers: [.connection: "close"])
  }

  static var draining: Self {
    APIError(
      status: .serviceUnavailable, message: "the server is shutting down; try again in a few seconds",
      type: "service_unavailable", param: nil, code: "draining", headers: [.retryAfter: "5"])
  }

  static func unauthorized(_ message: String) -> Self {
    APIError(
      status: .unauthorized, message: message, type: "authentication_error", param: nil, code: "invalid_api_key",
      headers: [.wwwAuthenticate: "Bearer"])
  }

  /// For everything that is not the client's mistake. Details stay in the log.
  static var internalError: Self {
    APIError(
      status: .internalServerError, message: "the server failed to answer; its log says why under this x-request-id",
      type: "server_error", param: nil, code: "internal")
  }
}

extension Response {
  static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
    var headers = headers
    headers[.contentType] = "application/json; charset=utf-8"
    return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(string: value.text + "\n")))
  }
}
