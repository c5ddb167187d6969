// A component's typed settings: ordinary stored properties whose initial values are the defaults.
// A recipe may only override what exists; everything it says is checked before the component sees it.

/// The settings of one component. Conform with a struct of plain properties; synthesized Codable does the rest.
public protocol Configuration: Codable, Sendable {
  /// The defaults.
  init()
  /// Refuses values that fit their types but make no sense. Called once after decoding; throw a `ConfigError` whose
  /// path is relative to this section. Sections inside this one are validated by themselves.
  func validate() throws
}

extension Configuration {
  public func validate() throws {}

  /// Defaults, overlaid by `tree`, checked key by key, decoded, validated. `path` is where the section stands in the
  /// recipe and begins the path of every error. Nothing at all (`.null`) means the defaults.
  public init(overlaying tree: ConfigTree, at path: String = "") throws {
    let defaults = try TreeEncoder.slot(encoding: Self(), at: path)
    let merged = tree == .null ? defaults.tree : defaults.overlaid(by: tree)
    self = try TreeDecoder.decodeMembers(Self.self, from: merged, at: path)
    do {
      try validate()
    } catch let error as ConfigError {
      throw ConfigError(path: ConfigPath.join(path, error.path), problem: error.problem)
    } catch {
      throw ConfigError(path: path, problem: "\(error)")
    }
  }
}

extension ConfigTree {
  /// The settings as a tree; optional settings that are nil are left out. Throws for what no recipe can say.
  public init(encoding value: some Encodable) throws {
    self = try TreeEncoder.slot(encoding: value, at: "").tree
  }

  /// Reads a value, refusing keys that it does not read; `path` begins the path of every error.
  public func decode<T: Decodable>(_ type: T.Type = T.self, at path: String = "") throws -> T {
    try TreeDecoder.decode(type, from: self, at: path)
  }
}
