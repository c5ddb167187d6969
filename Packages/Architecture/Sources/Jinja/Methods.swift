// The methods of Python's types that templates call. Those that change their owner are refused: the sandbox in which
// chat templates run is immutable.

enum Methods {
  /// The methods that can be called; nil for a type without any.
  static func names(of value: Value) -> Set<String>? {
    switch value {
    case .text: text
    case .list, .tuple: ["count", "index", "copy"]
    case .dictionary: ["get", "items", "keys", "values", "copy"]
    case .integer, .float: ["is_integer"]
    default: nil
    }
  }

  private static let text: Set<String> = [
    "capitalize", "casefold", "center", "count", "endswith", "find", "format", "index", "isalnum", "isalpha", "isascii",
    "isdigit", "isdecimal", "islower", "isnumeric", "isspace", "isupper", "join", "ljust", "lower", "lstrip",
    "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rjust", "rpartition", "rsplit",
    "rstrip",
    "split", "splitlines", "startswith", "strip", "swapcase", "title", "upper", "zfill",
  ]

  /// Whether the method would change its owner.
  static func changes(_ value: Value, _ name: String) -> Bool {
    switch value {
    case .list: ["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"].contains(name)
    case .dictionary: ["clear", "pop", "popitem", "setdefault", "update"].contains(name)
    default: false
    }
  }

  /// What Python has and this does not: an error rather than something undefined.
  static func unsupported(of value: Value) -> Set<String> {
    switch value {
    case .text:
      ["encode", "expandtabs", "format_map", "isidentifier", "isprintable", "istitle", "maketrans", "translate"]
    case .dictionary: ["fromkeys"]
    case .view: ["mapping", "isdisjoint"]
    case .integer, .float:
      [
        "as_integer_ratio", "bit_count", "bit_length", "conjugate", "denominator", "from_bytes", "fromhex", "hex",
        "imag", "numerator", "real", "to_bytes",
      ]
    default: []
    }
  }
}

extension Rendering {
  /// Calls a method of a value.
  func call(_ name: String, of receiver: Value, _ arguments: CallArguments) throws -> Value {
    switch receiver {
    case .text(let text):
      try budget.spend(text.count / 4)
      return try TextMethod(text: text, name: name, arguments: arguments, rendering: self).result()
    case .dictionary(let mapping): return try call(name, of: mapping, arguments)
    case .list(let items), .tuple(let items): return try call(name, of: items, receiver, arguments)
    case .loop(let loop):
      _ = try CallArguments(named: arguments.named).values(of: "loop.\(name)")
      return try name == "cycle" ? loop.cycle(arguments.positional) : loop.changed(arguments.positional)
    case .integer: return .bool(true)
    case .float(let number): return .bool(number.rounded() == number)
    case .undefined, .none, .bool, .view, .range, .iterator, .namespace, .macro, .function, .method:
      throw TemplateError("a value of type \(receiver.typeName) has no method '\(name)'")
    }
  }

  private func call(_ name: String, of mapping: Mapping, _ arguments: CallArguments) throws -> Value {
    switch name {
    case "get":
      let values = try arguments.values("key", "default", of: name)
      guard let key = values[0] else { throw TemplateError("'get' needs a key") }
      return mapping[try Key(key, budget)] ?? values[1] ?? .none
    case "copy":
      _ = try arguments.values(of: name)
      return .dictionary(mapping)
    default:
      _ = try arguments.values(of: name)
      guard let view = Value.View(rawValue: name) else { throw TemplateError("a mapping has no method '\(name)'") }
      return .view(view, mapping)
    }
  }

  private func call(_ name: String, of items: Items, _ receiver: Value, _ arguments: CallArguments) throws -> Value {
    if name == "copy" { return receiver }
    let values = try arguments.values("value", "start", "end", of: name)
    guard let value = values[0] else { throw TemplateError("'\(name)' needs a value") }
    if name == "count" {
      var count = 0
      for item in items.values where try comparer.areEqual(item, value) { count += 1 }
      return .integer(count)
    }
    let range = try pythonRange(values[1], values[2], items.values.count)
    for place in range where try comparer.areEqual(items.values[place], value) { return .integer(place) }
    throw TemplateError("'index' finds no such value in the list; test with 'in' before")
  }

  /// The places between two optional bounds, of which a negative one counts from the end.
  func pythonRange(_ start: Value?, _ end: Value?, _ count: Int) throws -> Range<Int> {
    func place(_ bound: Int) -> Int { Swift.min(Swift.max(bound < 0 ? bound &+ count : bound, 0), count) }
    let first = place(try start.integer("the start") ?? 0)
    return first..<Swift.max(first, place(try end.integer("the end") ?? count))
  }
}
