// How the server listens and whom it lets in.
// The defaults suit one person on one machine: reachable from this machine only, no key needed.

/// The settings of a `FathomServer`.
public struct ServerSettings: Sendable, Codable, Hashable {
  /// The address to listen on; "0.0.0.0" is every IPv4 address of the machine.
  public var host = "127.0.0.1"
  /// The port to listen on; 0 takes any free one, which `FathomServer.port` then tells.
  public var port = 8080
  /// The keys that clients may present as `Authorization: Bearer …`. None: everybody is let in.
  public var apiKeys: [String] = []
  /// Whether pages of other origins may call the API from a browser.
  public var allowsCrossOrigin = false
  /// After how many seconds without a token a stream carries a comment that keeps proxies from closing it.
  public var keepAliveSeconds = 10.0
  /// The largest request body that is read.
  public var maxBodyBytes = 4 << 20

  public init() {}

  public init(
    host: String = "127.0.0.1", port: Int = 8080, apiKeys: [String] = [], allowsCrossOrigin: Bool = false
  ) {
    (self.host, self.port, self.apiKeys, self.allowsCrossOrigin) = (host, port, apiKeys, allowsCrossOrigin)
  }

  /// Throws `ServerError` for the first setting that cannot work.
  public func validate() throws {
    func require(_ holds: Bool, _ sentence: String) throws {
      if !holds { throw ServerError(sentence) }
    }
    try require(!host.isEmpty, "host is empty; it must be an address such as 127.0.0.1")
    try require((0...65535).contains(port), "port is \(port); it must be from 0 (any free port) to 65535")
    try require(!apiKeys.contains(""), "apiKeys contains an empty key; leave the list empty to need no key")
    try require(
      keepAliveSeconds > 0 && keepAliveSeconds <= 3600,
      "keepAliveSeconds is \(keepAliveSeconds); it must be above 0 and at most 3600")
    try require(maxBodyBytes >= 1024, "maxBodyBytes is \(maxBodyBytes); it must be at least 1024")
  }
}

/// A server that cannot be set up or did not start, in one sentence.
public struct ServerError: Error, CustomStringConvertible, Equatable {
  public let description: String
  public init(_ description: String) { self.description = description }
}
