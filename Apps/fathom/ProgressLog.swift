// Warnings of the packages as notes above the progress line, so that log lines never tear it.
import Logging
import ProcessGraph

/// Hands warnings and errors to a progress reporter.
struct ProgressLog: LogHandler {
  let progress: any ProgressReporter
  var logLevel = Logger.Level.warning
  var metadata: Logger.Metadata = [:]

  /// A logger that writes through `progress`.
  static func logger(_ label: String, _ progress: any ProgressReporter) -> Logger {
    Logger(label: label) { _ in ProgressLog(progress: progress) }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) { progress.note("\(event.level): \(event.message)") }
}
