// One input: files by name, as a parser would meet them in a directory.
// Parsers of requests and texts use the same form, so that every finding is saved and read back in one way.
import Foundation

struct FuzzInput: Sendable {
  struct File: Sendable {
    var name: String
    var bytes: [UInt8]
    var text: String { String(decoding: bytes, as: UTF8.self) }

    init(_ name: String, _ bytes: [UInt8]) { (self.name, self.bytes) = (name, bytes) }
    init(_ name: String, _ text: String) { self.init(name, Array(text.utf8)) }
  }

  var files: [File]

  init(_ files: [File]) { self.files = files }
  init(_ name: String, _ bytes: [UInt8]) { self.init([File(name, bytes)]) }
  init(_ name: String, _ text: String) { self.init([File(name, text)]) }

  /// The bytes of the file called `name`; none where there is no such file.
  subscript(name: String) -> [UInt8] { files.first { $0.name == name }?.bytes ?? [] }

  /// Writes the files into `directory`, which is made.
  func write(to directory: String) throws {
    for file in files {
      let path = "\(directory)/\(file.name)"
      let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
      try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
      guard FileManager.default.createFile(atPath: path, contents: Data(file.bytes)) else {
        throw FuzzError("\(path): cannot be written")
      }
    }
  }

  /// The regular files of a directory, by name; `rename` changes names, nil leaves one out.
  init(directory: String, _ rename: (String) -> String? = { $0 }) throws {
    let names = try FileManager.default.subpathsOfDirectory(atPath: directory).sorted()
    files = names.compactMap { name in
      var isFolder: ObjCBool = false
      let path = "\(directory)/\(name)"
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue,
        let chosen = rename(name), let data = FileManager.default.contents(atPath: path)
      else { return nil }
      return File(chosen, [UInt8](data))
    }
  }
}

/// Something the harness itself cannot do.
struct FuzzError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
