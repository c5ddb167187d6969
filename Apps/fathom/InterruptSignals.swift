// Ctrl-C and SIGTERM as an event that a command can act on, once.
import Dispatch
import Foundation
import Synchronization

/// Watches SIGINT and SIGTERM from its making until `stop()`. After the first of them the second ends the process.
final class InterruptSignals: Sendable {
  private let first = Mutex<Int32?>(nil)
  // Dispatch sources may be cancelled from any thread; nothing else is done to them after the initializer.
  private nonisolated(unsafe) let sources: [any DispatchSourceSignal]
  private static let watched = [SIGINT, SIGTERM]

  /// Calls `action` with the first signal that arrives.
  init(_ action: @escaping @Sendable (Int32) -> Void) {
    for number in Self.watched { signal(number, SIG_IGN) }
    sources = Self.watched.map { DispatchSource.makeSignalSource(signal: $0, queue: .global()) }
    for (number, source) in zip(Self.watched, sources) {
      source.setEventHandler { [weak self] in self?.receive(number, action) }
      source.resume()
    }
  }

  /// The signal that arrived, if one did.
  var received: Int32? { first.withLock { $0 } }

  /// Gives the signals their usual meaning back.
  func stop() {
    for source in sources { source.cancel() }
    for number in Self.watched { signal(number, SIG_DFL) }
  }

  private func receive(_ number: Int32, _ action: @Sendable (Int32) -> Void) {
    let isFirst = first.withLock { first in
      defer { first = first ?? number }
      return first == nil
    }
    guard isFirst else { return }
    for number in Self.watched { signal(number, SIG_DFL) }
    action(number)
  }
}
