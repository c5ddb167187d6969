// One named shelf of the registry: makers by name. A maker receives its own section of the recipe.
import Recipes

/// Makes products of one kind by name.
public struct Catalog<Product: Sendable>: Sendable, Shelf {
  /// Builds a product from its section; the path says where the section stands and begins the path of errors.
  public typealias Maker = @Sendable (_ settings: ConfigTree, _ path: String) throws -> Product

  private struct Entry: Sendable {
    let make: Maker
    let plugin: String?
  }

  let noun: String
  /// Who adds parts at the moment; set by the registry.
  var registering: String?
  private var entries: [String: Entry] = [:]

  /// An empty catalog of parts that a sentence calls `noun`. Registries make their own.
  public init(of noun: String) { self.noun = noun }

  /// The installed names, sorted.
  public var names: [String] { entries.keys.sorted() }

  /// Whether `make` would find a maker of this name.
  public func contains(_ name: String) -> Bool { entries[name] != nil }

  /// The plugin that brought a part; nil when the part is unknown or the app added it by itself.
  public func plugin(of name: String) -> String? { entries[name]?.plugin }

  /// Adds a maker; a name that is taken is an error naming both sides.
  public mutating func add(_ name: String, _ maker: @escaping Maker) throws {
    if let taken = entries[name] {
      throw RegistryError.duplicate(noun: noun, name: name, first: taken.plugin, second: registering)
    }
    entries[name] = Entry(make: maker, plugin: registering)
  }

  /// The common case: a product made from one typed configuration.
  public mutating func add<Settings: Configuration>(
    _ name: String, configuredBy settings: Settings.Type, _ maker: @escaping @Sendable (Settings) throws -> Product
  ) throws {
    try add(name) { tree, path in try maker(Settings(overlaying: tree, at: path)) }
  }

  /// Throws a sentence that begins with `path`, where the name stands in the recipe, when nobody has brought the part.
  public func require(_ name: String, at path: String) throws {
    if contains(name) { return }
    throw ConfigError(path: path, problem: "\(RegistryError.unknown(noun: noun, name: name, installed: names))")
  }

  /// Makes the part called `name` from its settings. `path` is where they stand in the recipe; without one, errors
  /// begin with the part's name.
  public func make(_ name: String, _ settings: ConfigTree = .table([:]), at path: String? = nil) throws -> Product {
    guard let entry = entries[name] else { throw RegistryError.unknown(noun: noun, name: name, installed: names) }
    return try entry.make(settings, path ?? name)
  }
}
