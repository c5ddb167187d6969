// What expressions give while a template is rendered: Python's values, as far as templates can make them.

/// A value of a rendering. Values do not leave it.
enum Value {
  case undefined(Undefined)
  case none
  case bool(Bool)
  case integer(Int)
  case float(Double)
  case text(TemplateText)
  case list(Items)
  case tuple(Items)
  case dictionary(Mapping)
  /// What a dictionary's `keys`, `values` and `items` return.
  case view(View, Mapping)
  case range(Span)
  /// What a filter such as `map` returns: it can be walked over once.
  case iterator(ItemIterator)
  case namespace(Namespace)
  case loop(Loop)
  case macro(Macro)
  case function(Function)
  indirect case method(Value, String)

  enum View: String { case keys, values, items }

  static func string(_ text: String) -> Value { .text(TemplateText(text)) }

  /// The name of the type in Python.
  var typeName: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "NoneType"
    case .bool: "bool"
    case .integer: "int"
    case .float: "float"
    case .text: "str"
    case .list: "list"
    case .tuple: "tuple"
    case .dictionary: "dict"
    case .view(let view, _): "dict_\(view.rawValue)"
    case .range: "range"
    case .iterator: "generator"
    case .namespace: "Namespace"
    case .loop: "LoopContext"
    case .macro: "Macro"
    case .function: "function"
    case .method: "method"
    }
  }

  /// How deep the containers in this value are nested.
  var depth: Int {
    switch self {
    case .list(let items), .tuple(let items): items.depth
    case .dictionary(let mapping), .view(_, let mapping): mapping.depth
    case .iterator(let iterator): iterator.depth
    case .loop(let loop): loop.depth
    case .method(let receiver, _): receiver.depth + 1
    case .undefined, .none, .bool, .integer, .float, .text, .range, .namespace, .macro, .function: 0
    }
  }

  /// Whether a condition takes it for true.
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let value): value
    case .integer(let value): value != 0
    case .float(let value): value != 0
    case .text(let text): !text.isEmpty
    case .list(let items), .tuple(let items): !items.values.isEmpty
    case .dictionary(let mapping), .view(_, let mapping): mapping.count > 0
    case .range(let span): span.count > 0
    case .loop, .iterator, .namespace, .macro, .function, .method: true
    }
  }

  /// A number as Python's arithmetic sees it: true is 1.
  var asInteger: Int? {
    switch self {
    case .integer(let value): value
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }
  var asDouble: Double? {
    if case .float(let value) = self { return value }
    return asInteger.map(Double.init)
  }
  var asText: TemplateText? {
    if case .text(let text) = self { return text }
    return nil
  }
  var isUndefined: Bool {
    if case .undefined = self { return true }
    return false
  }
  var isNone: Bool {
    if case .none = self { return true }
    return false
  }
}

/// A value that is not there. It may be printed and tested; everything else is an error with this sentence.
struct Undefined {
  let sentence: String
  init(_ sentence: String) { self.sentence = sentence }
  var error: TemplateError { TemplateError(sentence) }
}

/// The entries of a list or a tuple.
struct Items {
  let values: [Value]
  let depth: Int
  static let maxDepth = 100

  init(_ values: [Value]) throws {
    self.values = values
    depth = try Self.depth(over: values)
  }
  /// Entries that hold no others.
  init(texts: [TemplateText]) { (values, depth) = (texts.map { .text($0) }, 1) }

  static func depth(over values: some Sequence<Value>) throws -> Int {
    var depth = 0
    for value in values { depth = Swift.max(depth, value.depth) }
    guard depth < maxDepth else {
      throw TemplateError("lists are nested more than \(maxDepth) levels deep", kind: .limit)
    }
    return depth + 1
  }
}

extension Value {
  static func listOf(_ values: [Value]) throws -> Value { .list(try Items(values)) }
  static func tupleOf(_ values: [Value]) throws -> Value { .tuple(try Items(values)) }
}

/// What `range()` makes: whole numbers at equal distances.
struct Span: Equatable {
  let start: Int
  let stop: Int
  let step: Int
  let count: Int
  /// More numbers than this are refused, as jinja2's sandbox does.
  static let maxCount = 100_000

  init(from start: Int, to stop: Int, by step: Int) throws {
    guard step != 0 else { throw TemplateError("the step of a range is 0; it must not be") }
    (self.start, self.stop, self.step) = (start, stop, step)
    let (distance, overflows) =
      step > 0 ? stop.subtractingReportingOverflow(start) : start.subtractingReportingOverflow(stop)
    let size = step.magnitude
    let count = distance <= 0 && !overflows ? 0 : overflows ? UInt.max : (distance.magnitude - 1) / size + 1
    guard count <= Self.maxCount else {
      throw TemplateError(
        "a range has more than \(Self.maxCount) numbers, which is the most that is allowed", kind: .limit)
    }
    self.count = Int(count)
  }
  /// The number at `index`, which is below `count`.
  subscript(index: Int) -> Int { start &+ index &* step }
}

/// Values that are handed out once.
final class ItemIterator {
  private var rest: ArraySlice<Value>
  let depth: Int
  init(_ values: [Value]) throws { (rest, depth) = (values[...], try Items.depth(over: values)) }
  /// All that has not been handed out.
  func drain() -> [Value] {
    defer { rest = [] }
    return Array(rest)
  }
  func next() -> Value? { rest.popFirst() }
}

/// What `namespace()` makes: variables that inner blocks may change.
final class Namespace {
  var attributes = Mapping()
}

/// The variables of a block, inside those of the blocks around it.
final class Scope {
  var variables: [String: Value] = [:]
  let parent: Scope?
  init(inside parent: Scope?) { self.parent = parent }

  func value(_ name: String) -> Value? {
    var scope: Scope? = self
    while let here = scope {
      if let value = here.variables[name] { return value }
      scope = here.parent
    }
    return nil
  }
}

/// A macro with the variables that it sees.
final class Macro {
  let definition: MacroDefinition
  let scope: Scope
  init(_ definition: MacroDefinition, in scope: Scope) { (self.definition, self.scope) = (definition, scope) }
}

/// The functions that every template can call.
enum Function: String, CaseIterable {
  case range, dict, namespace
  case raiseException = "raise_exception"
  case now = "strftime_now"
  case lipsum, cycler, joiner
}
