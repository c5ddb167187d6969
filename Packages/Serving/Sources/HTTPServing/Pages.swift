// The two pages, embedded in the binary: a chat, and the charts of a training run.
import HTTPTypes
import Hummingbird

enum Page: Sendable {
  case chat, run

  var response: Response {
    let bytes =
      switch self {
      case .chat: PackageResources.chat_html
      case .run: PackageResources.run_html
      }
    let headers: HTTPFields = [
      .contentType: "text/html; charset=utf-8", .cacheControl: "no-cache", .xContentTypeOptions: "nosniff",
      // Everything is inside the file, and it talks to this server only.
      .contentSecurityPolicy: "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
        + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ]
    return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
  }
}
