// Where problems come from: numbered questions with checkable answers, in two sets that never meet.
import Plugins
import Rewards

/// Which side of a source a problem is on.
public enum Split: String, Sendable, Codable { case train, evaluation }

/// Problems by number. Called by stages that learn from rewards and by evaluations; the same source serves both.
public protocol ProblemSource: Sendable {
  var name: String { get }
  /// Problem number `index` of `split`; the same arguments always give the same problem; splits are disjoint by
  /// construction.
  func problem(_ index: Int, split: Split) throws -> Problem
}

/// Problem sources, as a kind of part.
public enum ProblemParts: PartKind {
  public typealias Product = any ProblemSource
  public static var noun: String { "problem source" }
}

extension Registry {
  /// The problem sources that recipes can name.
  public var problems: Catalog<any ProblemSource> {
    get { self[ProblemParts.self] }
    set { self[ProblemParts.self] = newValue }
  }
}
