// What can go wrong with names of parts, each case one sentence that names everybody concerned.
import Recipes
import Sentences

/// A part that is not there, or is there twice.
public enum RegistryError: Error, Equatable, CustomStringConvertible {
  /// Two makers under one name. The plugins that brought them; nil stands for the app itself.
  case duplicate(noun: String, name: String, first: String?, second: String?)
  case unknown(noun: String, name: String, installed: [String])
  case repeatedPlugin(String)

  public var description: String { sentenceLine(sentence) }

  private var sentence: String {
    switch self {
    case .duplicate(let noun, let name, let first, let second) where first == second:
      return "\(Self.owner(first)) registers the \(noun) '\(name)' twice"
    case .duplicate(let noun, let name, let first?, let second?):
      return "two plugins register the \(noun) '\(name)': '\(first)' and '\(second)'"
    case .duplicate(let noun, let name, let first, let second):
      return "the \(noun) '\(name)' is registered twice: by \(Self.owner(first)) and by \(Self.owner(second))"
    case .unknown(let noun, let name, let installed):
      let names = installed.isEmpty ? "none" : installed.joined(separator: ", ")
      return "no \(noun) '\(name)'; installed: \(names)\(didYouMean(name, among: installed))"
    case .repeatedPlugin(let name):
      return "the plugin '\(name)' is listed twice; list it once"
    }
  }

  private static func owner(_ plugin: String?) -> String { plugin.map { "the plugin '\($0)'" } ?? "the app" }
}
