// What a command itself can find wrong, in one sentence.

/// A command that cannot do what was asked.
struct CommandError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
