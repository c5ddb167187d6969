// How a stage names the parts it works with: `problems: {name: knights-and-knaves, settings: {people: [3]}}`.
import Plugins
import Recipes

/// A registered part chosen by a recipe: its name and its own settings.
public struct PartChoice: Configuration {
  public var name = ""
  public var settings: ConfigTree = .table([:])
  public init() {}
  public init(_ name: String, _ settings: ConfigTree = .table([:])) { (self.name, self.settings) = (name, settings) }
}

extension PartChoice {
  /// Takes the part from its catalog. `path` is where the choice stands in the recipe and begins the path of errors.
  func make<Product>(from catalog: Catalog<Product>, at path: String) throws -> Product {
    try catalog.require(name, at: "\(path).name")
    return try catalog.make(name, settings, at: "\(path).settings")
  }
}
