// A client with no manners: sends the bytes as they are and reads what comes back.
import Foundation

enum LoopbackClient {
  struct Reply: Sendable {
    var status: Int?
    var body: [UInt8] = []
  }

  /// Sends `request` and reads to the end of the connection. A request that is not sound may leave the server waiting
  /// for more; it is not waited for.
  static func exchange(_ port: Int, _ request: [UInt8], isSound: Bool) async throws -> Reply {
    try await withCheckedThrowingContinuation { continuation in
      // The call blocks; a thread of the cooperative pool would be missed by the server.
      DispatchQueue.global().async {
        continuation.resume(with: Result { Reply(try talk(port, request, isSound: isSound)) })
      }
    }
  }

  private static func talk(_ port: Int, _ request: [UInt8], isSound: Bool) throws -> [UInt8] {
    #if os(Linux)
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
      let descriptor = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    guard descriptor >= 0 else { throw FuzzError("cannot open a socket: errno \(errno)") }
    defer { close(descriptor) }
    // Waiting for ever is the server's fault; it shows as silence.
    var timeout = timeval(tv_sec: isSound ? 15 : 0, tv_usec: isSound ? 0 : 300_000)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(truncatingIfNeeded: port).bigEndian)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw FuzzError("cannot connect to port \(port): errno \(errno)") }
    var sent = 0
    while sent < request.count {
      let count = request[sent...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, noSignal) }
      guard count > 0 else { break }
      sent += count
    }
    var (reply, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
    while reply.count < 1 << 24 {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      reply += buffer[..<count]
    }
    return reply
  }

  #if os(Linux)
    private static let noSignal = Int32(MSG_NOSIGNAL)
  #else
    private static let noSignal: Int32 = 0
  #endif
}

extension LoopbackClient.Reply {
  /// Takes status and body out of a whole response.
  fileprivate init(_ bytes: [UInt8]) {
    let text = String(decoding: bytes.prefix(1 << 16), as: UTF8.self)
    guard text.hasPrefix("HTTP/"), let space = text.firstIndex(of: " ") else { return }
    status = Int(text[text.index(after: space)...].prefix(3))
    let end = Array("\r\n\r\n".utf8)
    if let start = bytes.indices.first(where: { bytes[$0...].starts(with: end) }) {
      body = Array(bytes[(start + 4)...])
    }
  }
}
