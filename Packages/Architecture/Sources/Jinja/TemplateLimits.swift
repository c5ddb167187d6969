// How much a template may do. Templates come with models from strangers, so that a hostile one must end with a
// sentence and not with a stopped server.

/// Bounds on the work of one rendering.
public struct TemplateLimits: Sendable {
  /// Expressions and statements that may be evaluated.
  public var steps = 4_000_000
  /// Code points and list entries that may be made or looked at.
  public var units = 40_000_000
  /// Code points that may be written.
  public var output = 8_000_000
  public init() {}
}

/// Counts the work of one rendering.
final class Budget {
  private var steps: Int
  private var units: Int
  private let limits: TemplateLimits
  /// How many evaluations are inside each other now.
  private var depth = 0
  static let maxDepth = 250

  init(_ limits: TemplateLimits) {
    self.limits = limits
    (steps, units) = (limits.steps, limits.units)
  }

  /// Accounts for one statement, expression or turn of a loop.
  func step() throws {
    steps -= 1
    guard steps >= 0 else {
      throw TemplateError(
        "the template evaluates more than \(limits.steps) expressions, which is the most that is allowed", kind: .limit)
    }
  }

  /// Begins an evaluation inside the current one. Every call that succeeds is paired with `leave`.
  func enter() throws {
    try step()
    guard depth < Self.maxDepth else {
      throw TemplateError("the template recurses deeper than \(Self.maxDepth) levels", kind: .limit)
    }
    depth += 1
  }
  func leave() { depth -= 1 }

  /// Accounts for `count` code points or entries.
  func spend(_ count: Int) throws {
    guard count <= units else {
      units = 0
      throw TemplateError(
        "the template handles more than \(limits.units) characters and entries, which is the most that is allowed",
        kind: .limit)
    }
    units -= max(count, 0)
  }

  /// Checks how much is written, before it is.
  func checkOutput(_ count: Int) throws {
    guard count <= limits.output else {
      throw TemplateError("the template writes more than \(limits.output) characters", kind: .limit)
    }
  }
}
