// Server-sent events: one `data:` line and a blank line per chunk, comments while nothing happens, `[DONE]` last.
import HTTPTypes
import Hummingbird
import JSON
import LanguageModels
import Logging

/// Writes the answers of one request as they are generated.
struct EventStream: Sendable {
  var format: any ReplyFormat
  var usage: Usage
  var includesUsage: Bool
  var keepAlive: Duration
  var logger: Logger

  /// Headers are sent when the body is first written, which is after everything that can be refused has been.
  func response(_ generations: [GenerationStream], to request: Request) -> Response {
    let headers: HTTPFields = [
      .contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-cache", .accelBuffering: "no",
      .connection: "close",
    ]
    return Response(
      status: .ok, headers: headers,
      body: .init { writer in
        try await request.body.consumeWithCancellationOnInboundClose { _ in
          try await write(generations, to: &writer)
        }
        try await writer.finish(nil)
      })
  }

  private func write(_ generations: [GenerationStream], to writer: inout any ResponseBodyWriter) async throws {
    do {
      try await writeChunks(generations, to: &writer)
    } catch let error where !Task.isCancelled {
      if !(error is GenerationError) { logger.error("a stream ended early: \(error)") }
      let apology = (error as? GenerationError).map { APIError.badRequest($0.description) } ?? .internalError
      try await send(apology.body, to: &writer)
    }
    try await writer.write(ByteBuffer(string: "data: [DONE]\n\n"))
  }

  private func writeChunks(_ generations: [GenerationStream], to writer: inout any ResponseBodyWriter) async throws {
    for index in generations.indices {
      if let opening = format.opening(index) { try await send(format.chunk(opening), to: &writer) }
    }
    var readers = generations.map { _ in format.makeReader() }
    let clock = ContinuousClock()
    var lastWrite = clock.now
    try await follow(generations, tick: keepAlive / 4) { signal in
      switch signal {
      case .tick:
        guard clock.now - lastWrite >= keepAlive else { return }
        try await writer.write(ByteBuffer(string: ": keep-alive\n\n"))
      case .event(let index, let event):
        var choices = readers[index].read(event).map { format.choice(index, $0) }
        if let reason = readers[index].finishReason { choices.append(format.ending(index, reason)) }
        guard !choices.isEmpty else { return }
        for choice in choices { try await send(format.chunk(choice), to: &writer) }
      }
      lastWrite = clock.now
    }
    guard includesUsage else { return }
    var usage = usage
    for reader in readers { usage.add(reader) }
    try await send(format.usageChunk(usage), to: &writer)
  }

  private func send(_ chunk: JSONValue, to writer: inout any ResponseBodyWriter) async throws {
    try await writer.write(ByteBuffer(string: "data: \(chunk.text)\n\n"))
  }
}
