// A progress reporter that says nothing, for tests and for programs that show progress in their own way.

/// Ignores every report.
public struct SilentProgress: ProgressReporter {
  public init() {}
  public func report(stage: String, done: Int, of total: Int, unit: String, detail: String) {}
  public func finish(stage: String, summary: String) {}
  public func note(_ sentence: String) {}
}
