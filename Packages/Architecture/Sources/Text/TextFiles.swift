// Reading and writing the small files of this module, with errors that name the file and the key.
import Foundation

/// Reads `path` and decodes it. Throws `TokenizerError`.
func readJSON<Value: Decodable>(_ type: Value.Type, from path: String) throws -> Value {
  let data: Data
  do {
    data = try Data(contentsOf: URL(fileURLWithPath: path))
  } catch {
    throw TokenizerError("\(path) cannot be read; it must be an existing, readable file")
  }
  return try decodeJSON(type, from: data, named: path)
}

/// Decodes `data`, calling it `name` in errors. Throws `TokenizerError`.
func decodeJSON<Value: Decodable>(_ type: Value.Type, from data: Data, named name: String) throws -> Value {
  do {
    return try JSONDecoder().decode(type, from: data)
  } catch let error as DecodingError {
    throw TokenizerError("\(name): \(sentence(for: error))")
  } catch let error as TokenizerError {
    throw TokenizerError("\(name): \(error.description)")
  }
}

/// Writes `data` to `path` as a whole or not at all. Throws `TokenizerError`.
func write(_ data: Data, to path: String) throws {
  do {
    try data.write(to: URL(fileURLWithPath: path), options: .atomic)
  } catch {
    throw TokenizerError("\(path) cannot be written; its directory must exist, be writable and have room")
  }
}

private func sentence(for error: DecodingError) -> String {
  func place(_ path: [any CodingKey]) -> String {
    let keys = path.map { key in key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)" }.joined()
    return keys.isEmpty ? "the file" : "'\(keys.hasPrefix(".") ? String(keys.dropFirst()) : keys)'"
  }
  switch error {
  case .typeMismatch(let type, let context):
    return "\(place(context.codingPath)) has the wrong type; expected \(jsonName(of: type))"
  case .valueNotFound(let type, let context):
    return "\(place(context.codingPath)) is null; expected \(jsonName(of: type))"
  case .keyNotFound(let key, let context):
    return "\(place(context.codingPath)) has no '\(key.stringValue)', which is required"
  case .dataCorrupted(let context):
    let isWhole = context.codingPath.isEmpty
    return isWhole
      ? "the file is not JSON; expected a JSON object" : "\(place(context.codingPath)) has an unusable value"
  @unknown default: return "the file has another shape than expected"
  }
}

private func jsonName(of type: any Any.Type) -> String {
  if type is String.Type { return "a string" }
  if type is Bool.Type { return "true or false" }
  if type is any BinaryInteger.Type { return "a whole number" }
  return "\(type)".hasPrefix("Array") ? "a list" : "an object"
}
