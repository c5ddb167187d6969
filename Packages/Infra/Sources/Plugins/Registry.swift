// Everything a process knows how to make, by kind and name. Built once by the app, then only read.

/// One catalog per kind of part, found by the kind's type.
public struct Registry: Sendable {
  private var shelves: [ObjectIdentifier: any Shelf] = [:]
  /// Who adds parts at the moment; nil outside a plugin's `register`.
  private var registering: String?
  /// The names of the plugins it was built from, in order.
  public private(set) var plugins: [String] = []

  /// Lets every plugin register its parts, in order.
  public init(_ plugins: [any Plugin] = []) throws {
    for plugin in plugins {
      guard !self.plugins.contains(plugin.name) else { throw RegistryError.repeatedPlugin(plugin.name) }
      self.plugins.append(plugin.name)
      registering = plugin.name
      try plugin.register(in: &self)
    }
    registering = nil
  }

  /// The catalog of a kind; empty when nobody has brought such a part.
  public subscript<Kind: PartKind>(kind: Kind.Type) -> Catalog<Kind.Product> {
    get {
      var catalog = shelves[ObjectIdentifier(kind)] as? Catalog<Kind.Product> ?? Catalog(of: Kind.noun)
      catalog.registering = registering
      return catalog
    }
    set { shelves[ObjectIdentifier(kind)] = newValue }
  }

  /// What is installed, for people: the noun of every kind with the names of its parts, both sorted.
  public var contents: [(noun: String, names: [String])] {
    shelves.values.map { ($0.noun, $0.names) }.sorted { $0.noun < $1.noun }
  }
}

/// What a registry can say of a catalog without knowing what it makes.
protocol Shelf: Sendable {
  var noun: String { get }
  var names: [String] { get }
}
